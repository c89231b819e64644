"""The image's own packages, brought up to date from its sources or the site's mirror, once a day.

Never in a capture, and never on a node whose root file system is sealed, where it would be lost. A
restart that new packages ask for is told, not done.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from autosetup import forms
from autosetup.errors import AgentError, free_bytes, no_room
from autosetup.run import Tools, make_context, open_payload
from autosetup.sealing import is_sealed
from autosetup.settings import SystemPackages
from autosetup.status import Warned
from autosetup.steps import health
from autosetup.steps.apt import Newer, newer_than_installed, refreshed, upgrade
from autosetup.system import System, replace_file

_SECONDS = 3600
_DAY = 86_400
# What a few packages take at most, unpacked beside their old files.
_ROOM = 500_000_000
_SECURITY = "security"
UNHEALTHY = "unhealthy"
# These run from what was there before, until the node starts again.
_LASTING = ("linux-image", "raspi-firmware", "firmware-", "libc6", "systemd", "dbus")
_ASKED = "/run/reboot-required"


def is_due(stamp: Path, now: float) -> bool:
    """Whether a day has gone since it was done last; a clock that went back counts as one.

    Args:
        stamp: file whose time is that of the last one.
        now: seconds since 1970.
    """
    try:
        ago = now - stamp.stat().st_mtime
    except OSError:
        return True
    return not 0 <= ago < _DAY


def bring_up_to_date(
    system: System, which: SystemPackages, mirror: str, stamp: Path
) -> list[Newer]:
    """Take the packages that are newer; gives those that were taken.

    Where a power cut left some half configured, they are configured first.

    Args:
        system: the node.
        which: security updates alone, or all.
        mirror: address of the site's archive; empty for the image's own sources.
        stamp: see `is_due`; written once it is done.

    Raises:
        AgentError: ``no-space``; or what keeps apt from it, see `cause_of`.
    """
    if which == "none" or is_sealed(system) or not system.has_program("apt-get"):
        return []
    if free_bytes(system.root) < _ROOM:
        raise no_room("Packages are to be brought up to date.", str(system.root), _ROOM)
    system.must(["dpkg", "--configure", "-a"], seconds=_SECONDS)
    sources = refreshed(system, mirror)
    found = newer_than_installed(system, sources)
    if which == "security":
        found = [newer for newer in found if _SECURITY in newer.origins.lower()]
    if found:
        names = [newer.name for newer in found] if which == "security" else []
        upgrade(system, sources, names)
    stamp.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(stamp, f"{forms.utc_text(time.time())}\n".encode(), 0o600)
    return found


def complaint(tools: Tools, generation: int) -> Warned | None:
    """What the node's health checks say now; None where all is well.

    Packages cannot be taken back as a payload is, so that it is told is all.

    Args:
        generation: of the payload in force, whose checks they are.
    """
    payload = open_payload(tools, tools.journal.payload(generation))
    try:
        health.apply(make_context(tools, payload))
    except AgentError as error:
        what = f"Since the image's packages were brought up to date: {error.reason}"
        return Warned(UNHEALTHY, what, error.hint)
    return None


def restart_asked(system: System, taken: list[Newer]) -> Warned | None:
    """What to tell of a node that should start again to run what it has."""
    lasting = sorted(newer.name for newer in taken if newer.name.startswith(_LASTING))
    named = ", ".join(lasting)
    if not lasting:
        with suppress(FileNotFoundError):
            system.path(_ASKED).stat()
            named = "a package"
    if not named:
        return None
    what = f"The node still runs what it had before {named} was brought up to date."
    return Warned("restart-needed", what, "Start it again when nobody captures.")
