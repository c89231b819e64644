"""The emulated Pi as a running program: started, watched, and switched off like a light."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import BinaryIO

from flasher.firmware.boards import PI_3B
from flasher.firmware.config_txt import BootFiles
from flasher.process import environment, leashed
from flasher.rehearsal.boot_plan import BootPlan
from flasher.rehearsal.machine import Cable, MachineFiles, Network, machine_argv, stand_in_argv
from flasher.rehearsal.pc import PcPlan, pc_argv
from flasher.rehearsal.working_copy import open_path, scratch_file, write_whole

# Colours, cursor movements, titles: what terminals understand (ECMA-48, 5.4), then bare controls.
_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b[@-Z\\^_]"
    r"|[\x00-\x1f\x7f-\x9f]"
)
# What systemd shows while a job takes long, several times a second: it tells nothing of the boot.
_ANIMATION = re.compile(r"\[[ *]{6}\] .* running \(")


class Emulator:
    """A running machine.

    Args:
        child: the program.
        console: where its serial lines arrive.
        errors: where its own complaints arrive.
    """

    def __init__(self, child: subprocess.Popen[bytes], console: BinaryIO, errors: BinaryIO) -> None:
        self._child, self._errors = child, errors
        self._console = _Lines(console)

    @property
    def ended(self) -> bool:
        """Whether the program has ended by itself."""
        return self._child.poll() is not None

    @property
    def prompt(self) -> str:
        """The line that is not ended yet, such as ``cam-0101 login:``."""
        return self._console.pending

    def new_lines(self) -> list[str]:
        """Console lines since the last call, as plain text, without empty and moving ones."""
        return self._console.take()

    def complaint(self) -> str:
        """What the program itself has to say, its last line; empty if nothing."""
        text = _read_from(self._errors, 0).decode(errors="replace").strip()
        return text.splitlines()[-1] if text else ""


class _Lines:
    """Lines of a growing file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._offset, self._rest = file, 0, b""

    @property
    def pending(self) -> str:
        """The line that has no end yet."""
        return _plain(self._rest)

    def take(self) -> list[str]:
        """The lines that were ended since the last time, without animations."""
        new = _read_from(self._file, self._offset)
        self._offset += len(new)
        *whole, self._rest = (self._rest + new).split(b"\n")
        return [text for text in map(_plain, whole) if text and not _ANIMATION.match(text)]


def _plain(raw: bytes) -> str:
    return _CONTROL.sub("", raw.decode(errors="ignore")).strip()


def _read_from(file: BinaryIO, offset: int) -> bytes:
    size = os.fstat(file.fileno()).st_size
    return os.pread(file.fileno(), size - offset, offset)


@contextmanager
def powered(
    plan: BootPlan | PcPlan, files: BootFiles, card: BinaryIO, *, network: Network = True
) -> Iterator[Emulator]:
    """Start the machine with what `plan` says, read from `files`; leaving the block cuts its power.

    On a cable a quicker computer stands in for a 64-bit Pi: a rig has many of them.

    Raises:
        EnvironmentLacks: QEMU, or firmware for it, is not installed.
    """
    with ExitStack() as stack:
        console, errors = (stack.enter_context(scratch_file()) for _ in range(2))
        if isinstance(plan, PcPlan):
            argv = pc_argv(plan, open_path(card), open_path(console), network=network)
            inherited = [card, console]
        else:
            loaded = [stack.enter_context(scratch_file()) for _ in range(3)]
            argv = _load(plan, files, card, console, loaded, network=network)
            inherited = [card, console, *loaded]
        passed = [handle.fileno() for handle in inherited]
        if isinstance(network, Cable):
            passed.append(network.descriptor)
        with _running(argv, passed, errors) as child:
            yield Emulator(child, console, errors)


def _load(
    plan: BootPlan,
    files: BootFiles,
    card: BinaryIO,
    console: BinaryIO,
    loaded: list[BinaryIO],
    *,
    network: Network,
) -> list[str]:
    """Do a Pi's firmware's work: put kernel, initramfs and device tree where QEMU takes them."""
    kernel, initramfs, tree = loaded
    write_whole(kernel, files.read(plan.kernel))
    write_whole(initramfs, b"".join(map(files.read, plan.initramfs)))
    write_whole(tree, files.read(plan.device_tree))
    machine = MachineFiles(
        card=open_path(card),
        kernel=open_path(kernel),
        device_tree=open_path(tree),
        console=open_path(console),
        initramfs=open_path(initramfs) if plan.initramfs else None,
    )
    if isinstance(network, Cable) and plan.board == PI_3B:
        return stand_in_argv(machine, plan.cmdline, network=network)
    return machine_argv(plan.board, machine, plan.cmdline, network=network)


@contextmanager
def _running(
    argv: list[str], inherited: Sequence[int], errors: BinaryIO
) -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(
        leashed(argv),
        stdin=subprocess.DEVNULL,
        stdout=errors,
        stderr=errors,
        env=environment(),
        pass_fds=inherited,
    )
    with child:
        try:
            yield child
        finally:
            child.kill()
