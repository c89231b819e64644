"""How this computer runs programs of another architecture: natively, by its own handler, or ours.

binfmt_misc: <https://docs.kernel.org/admin-guide/binfmt-misc.html>. Since Linux 6.7 each user
namespace can have a table of its own, so ours never shows on the host.
"""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from builder.inside.enter import Mount
from flasher.errors import EnvironmentLacks

_LOADER_WANTED = (3).to_bytes(4, "little")  # PT_INTERP
HANDLERS = Path("/proc/sys/fs/binfmt_misc")
PRIVATE_TABLES_SINCE = (6, 7)

# There only on 64-bit PCs whose kernel also runs 32-bit programs.
_RUNS_32_BIT = Path("/proc/sys/abi/vsyscall32")


@dataclass(frozen=True, slots=True)
class Machine:
    """An architecture by its names.

    Attributes:
        names: what uname(2) calls computers that run it natively.
        qemu: the suffix of QEMU's user emulator.
        magic, mask: the head of its ELF files (20 bytes: identification, type, machine), ELF
            specification version 1.2, figure 1-3.
        tuple: Debian's multiarch tuple, which names the folder of its libraries.
        wider: what uname(2) calls computers of twice the width that can run it natively.
    """

    names: tuple[str, ...]
    qemu: str
    magic: bytes
    mask: bytes
    tuple: str
    wider: str = ""


_MASK = bytes.fromhex("ffffffffffffff00fffffffffffffffffeffffff")

MACHINES = {
    "arm64": Machine(
        ("aarch64",),
        "aarch64",
        bytes.fromhex("7f454c460201010000000000000000000200b700"),
        _MASK,
        "aarch64-linux-gnu",
    ),
    "armhf": Machine(
        ("armv7l",),
        "arm",
        bytes.fromhex("7f454c4601010100000000000000000002002800"),
        _MASK,
        "arm-linux-gnueabihf",
    ),
    "amd64": Machine(
        ("x86_64",),
        "x86_64",
        bytes.fromhex("7f454c4602010100000000000000000002003e00"),
        _MASK,
        "x86_64-linux-gnu",
    ),
    "i386": Machine(
        ("i386", "i486", "i586", "i686"),
        "i386",
        bytes.fromhex("7f454c4601010100000000000000000002000300"),
        _MASK,
        "i386-linux-gnu",
        wider="x86_64",
    ),
}


@dataclass(frozen=True, slots=True)
class Emulator:
    """How foreign programs can be run here.

    Attributes:
        program: QEMU's static user emulator; None where nothing needs it or there is none.
        native: they run as they are.
        private: a sandbox can have a table of handlers of its own.
        served: the host has a handler of its own, which also works below a chroot.
    """

    machine: Machine
    program: Path | None
    native: bool
    private: bool
    served: bool

    @property
    def narrow(self) -> bool:
        """Whether this computer is of twice the width, and runs them natively."""
        return self.native and os.uname().machine == self.machine.wider


@dataclass(frozen=True, slots=True)
class Emulation:
    """What a sandbox needs so that programs of the image run in it; by default nothing.

    Attributes:
        handler: a line to register in the sandbox's own table, "" for none.
        stand: a tree laid below all layers while such programs run, relative to the store;
            "" without twins.
        binds: sources and where they go, relative to the root.
        narrow: programs are to see a computer of half the width: setarch(8).
    """

    handler: str = ""
    stand: str = ""
    binds: tuple[tuple[str, str], ...] = ()
    narrow: bool = False

    def mounts(self, root: str) -> tuple[Mount, ...]:
        """The binds below a root."""
        return tuple(Mount("bind", f"{root}/{target}", source) for source, target in self.binds)


def find_emulator(
    architecture: str, *, handlers: Path = HANDLERS, release: str = os.uname().release
) -> Emulator:
    """Find how programs of an architecture run here.

    Args:
        architecture: Debian's name of it, one of `MACHINES`.
        handlers: the host's own table.
        release: of the kernel.

    Raises:
        EnvironmentLacks: nothing here can run such programs.
    """
    machine = MACHINES[architecture]
    named = (which(f"qemu-{machine.qemu}{ending}") for ending in ("-static", ""))
    program = next((Path(path) for path in named if path and _is_static(Path(path))), None)
    emulator = Emulator(
        machine,
        program,
        native=_runs_natively(machine, os.uname().machine),
        private=kernel_version(release) >= PRIVATE_TABLES_SINCE,
        served=_host_has_handler(machine, handlers),
    )
    if emulator.native or emulator.served:
        return emulator
    if program is None:
        raise EnvironmentLacks(
            "emulator-missing",
            f"This computer cannot run {architecture} programs: QEMU's user emulator is missing.",
            "Install the package qemu-user-static.",
        )
    if not emulator.private and os.geteuid() != 0:
        raise EnvironmentLacks(
            "handler-missing",
            f"This kernel ({release}) has no handler for {architecture} programs.",
            "Run the same command with sudo, or use Linux 6.7 or newer.",
        )
    return emulator


def registration(machine: Machine, handler: Path, flags: str) -> str:
    """The line that registers a handler for a machine's programs.

    Args:
        machine: whose.
        handler: a static program.
        flags: F fixes the program for every root, P hands it the original argv[0], OC give it
            the opened file and its credentials.
    """
    magic, mask = (
        "".join(f"\\x{byte:02x}" for byte in raw) for raw in (machine.magic, machine.mask)
    )
    return f":flasher-{machine.qemu}:M::{magic}:{mask}:{handler}:{flags}"


def kernel_version(release: str) -> tuple[int, int]:
    """Major and minor number of a kernel release such as ``6.12.9-amd64``; (0, 0) if unreadable."""
    found = re.match(r"(\d+)\.(\d+)", release)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _runs_natively(machine: Machine, computer: str) -> bool:
    return computer in machine.names or (computer == machine.wider and _RUNS_32_BIT.exists())


def _is_static(program: Path) -> bool:
    """Whether a 64-bit program starts without a loader: in an image there is none for it.

    ELF specification version 1.2, figures 1-3 and 2-1, in their 64-bit form.
    """
    with program.open("rb") as stream:
        head = stream.read(64)
        if not head.startswith(b"\x7fELF\x02"):
            return True
        (start,) = struct.unpack_from("<Q", head, 32)
        size, count = struct.unpack_from("<HH", head, 54)
        stream.seek(start)
        kinds = [stream.read(size)[:4] for _ in range(count)]
    return _LOADER_WANTED not in kinds


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
