"""The light on the board: each state as a pattern that the kernel keeps up without us.

The kernel's ``pattern`` trigger shows them all. Where it is missing, ``timer`` shows one even
rhythm for each state. Debian has both as modules, Raspberry Pi's own kernels have ``timer`` built
in. Sources: Linux, Documentation/ABI/testing/sysfs-class-led and
sysfs-class-led-trigger-{pattern,timer}.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from autosetup.codes import CODES, Part
from autosetup.status import Status
from autosetup.system import System

_LIGHTS = "/sys/class/leds"
# Of kernels of today, and of Raspberry Pi's older ones.
_NAMES = ("ACT", "led0")
# What the light showed before us in this boot.
_OWN = "/run/autosetup/light"
_DONE_SECONDS = 60
_IN_USE = re.compile(r"\[(.+)\]")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One rhythm, over and over.

    Attributes:
        told: how people see it.
        beats: milliseconds lit and dark, in turn, beginning with lit.
        plain: milliseconds lit and dark where the kernel can only blink evenly.
    """

    told: str
    beats: tuple[int, ...]
    plain: tuple[int, int]


def _flashes(count: int) -> Pattern:
    flashes = (250, 250) * (count - 1)
    return Pattern(f"{count} flashes, a pause", (*flashes, 250, 1750), (500, 500))


WAITING = Pattern("a short flash every three seconds", (100, 2900), (100, 2900))
AT_WORK = Pattern("flickers, fast and evenly", (100, 100), (100, 100))
WARNED = Pattern("lit, with a short gap every three seconds", (2700, 300), (2700, 300))
ROLLED_BACK = Pattern("one long flash, one short", (1500, 300, 250, 950), (1500, 1500))
# No state: somebody who stands before the rig asks which one this node is.
POINTING = Pattern("bursts of four short flashes", (60, 60) * 3 + (60, 440), (60, 440))
FAILED: dict[Part, Pattern] = {
    "payload": _flashes(2),
    "script": _flashes(3),
    "network": _flashes(4),
    "card": _flashes(5),
    "image": _flashes(6),
}


def pattern_of(status: Status) -> Pattern | None:
    """What a state looks like; None for one that is done, with nothing more to say."""
    match status.state:
        case "waiting":
            return WAITING
        case "checking" | "applying":
            return AT_WORK
        case "failed":
            code = CODES.get(status.code or "")
            return FAILED[code.part if code else "image"]
        case "rolled-back":
            return ROLLED_BACK
    return WARNED if status.warnings else None


def show(system: System, status: Status, *, is_new: bool) -> None:
    """Have the light show a state; nothing on boards without one.

    Done, it is lit steadily for a minute, then shows what the image has it show.

    Args:
        is_new: reached now, not only told again.

    Raises:
        OSError: the light does not do as it is told.
    """
    light = _light(system)
    if light is None:
        return
    if pattern := pattern_of(status):
        _keep_own(system, light)
        _play(system, light, pattern)
    elif is_new:
        _keep_own(system, light)
        _shine(light)
        _give_back_later(system, light)
    elif own := system.read(_OWN):
        (light / "trigger").write_bytes(own)


def point(system: System) -> None:
    """Have the light say "here I am", until `show` is called; raises as that does."""
    if light := _light(system):
        _keep_own(system, light)
        _play(system, light, POINTING)


def written(beats: tuple[int, ...], brightness: int) -> str:
    """Beats as the trigger ``pattern`` reads them: each level twice, or it would fade."""
    levels = (brightness, 0) * (len(beats) // 2)
    pairs = zip(levels, beats, strict=True)
    return " ".join(f"{level} {length} {level} 0" for level, length in pairs)


def _light(system: System) -> Path | None:
    lights = (system.path(f"{_LIGHTS}/{name}") for name in _NAMES)
    return next((light for light in lights if (light / "trigger").exists()), None)


def _play(system: System, light: Path, pattern: Pattern) -> None:
    if _choose(system, light, "pattern"):
        brightness = int((light / "max_brightness").read_text())
        (light / "pattern").write_text(written(pattern.beats, brightness))
    elif _choose(system, light, "timer"):
        (light / "delay_on").write_text(str(pattern.plain[0]))
        (light / "delay_off").write_text(str(pattern.plain[1]))


def _choose(system: System, light: Path, trigger: str) -> bool:
    """Set a trigger, loading its module if that is needed; whether the kernel has it."""
    if not _offers(light, trigger) and system.booted:
        system.run(["modprobe", "--quiet", f"ledtrig-{trigger}"])
    if not _offers(light, trigger):
        return False
    (light / "trigger").write_text(trigger)
    return True


def _offers(light: Path, trigger: str) -> bool:
    return trigger in (light / "trigger").read_text().replace("[", " ").replace("]", " ").split()


def _shine(light: Path) -> None:
    brightness = (light / "max_brightness").read_text()
    (light / "trigger").write_text("none")
    (light / "brightness").write_text(brightness)


def _keep_own(system: System, light: Path) -> None:
    """Remember, once in a boot, what the light showed before."""
    path = system.path(_OWN)
    if not path.exists() and (own := _IN_USE.search((light / "trigger").read_text())):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(own[1])


def _give_back_later(system: System, light: Path) -> None:
    if system.booted:
        copy = ["dd", "status=none", f"if={_OWN}", f"of={light}/trigger"]
        system.run(["systemd-run", "--quiet", f"--on-active={_DONE_SECONDS}", *copy])
    elif own := system.read(_OWN):
        (light / "trigger").write_bytes(own)
