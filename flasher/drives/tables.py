"""The kernel's own tables of mounts and swap.

Their formats are in proc(5): ``/proc/PID/mountinfo``, ``/proc/swaps``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class KernelTables:
    """Where the kernel tells; other places only for tests."""

    sys: Path = Path("/sys")
    proc: Path = Path("/proc")
    dev: Path = Path("/dev")


KERNEL = KernelTables()


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted file system.

    Attributes:
        device: device number (``8:1``); of no device where the file system makes one up.
        place: where it is mounted.
        source: what is mounted, as mount names it.
        kind: of the file system, such as ``ext4``.
        options: of the file system, as the kernel says them.
    """

    device: str
    place: str
    source: str
    kind: str = ""
    options: str = ""


def mounts(tables: KernelTables = KERNEL, process: str = "self") -> tuple[Mount, ...]:
    """All mounts that a process sees, bind mounts included, those below before those upon them."""
    found = []
    for line in read_text(tables.proc / process / "mountinfo").splitlines():
        fields = line.split(" ")
        kind, source, options = fields[fields.index("-") + 1 :][:3]
        found.append(
            Mount(fields[2], _unescape(fields[4]), _unescape(source), kind, _unescape(options))
        )
    return tuple(found)


def swaps(tables: KernelTables = KERNEL) -> tuple[str, ...]:
    """The block devices and files that are swap space."""
    lines = read_text(tables.proc / "swaps").splitlines()[1:]
    return tuple(_unescape(line.split()[0]) for line in lines if line.strip())


def is_below(place: str, folder: str) -> bool:
    """Whether a path is a folder or lies in it, by whole names."""
    return place == folder or place.startswith(f"{folder.rstrip('/')}/")


def plain(text: str) -> str:
    """Printable text only: what a card is called, or a file on it, must not rearrange a screen."""
    return "".join(c for c in text if c.isprintable()).strip()


def read_text(path: Path) -> str:
    """A file of the kernel's; nothing where it is missing or gone meanwhile."""
    try:
        return path.read_text(errors="surrogateescape").strip()
    except OSError:
        return ""


def children(folder: Path) -> list[Path]:
    """What is in a folder, by name; nothing where there is none."""
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)), text)
