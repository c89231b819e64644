"""Cards of a chosen speed: loop devices over files, throttled by the kernel's blkio controller.

For benches. The throttle is that of cgroup v1, whose root group has one too, so that what a page
cache writes out by itself is slowed down like direct I/O (Linux's
Documentation/admin-guide/cgroup-v1/blkio-controller.rst).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from flasher.process import run

_BLKIO = Path("/sys/fs/cgroup/blkio")


@dataclass(frozen=True, slots=True)
class Speed:
    """Bytes a second; 0 is as fast as the computer can."""

    write: int
    read: int


_OTHERS = b"\xa5\x5a" * (2 << 20)

MODEST = Speed(40_000_000, 90_000_000)
UNTHROTTLED = Speed(0, 0)


@contextmanager
def cards(
    folder: Path, sizes: int, speeds: list[Speed], *, used: bool = False
) -> Iterator[list[Path]]:
    """One card of `sizes` bytes for each speed; all gone at the end.

    They are blank, all zeros, or `used`: full of bytes that no image has.
    """
    with ExitStack() as held:
        yield [
            held.enter_context(_card(folder / f"card{number}", sizes, speed, used=used))
            for number, speed in enumerate(speeds)
        ]


@contextmanager
def _card(backing: Path, size: int, speed: Speed, *, used: bool) -> Iterator[Path]:
    backing.unlink(missing_ok=True)
    with backing.open("xb") as handle:
        os.truncate(handle.fileno(), size)
        for _ in range(size // len(_OTHERS) if used else 0):
            handle.write(_OTHERS)
    argv = ["losetup", "--direct-io=on", "--find", "--show", str(backing)]
    device = Path(run(argv).text.strip())
    try:
        _throttle(device, speed)
        yield device
    finally:
        _throttle(device, UNTHROTTLED)
        run(["losetup", "--detach", str(device)])
        backing.unlink()


def _throttle(device: Path, speed: Speed) -> None:
    number = device.stat().st_rdev
    for name, limit in (("write", speed.write), ("read", speed.read)):
        rule = f"{os.major(number)}:{os.minor(number)} {limit}\n"
        (_BLKIO / f"blkio.throttle.{name}_bps_device").write_text(rule)
