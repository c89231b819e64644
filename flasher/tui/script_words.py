"""Scripts in words: for whom they are, whether they go onto cards, what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group
from rich.text import Text
from textual.content import Content

from autosetup.faults import Fault, shown
from autosetup.payload import Script
from flasher.rig.addressees import getting, missing
from flasher.rig.own_script import OwnScript
from flasher.rig.profile import Profile
from flasher.rig.rigmap import nodes_of
from flasher.rig.script_check import Examination
from flasher.tui.widgets.facts import facts
from flasher.tui.words import _, ngettext

_FIRST_LINES = 30


def whom(profile: Profile, script: OwnScript) -> str:
    """For whom a script is."""
    if not (script.roles or script.nodes):
        return _("every node")
    titles = {role.name: role.title for role in profile.roles}
    return ", ".join((*(titles.get(role, role) for role in script.roles), *script.nodes))


def state(profile: Profile, script: OwnScript) -> tuple[str, str, str]:
    """A sign, the theme's colour for it, and a word."""
    if not script.enabled:
        return "■", "$text-muted", _("switched off")
    if not script.examine().runs:
        return "✗", "$text-error", _("cannot run")
    if not getting(profile, script):
        return "!", "$text-warning", _("for no node of this rig")
    return "✓", "$text-success", _("on cards")


def own_entry(profile: Profile, place: int, script: OwnScript) -> Content:
    """Two lines of a list."""
    sign, colour, word = state(profile, script)
    return Content.from_markup(
        f"[{colour}]$sign[/] [b]$place $file[/b]\n[dim]  $word: $whom[/dim]",
        sign=sign,
        place=str(place),
        file=script.file,
        word=word,
        whom=whom(profile, script),
    )


def profile_entry(script: Script, roles: str) -> Content:
    """The same for a script of the profile, which nobody changes here."""
    return Content.from_markup(
        "[dim]· [b]$file[/b]\n  $words[/dim]",
        file=script.source.removeprefix("scripts/"),
        words=_("of the profile: {roles}").format(roles=roles),
    )


def describe_own(profile: Profile, script: OwnScript) -> Group:
    """All that is said of a script, what is wrong with it, and how it begins."""
    count, total = len(getting(profile, script)), len(nodes_of(profile))
    rows = [
        (_("Does"), script.title or "–"),
        (_("For"), whom(profile, script)),
        (_("Goes onto"), _("{count} of {total} cards").format(count=count, total=total)),
        (_("May take"), seconds(script.timeout_seconds)),
        (_("On cards"), script.source),
    ]
    found = script.examine()
    gone = ", ".join(missing(profile, script))
    lost = _("! It is for {names}, which this scanner does not have any more: press W.")
    told = troubles(found, _("All of that can be mended for you: press M."))
    if gone:
        told.append(lost.format(names=gone) + "\n", style="bold")
    return Group(facts(rows), told, beginning(script.content))


def describe_given(script: Script, roles: str, content: bytes) -> Group:
    """The same for a script of the profile."""
    rows = [
        (_("For"), roles),
        (_("May take"), seconds(script.timeout_seconds)),
        (_("On cards"), script.source),
    ]
    note = _("It belongs to the profile, and runs before yours.")
    return Group(facts(rows), Text(f"{note}\n"), beginning(content))


def troubles(found: Examination, remedy: str) -> Text:
    """What is wrong, each with what to do; empty where all is well.

    Args:
        found: what there is to say.
        remedy: how what can be mended is mended here.
    """
    text = Text()
    _append(text, "✗", found.faults)
    _append(text, "✗", found.mendable)
    if found.mendable and not found.faults:
        text.append(f"→ {remedy}\n", style="bold")
    _append(text, "!", found.warnings)
    return text


def seconds(number: int) -> str:
    """So many seconds, in words."""
    return ngettext("{n} second", "{n} seconds", number).format(n=number)


def plain_text(content: bytes) -> str:
    """A script as a screen may show it: what a screen would obey is written out."""
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    text = content.decode(encoding, errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    return "\n".join(shown(line.expandtabs(4)) for line in text.split("\n"))


def beginning(content: bytes) -> Text:
    """The first lines, with their numbers."""
    lines = plain_text(content[: 1 << 14]).rstrip("\n").split("\n")
    text = Text(no_wrap=True, overflow="ellipsis")
    for number, line in enumerate(lines[:_FIRST_LINES], 1):
        text.append(f"{number:>3} ", style="dim")
        text.append(f"{line}\n")
    return text.append("    …\n", style="dim") if len(lines) > _FIRST_LINES else text


def _append(text: Text, sign: str, faults: Iterable[Fault]) -> None:
    for fault in faults:
        line = _("line {n}: ").format(n=fault.line) if fault.line else ""
        text.append(f"{sign} {line}", style="bold")
        text.append(f"{fault.what} {fault.remedy}\n")
