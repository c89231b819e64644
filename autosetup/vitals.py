"""How the node's hardware is: heat, the card's wear, room, and time since the start.

Sources: Linux, Documentation/driver-api/thermal/sysfs-api.rst (millidegrees), and
Documentation/driver-api/mmc/mmc-dev-attrs.rst with JEDEC 84-B51, 7.4.56 and 57 (life_time).
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass

from autosetup.places import growing_folder
from autosetup.system import System

_ZONES = "/sys/class/thermal"
# Of Raspberry Pis, and of PCs; any other zone may be that of a radio.
_OF_PROCESSOR = ("cpu-thermal", "cpu_thermal", "x86_pkg_temp", "bcm2835_thermal")
_CARDS = "/sys/block"
_UPTIME = "/proc/uptime"
# Tenths of the promised life; 11 for more than all of it.
_MOST_LIFE = 11


@dataclass(frozen=True, slots=True)
class Vitals:
    """What can be measured now; None where the hardware does not tell.

    Attributes:
        temperature_c: of the processor, whole degrees.
        card_wear_percent: the upper end of the tenth of its promised life that the card is in; 110
            where that is over.
        free_bytes: where the node keeps what it makes.
        uptime_seconds: since the kernel began.
    """

    temperature_c: int | None
    card_wear_percent: int | None
    free_bytes: int | None
    uptime_seconds: int


def look(system: System) -> Vitals:
    """Measure all of it; takes some milliseconds."""
    uptime = _numbers(system, _UPTIME)
    return Vitals(
        _temperature(system), _wear(system), _free(system), int(uptime[0] if uptime else 0)
    )


def _temperature(system: System) -> int | None:
    for zone in sorted(system.path(_ZONES).glob("thermal_zone*")):
        place = f"{_ZONES}/{zone.name}"
        if _text(system, f"{place}/type") in _OF_PROCESSOR and (
            found := _numbers(system, f"{place}/temp")
        ):
            return round(found[0] / 1000)
    return None


def _wear(system: System) -> int | None:
    """Of the most worn part: flash for single bits (A) and for several (B); eMMC tells of both.

    SD cards have no such register.
    """
    for card in sorted(system.path(_CARDS).glob("mmcblk[0-9]")):
        words = _text(system, f"{_CARDS}/{card.name}/device/life_time").split()
        with suppress(ValueError):
            tenths = [tenth for word in words if 1 <= (tenth := int(word, 16)) <= _MOST_LIFE]
            if tenths:
                return max(tenths) * 10
    return None


def _free(system: System) -> int | None:
    try:
        found = os.statvfs(system.path(growing_folder(system)))
    except OSError:
        return None
    return found.f_bavail * found.f_frsize


def _numbers(system: System, path: str) -> list[float]:
    try:
        return [float(word) for word in _text(system, path).split()]
    except ValueError:
        return []


def _text(system: System, path: str) -> str:
    """What a file of /sys says; nothing where it cannot be read, as of a zone that is off."""
    try:
        return system.read(path).decode(errors="replace").strip()
    except OSError:
        return ""
