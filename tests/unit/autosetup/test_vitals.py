"""What is measured of a node's hardware, on files that look as the kernel's do."""

from __future__ import annotations

from pathlib import Path

import pytest

from autosetup.system import System
from autosetup.vitals import look


def put(system: System, path: str, text: str) -> None:
    place = system.path(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


@pytest.fixture
def system(tmp_path: Path) -> System:
    system = System(tmp_path)
    put(system, "/sys/class/thermal/thermal_zone0/type", "cpu-thermal\n")
    put(system, "/sys/class/thermal/thermal_zone0/temp", "48312\n")
    put(system, "/sys/block/mmcblk0/device/type", "MMC\n")
    put(system, "/sys/block/mmcblk0/device/life_time", "0x02 0x03\n")
    put(system, "/proc/uptime", "3600.42 7000.00\n")
    return system


def test_a_board_tells_heat_wear_room_and_time(system: System) -> None:
    found = look(system)
    assert (found.temperature_c, found.card_wear_percent, found.uptime_seconds) == (48, 30, 3600)
    assert found.free_bytes


def test_another_zone_than_the_processors_is_not_its_heat(system: System) -> None:
    put(system, "/sys/class/thermal/thermal_zone0/type", "iwlwifi_1\n")
    put(system, "/sys/class/thermal/thermal_zone1/type", "x86_pkg_temp\n")
    put(system, "/sys/class/thermal/thermal_zone1/temp", "-2000\n")
    assert look(system).temperature_c == -2


@pytest.mark.parametrize(
    ("told", "percent"),
    [("0x00 0x00", None), ("0x0b 0x01", 110), ("0x0c 0xff", None), ("", None), ("what", None)],
)
def test_wear_is_told_only_where_it_is_known(
    system: System, told: str, percent: int | None
) -> None:
    put(system, "/sys/block/mmcblk0/device/life_time", told)
    assert look(system).card_wear_percent == percent


def test_where_nothing_is_told_nothing_is_known(tmp_path: Path) -> None:
    found = look(System(tmp_path))
    assert (found.temperature_c, found.card_wear_percent, found.uptime_seconds) == (None, None, 0)
