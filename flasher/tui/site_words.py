"""What a site holds, in words; never a secret."""

from __future__ import annotations

from rich.console import Group
from rich.text import Text
from textual.content import Content

from flasher.errors import FlasherError
from flasher.rig.public_keys import fingerprint
from flasher.rig.site import Site
from flasher.tui.site_shelf import Opened, Shelved
from flasher.tui.widgets.facts import explain, facts
from flasher.tui.words import _


def entry_of(shelved: Shelved) -> Content:
    """The site in the list, in two lines."""
    name, found = shelved.name, shelved.found
    if isinstance(found, FlasherError):
        words = _("has faults")
        return Content.from_markup(
            "[$error]✗ $name[/]\n  [dim]$words[/dim]", name=name, words=words
        )
    state = [_("■ locked")] if shelved.locked else []
    state += [_("! no backup")] if shelved.lonely else []
    words = " · ".join(state) or found.title
    return Content.from_markup("[b]$name[/b]\n  [dim]$words[/dim]", name=name, words=words)


def description_of(shelved: Shelved, opened: Opened | None) -> Group:
    """All that may be shown of a site, or its faults with their places."""
    found = shelved.found
    if isinstance(found, FlasherError):
        return Group(Text(_("✗ This site cannot be used.") + "\n", style="bold"), explain(found))
    opened = shelved.opened or opened
    rows = [*_rows(found, opened), *_state(shelved, opened)]
    return Group(Text(f"{found.title or found.name}\n", style="bold"), facts(rows))


def _rows(site: Site, opened: Opened | None) -> list[tuple[str, str]]:
    kinds = {"wpa-psk": _("WPA2"), "sae": _("WPA3"), "open": _("open")}
    keys = site.user.authorized_keys
    rows = [
        (_("Login"), site.user.name),
        (_("Password"), _password(opened)),
        (_("Keys"), str(len(keys)) if keys else _("none")),
        *(("", fingerprint(key)) for key in keys),
        (_("Wifi"), ", ".join(f"{w.ssid} ({kinds[w.security]})" for w in site.wifi) or _("none")),
        (_("Country"), site.country or _("none")),
        (_("Language"), site.locale.language),
        (_("Keyboard"), site.locale.keyboard),
        (_("Time zone"), site.locale.timezone),
    ]
    rows += [(_("Time servers"), ", ".join(site.ntp))] if site.ntp else []
    rows += [(_("Packages"), site.mirror)] if site.mirror else []
    return rows


def _password(opened: Opened | None) -> str:
    if opened is None:
        return _("■ locked")
    return _("set") if opened.secrets.password_hash else _("none, keys only")


def _state(shelved: Shelved, opened: Opened | None) -> list[tuple[str, str]]:
    if shelved.shipped:
        return [(_("Secrets"), _("it ships with Flasher, for practice"))]
    if not shelved.locked:
        kept = _("□ not locked on this computer")
    elif opened is None:
        kept = _("■ locked; asked for when it is chosen")
    else:
        kept = _("■ locked; open until the program ends")
    backup = _("! none yet: press B") if shelved.lonely else _("✓ made")
    return [(_("Secrets"), kept), (_("Backup"), backup)]
