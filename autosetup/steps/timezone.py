"""The timezone."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator

from autosetup.faults import Fault
from autosetup.node_file import NODE
from autosetup.steps.context import Context
from autosetup.system import System, sync_folder

NAME = "timezone"
_ZONES = "/usr/share/zoneinfo"
_LINK = "/etc/localtime"


def problems(context: Context) -> Iterator[Fault]:
    """A zone that the system does not know, with the nearest one that it does."""
    zone = context.settings.locale.timezone
    if not context.system.path(f"{_ZONES}/{zone}").is_file():
        near = difflib.get_close_matches(zone, _all_zones(context.system), 1)
        remedy = f"Did you mean {near[0]}?" if near else "Choose one such as Europe/Berlin."
        yield Fault(NODE, 0, 0, f"This system knows no timezone {zone}.", remedy)


def check(context: Context) -> bool:
    """Whether the link and the name agree with the payload."""
    system, zone = context.system, context.settings.locale.timezone
    link = system.path(_LINK)
    linked = link.is_symlink() and str(link.readlink()) == _target(zone)
    return linked and system.read("/etc/timezone") == f"{zone}\n".encode()


def apply(context: Context) -> None:
    """Set both; the link is replaced in one go."""
    system, zone = context.system, context.settings.locale.timezone
    system.write("/etc/timezone", f"{zone}\n".encode())
    draft = system.path("/etc/.localtime.autosetup")
    draft.unlink(missing_ok=True)
    draft.symlink_to(_target(zone))
    draft.replace(system.path(_LINK))
    sync_folder(system.path("/etc"))


def _target(zone: str) -> str:
    return f"{_ZONES}/{zone}"


def _all_zones(system: System) -> list[str]:
    top = system.path(_ZONES)
    return [
        os.path.relpath(os.path.join(place, name), top)  # noqa: PTH118
        for place, _, names in os.walk(top)
        for name in names
        if name[:1].isupper()
    ]
