"""How this computer runs programs of another architecture: natively, by its own handler, or ours.

binfmt_misc: <https://docs.kernel.org/admin-guide/binfmt-misc.html>. Since Linux 6.7 each user
namespace can have a table of its own, so ours never shows on the host.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from flasher.errors import EnvironmentLacks

HANDLERS = Path("/proc/sys/fs/binfmt_misc")
PRIVATE_TABLES_SINCE = (6, 7)


@dataclass(frozen=True, slots=True)
class Machine:
    """An architecture by its names.

    Attributes:
        names: what uname(2) calls computers that run it natively.
        qemu: the suffix of QEMU's user emulator.
        magic, mask: the head of its ELF files (20 bytes: identification, type, machine), ELF
            specification version 1.2, figure 1-3.
    """

    names: tuple[str, ...]
    qemu: str
    magic: bytes
    mask: bytes


_MASK = bytes.fromhex("ffffffffffffff00fffffffffffffffffeffffff")

MACHINES = {
    "arm64": Machine(
        ("aarch64",), "aarch64", bytes.fromhex("7f454c460201010000000000000000000200b700"), _MASK
    ),
    "armhf": Machine(
        ("armv7l",), "arm", bytes.fromhex("7f454c4601010100000000000000000002002800"), _MASK
    ),
    "amd64": Machine(
        ("x86_64",), "x86_64", bytes.fromhex("7f454c4602010100000000000000000002003e00"), _MASK
    ),
}


def find_handler(architecture: str, *, handlers: Path = HANDLERS) -> str:
    """The private binfmt_misc registration that a sandbox needs, or "" where it needs none.

    Args:
        architecture: Debian's name of it, one of `MACHINES`.
        handlers: the host's own table.

    Raises:
        EnvironmentLacks: nothing here can run such programs.
    """
    machine = MACHINES[architecture]
    if os.uname().machine in machine.names or _host_has_handler(machine, handlers):
        return ""
    emulator = which(f"qemu-{machine.qemu}-static") or which(f"qemu-{machine.qemu}")
    if emulator is None:
        raise EnvironmentLacks(
            "emulator-missing",
            f"This computer cannot run {architecture} programs: QEMU's user emulator is missing.",
            "Install the package qemu-user-static.",
        )
    if kernel_version(os.uname().release) < PRIVATE_TABLES_SINCE:
        raise EnvironmentLacks(
            "handler-missing",
            f"This kernel ({os.uname().release}) has no handler for {architecture} programs.",
            "Install the package binfmt-support and restart, or use Linux 6.7 or newer.",
        )
    return registration(machine, emulator)


def registration(machine: Machine, emulator: str) -> str:
    """The line to register: fixed binary (F), opened file and credentials kept (O, C)."""
    magic, mask = (
        "".join(f"\\x{byte:02x}" for byte in raw) for raw in (machine.magic, machine.mask)
    )
    return f":qemu-{machine.qemu}:M::{magic}:{mask}:{emulator}:OCF"


def kernel_version(release: str) -> tuple[int, int]:
    """Major and minor number of a kernel release such as ``6.12.9-amd64``; (0, 0) if unreadable."""
    found = re.match(r"(\d+)\.(\d+)", release)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _host_has_handler(machine: Machine, handlers: Path) -> bool:
    """Whether the host's table holds an enabled entry that also works below a chroot (flag F)."""
    if not handlers.is_dir():
        return False
    entries = [path for path in handlers.iterdir() if path.name not in ("register", "status")]
    return any(_fits(path.read_text(encoding="utf-8"), machine) for path in entries)


def _fits(entry: str, machine: Machine) -> bool:
    lines = dict(line.partition(" ")[::2] for line in entry.splitlines())
    return (
        "enabled" in lines
        and "F" in lines.get("flags:", "")
        and lines.get("magic") == machine.magic.hex()
    )
