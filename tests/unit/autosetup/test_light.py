"""The light on the board, on a folder that looks as the kernel's does."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from autosetup import light
from autosetup.codes import CODES
from autosetup.light import FAILED, pattern_of, show, written
from autosetup.status import STATES, Status, Warned
from autosetup.system import System

_GUIDE = Path(light.__file__).parent.parent / "docs/first-boot.md"
DONE = Status("done", node="cam-0101")
FAILING = Status("failed", code="script-failed")


@pytest.fixture
def system(tmp_path: Path) -> System:
    """A board whose light shows what its kernel's card driver does."""
    act = tmp_path / "sys/class/leds/ACT"
    act.mkdir(parents=True)
    (act / "trigger").write_text("none timer [mmc0] default-on pattern\n")
    (act / "max_brightness").write_text("255\n")
    return System(tmp_path)


def shown(system: System, name: str = "trigger") -> str:
    return system.read(f"/sys/class/leds/ACT/{name}").decode().strip()


def test_a_state_is_a_pattern_that_the_kernel_keeps_up(system: System) -> None:
    show(system, FAILING, is_new=True)
    assert shown(system) == "pattern"
    assert shown(system, "pattern") == (
        "255 250 255 0 0 250 0 0 255 250 255 0 0 250 0 0 255 250 255 0 0 1750 0 0"
    )


def test_a_kernel_that_knows_no_patterns_blinks_evenly(system: System) -> None:
    system.path("/sys/class/leds/ACT/trigger").write_text("none timer [mmc0]\n")
    show(system, FAILING, is_new=True)
    told = [shown(system, name) for name in ("trigger", "delay_on", "delay_off")]
    assert told == ["timer", "500", "500"]


def test_a_kernel_that_cannot_blink_shows_what_it_did(system: System) -> None:
    system.path("/sys/class/leds/ACT/trigger").write_text("none [mmc0]\n")
    show(system, FAILING, is_new=True)
    assert shown(system) == "none [mmc0]"


def test_a_node_that_is_done_gives_the_light_back(system: System) -> None:
    show(system, Status("applying"), is_new=True)
    show(system, DONE, is_new=True)
    assert (shown(system), shown(system, "brightness")) == ("mmc0", "255")


def test_a_node_that_was_done_before_leaves_the_light_alone(system: System) -> None:
    show(system, DONE, is_new=False)
    assert shown(system) == "none timer [mmc0] default-on pattern"


def test_a_warning_that_is_over_gives_the_light_back(system: System) -> None:
    show(system, replace(DONE, warnings=(Warned("x", "X."),)), is_new=False)
    assert shown(system) == "pattern"
    show(system, DONE, is_new=False)
    assert shown(system) == "mmc0"


def test_a_light_that_was_pointed_at_shows_the_state_again(system: System) -> None:
    for status, shows in ((FAILING, "pattern"), (DONE, "mmc0")):
        light.point(system)
        assert (shown(system), shown(system, "pattern")) == (
            "pattern",
            written(light.POINTING.beats, 255),
        )
        show(system, status, is_new=False)
        assert shown(system) == shows


def test_older_kernels_call_the_light_otherwise(system: System) -> None:
    system.path("/sys/class/leds/ACT").rename(system.path("/sys/class/leds/led0"))
    show(system, FAILING, is_new=True)
    assert system.read("/sys/class/leds/led0/trigger") == b"pattern"


def test_a_board_without_lights_is_no_fault(tmp_path: Path) -> None:
    show(System(tmp_path), FAILING, is_new=True)
    assert not list(tmp_path.iterdir())


def test_no_two_things_to_do_look_the_same() -> None:
    states = [light.WAITING, light.AT_WORK, light.WARNED, light.ROLLED_BACK, *FAILED.values()]
    patterns = [light.POINTING, *states]
    assert len({pattern.beats for pattern in patterns}) == len(patterns)
    assert all(len(pattern.beats) % 2 == 0 for pattern in patterns)
    levels = written(light.ROLLED_BACK.beats, 1).split()[::2]
    assert levels == ["1", "1", "0", "0", "1", "1", "0", "0"]


def test_every_state_and_every_code_has_its_light() -> None:
    assert {state for state in STATES if pattern_of(Status(state)) is None} == {"done"}
    for code, found in CODES.items():
        assert pattern_of(Status("failed", code=code)) is FAILED[found.part]


def test_the_guide_tells_each_light() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|", _GUIDE.read_text(encoding="utf-8"), re.M)
    told = {what.strip(): seen.strip() for seen, what in rows}
    assert told["`waiting`"] == light.WAITING.told
    assert told["`checking`, `applying`"] == light.AT_WORK.told
    assert told["`done`, with a warning"] == light.WARNED.told
    assert told["`rolled-back`"] == light.ROLLED_BACK.told
    assert told["any, while the board points at the node"] == light.POINTING.told
    for part, pattern in FAILED.items():
        assert told[f"`failed`: {part}"] == pattern.told
