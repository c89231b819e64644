"""A scanner profile in words: what its roles do and run, and how many cards of it are made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from rich.console import Group
from rich.text import Text
from textual.content import Content

from flasher.errors import FlasherError
from flasher.rig.entry import Entry, standing
from flasher.rig.own_script import all_run
from flasher.rig.profile import Profile
from flasher.rig.role import Role
from flasher.tui.script_words import state, whom
from flasher.tui.widgets.facts import explain, facts
from flasher.tui.words import _, ngettext

_MOST_SITES = 4


def node_count(profile: Profile) -> int:
    """How many nodes a rig of this kind has."""
    return sum(role.count for role in profile.roles)


def count_made(entries: Iterable[Entry]) -> dict[str, dict[str, int]]:
    """How many nodes have their card, by profile and site."""
    nodes: dict[tuple[str, str], set[str]] = defaultdict(set)
    for card in standing(entries):
        nodes[card.profile, card.site].add(card.node)
    made: dict[str, dict[str, int]] = defaultdict(dict)
    for (profile, site), names in sorted(nodes.items()):
        made[profile][site] = len(names)
    return made


def profile_entry(name: str, found: Profile | FlasherError) -> Content:
    """Two lines of a list."""
    if isinstance(found, FlasherError):
        return Content.from_markup(
            "[$text-error]✗ $name[/]\n  [dim]$words[/dim]", name=name, words=_("has faults")
        )
    count = node_count(found)
    words = ngettext("{count} node", "{count} nodes", count).format(count=count)
    if not all_run(found.own):
        own = _("a script cannot run")
        return Content.from_markup(
            "[$text-error]✗[/] [b]$title[/b]\n[dim]$name, $own[/dim]",
            title=found.title,
            name=name,
            own=own,
        )
    return Content.from_markup(
        "[b]$title[/b]\n[dim]$name, $words[/dim]", title=found.title, name=name, words=words
    )


def faults_of(error: FlasherError) -> Group:
    """Why a profile cannot be used."""
    head = _("✗ This profile cannot be used.")
    return Group(Text(f"{head}\n", style="bold"), explain(error))


def about(profile: Profile, made: Mapping[str, int]) -> Group:
    """What it is, how many of its cards are made at each site, how many own scripts it has."""
    told = (_made_words(profile, made), _own_line(profile))
    return Group(_about_profile(profile), *filter(None, told))


def roles_of(profile: Profile) -> Group:
    """What each role runs, and the technician's own scripts."""
    return Group(*map(_describe_role, profile.roles), *filter(None, [_own_words(profile)]))


def _about_profile(profile: Profile) -> Text:
    """Its title and its description."""
    description = f"{profile.description}\n" if profile.description else ""
    return Text.assemble((profile.title, "bold"), "\n", description)


def _made_words(profile: Profile, made: Mapping[str, int]) -> Text | None:
    """How many of its cards are made at each site; None where none is."""
    if not made:
        return None
    sites = sorted(made, key=lambda site: -made[site])
    told = [f"{site} {made[site]}" for site in sites[:_MOST_SITES]]
    told += ["…"] * (len(sites) > _MOST_SITES)
    words = _("Cards made, of {total}: {sites}")
    return Text(words.format(total=node_count(profile), sites=", ".join(told)) + "\n")


def _own_line(profile: Profile) -> Text | None:
    """How many scripts of the technician's own it has; None where there are none."""
    if not profile.own:
        return None
    sign = "✓" if all_run(profile.own) else "✗"
    return Text(f"{sign} {_('Scripts of yours: {n}').format(n=len(profile.own))}\n")


def _own_words(profile: Profile) -> Group | None:
    """The technician's own scripts in their order, each with those whom it is for."""
    if not profile.own:
        return None
    rows = [
        (f"{state(profile, script)[0]} {place} {script.file}", whom(profile, script))
        for place, script in enumerate(profile.own, 1)
    ]
    words = _("They run in this order, after those of the profile:")
    title = Text("\n" + _("Scripts of yours"), style="bold")
    return Group(title, Text(words), facts(rows, indent=2))


def _describe_role(role: Role) -> Group:
    """How many nodes play a role, and what they run."""
    checks = [check.partition("/")[2] for check in role.health.checks]
    leases = role.serves.leases if role.serves else ()
    what = [
        (_("does"), role.does),
        (_("runs"), ", ".join(script.source.partition("/")[2] for script in role.scripts)),
        (_("gets"), ", ".join(file.path for file in role.files)),
        (_("installs"), ", ".join(_packages(role))),
        (_("starts"), ", ".join(role.services.enable)),
        (_("stops"), ", ".join(role.services.disable)),
        (_("serves"), _("names and time for the rig") if role.serves else ""),
        (_("addresses"), "–".join(leases)),
        (_("checks"), ", ".join(checks)),
        (_("is opened from"), role.reached_from),
    ]
    title = Text(f"\n{role.count} × {role.title}", style="bold")
    return Group(title, facts([(verb, words) for verb, words in what if words], indent=2))


def _packages(role: Role) -> list[str]:
    """Those of the distribution, and those that the card brings."""
    brought = (name.partition("/")[2] for name in role.contents if name.startswith("packages/"))
    return [*role.packages, *sorted(brought)]
