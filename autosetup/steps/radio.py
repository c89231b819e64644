"""Radios that are switched off: now, or at the next start by what is kept of an earlier one.

Raspberry Pi OS comes with its radio switched off in all three places. Sources: ``Documentation/
driver-api/rfkill.rst`` of Linux, systemd-rfkill(8), and NetworkManager's own state file.
"""

from __future__ import annotations

import re

from autosetup.system import System

_LIVE = "/sys/class/rfkill"
# Written back by systemd-rfkill when the radio's driver is loaded, which may be after us.
_KEPT = "/var/lib/systemd/rfkill"
_MANAGER = "/var/lib/NetworkManager/NetworkManager.state"
_OFF = re.compile(rb"^WirelessEnabled=false$", re.MULTILINE)


def is_off(system: System) -> bool:
    """Whether software has switched a wireless radio off, or will."""
    return bool(_live(system) or _kept(system) or _OFF.search(system.read(_MANAGER)))


def switch_on(system: System) -> None:
    """Undo what `is_off` finds; a switch on the device itself is out of reach."""
    for path in _live(system):
        system.path(path).write_text("0")
    for path in _kept(system):
        system.write(path, b"0\n")
    state = system.read(_MANAGER)
    if _OFF.search(state):
        if system.booted:  # where it runs, only it may change its file
            system.run(["nmcli", "radio", "wifi", "on"], seconds=30)
        if system.read(_MANAGER) == state:
            system.write(_MANAGER, _OFF.sub(b"WirelessEnabled=true", state))


def _live(system: System) -> list[str]:
    """The switches that are off; of the running system, so none in another tree."""
    if not system.booted:
        return []
    kinds = system.path(_LIVE).glob("*/type")
    folders = [f"{_LIVE}/{k.parent.name}" for k in kinds if k.read_text().strip() == "wlan"]
    return [f"{f}/soft" for f in folders if system.read(f"{f}/soft").strip() == b"1"]


def _kept(system: System) -> list[str]:
    found = (f"{_KEPT}/{path.name}" for path in system.path(_KEPT).glob("*:wlan"))
    return [path for path in found if system.read(path).strip() == b"1"]
