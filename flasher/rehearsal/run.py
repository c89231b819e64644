"""Rehearsing a card: boot exactly this card in an emulated machine, wait for its own result."""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from autosetup.payload import FOLDER, MANIFEST, STATUS
from autosetup.status import Status, headline
from flasher.card.plan import boot_partition
from flasher.errors import BadInput, FlasherError
from flasher.events import CancelFlag, Emit, Noted, Progress, check_cancelled, step
from flasher.firmware.pc import is_for_pc
from flasher.image.blocks import SECTOR, FileBlocks
from flasher.image.fat import FatVolume
from flasher.process import find_program
from flasher.rehearsal import machine, pc
from flasher.rehearsal.boot_plan import BootPlan, plan_boot
from flasher.rehearsal.emulator import Emulator, powered
from flasher.rehearsal.pc import PcFirmware, PcPlan, plan_pc
from flasher.rehearsal.watch import CutPower, Ending, Trouble, View, Watch
from flasher.rehearsal.working_copy import card_itself, open_path, working_copy

DEFAULT_TIMEOUT = 900
# What a boot with a payload takes on two cores; only the progress bar is drawn by it.
EXPECTED_SECONDS = 150
# What the node still writes after its result: its system's buffers reach the card.
GRACE_SECONDS = 10.0
POLL_SECONDS = 0.25
TAIL_LINES = 20
STATUS_FILE = f"{FOLDER}/{STATUS}"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What came of a rehearsal.

    Attributes:
        status: the node's own result; None for a card without a payload, which only started.
        board: the Raspberry Pi, or PC, that was emulated.
        seconds: from switching on to the end.
        console: the lines that the node printed.
        not_rehearsed: what only a real machine would show.
        card: the card that was named.
    """

    status: Status | None
    board: str
    seconds: float
    console: tuple[str, ...]
    not_rehearsed: tuple[str, ...]
    card: Path


class RehearsalFailed(FlasherError):
    """A node that gave no result; `console` holds all that it printed."""

    def __init__(self, trouble: Trouble, console: tuple[str, ...]) -> None:
        tail = "\n".join(f"  {line}" for line in console[-TAIL_LINES:]) or "  (nothing)"
        message = f"{trouble.what} The last lines of its console:\n{tail}"
        super().__init__(trouble.code, message, trouble.remedy)
        self.console = console


def rehearse(
    card: Path,
    *,
    emit: Emit,
    cancel: CancelFlag,
    keep: bool = False,
    timeout_seconds: float = DEFAULT_TIMEOUT,
    cut_power_after: CutPower | None = None,
    firmware: PcFirmware = "bios",
) -> Rehearsal:
    """Boot a card and wait until the node says how it went.

    Args:
        card: a virtual card or a drive. It is copied, and stays as it is, unless `keep`.
        keep: boot the virtual card itself, so that it remembers.
        timeout_seconds: how long the node has from switching on.
        cut_power_after: the power is cut the moment a new status makes this True.
        firmware: of the PC, where the card is for one.

    Raises:
        RehearsalFailed: the node gave no result; the code says how: ``kernel-panic``, ``no-root``,
            ``emergency-mode``, ``node-stopped``, ``node-restarts``, ``agent-silent``,
            ``boot-hangs``, ``rehearsal-timeout``, ``emulator-failed``.
        FlasherError: no machine could start from this card, such as ``boot-file-missing``.
        BadInput: the card cannot be read, or has no boot partition; with `keep`: ``card-size``.
        EnvironmentLacks: QEMU is not installed.
        Cancelled: the flag was set.
    """
    with FileBlocks(card) as blocks:  # what would fail does so before the card is copied
        _plan(blocks, _find_boot(card, blocks), firmware)
    with _opened(card, keep, emit, cancel) as file, FileBlocks(open_path(file)) as blocks:
        files = _CardFiles(file, blocks, _find_boot(card, blocks), firmware)
        plan = files.plan()
        for problem in plan.problems:
            emit(Noted(card.name, problem, warning=True))
        session = _Session(card, files, emit, cancel)
        grace = GRACE_SECONDS if keep else 0.0
        return session.boot(plan, file, timeout_seconds, cut_power_after, grace)


def _find_boot(card: Path, blocks: FileBlocks) -> int:
    """Where the boot partition of a card begins, in bytes."""
    partition = boot_partition(blocks)
    if partition is None:
        raise _no_boot_partition(card)
    return partition.offset


def _plan(blocks: FileBlocks, offset: int, firmware: PcFirmware) -> BootPlan | PcPlan:
    """What would start from a card, once it is known that this computer can emulate that."""
    sector, files = blocks.read(0, SECTOR), FatVolume(blocks, offset)
    if is_for_pc(sector, files):
        find_program(pc.PROGRAM)
        return plan_pc(sector, files, firmware)
    find_program(machine.PROGRAM)
    return plan_boot(files)


def _opened(
    card: Path, keep: bool, emit: Emit, cancel: CancelFlag
) -> AbstractContextManager[BinaryIO]:
    return card_itself(card) if keep else working_copy(card, emit=emit, cancel=cancel)


class _CardFiles:
    """What starts a machine, and the status file, on a card that is being written by another."""

    def __init__(
        self, file: BinaryIO, blocks: FileBlocks, offset: int, firmware: PcFirmware
    ) -> None:
        self._file, self._blocks, self._offset = file, blocks, offset
        self._firmware = firmware
        self._written_at = 0
        self.raw = b""
        self.refresh()

    def volume(self) -> FatVolume:
        """The boot partition as it is now."""
        return FatVolume(self._blocks, self._offset)

    def plan(self) -> BootPlan | PcPlan:
        """What would start the card as it is now."""
        return _plan(self._blocks, self._offset, self._firmware)

    def refresh(self) -> bool:
        """Read the status again if the card was written to, and say whether it was."""
        written_at = os.fstat(self._file.fileno()).st_mtime_ns
        if written_at == self._written_at:
            return False
        self._written_at = written_at
        # In the middle of a write the volume may not hold together; the next look will.
        with suppress(FlasherError):
            self.raw = self.volume().read(STATUS_FILE)
        return True


class _Session:
    """One boot, from switching on to the end."""

    def __init__(self, card: Path, files: _CardFiles, emit: Emit, cancel: CancelFlag) -> None:
        self._card, self._files, self._emit, self._cancel = card, files, emit, cancel
        self._console: list[str] = []

    def boot(
        self,
        plan: BootPlan | PcPlan,
        file: BinaryIO,
        timeout_seconds: float,
        cut_power_after: CutPower | None,
        grace: float,
    ) -> Rehearsal:
        volume = self._files.volume()
        watch = Watch(
            self._files.raw,
            expects_result=volume.exists(f"{FOLDER}/{MANIFEST}"),
            timeout_seconds=timeout_seconds,
            cut_power_after=cut_power_after,
        )
        begun = time.monotonic()
        with step(self._emit, self._card.name, "boot", EXPECTED_SECONDS, "seconds") as progress:
            while self._once(plan, file, watch, begun, progress, grace) == "restart":
                plan = self._files.plan()  # the node may have changed its files
        seconds = time.monotonic() - begun
        return Rehearsal(
            watch.status,
            plan.title,
            seconds,
            tuple(self._console),
            plan.not_rehearsed,
            self._card,
        )

    def _once(
        self,
        plan: BootPlan | PcPlan,
        file: BinaryIO,
        watch: Watch,
        begun: float,
        progress: Progress,
        grace: float,
    ) -> Ending:
        """From switching on until the node has ended or gives a result."""
        with powered(plan, self._files.volume(), file) as running:
            ending = self._follow(running, watch, begun, progress)
            if isinstance(ending, Trouble):
                raise self._failure(ending, running)
            if ending == "result":
                self._cancel.wait(grace)
            return ending

    def _follow(self, running: Emulator, watch: Watch, begun: float, progress: Progress) -> Ending:
        """Look at the node until it is over."""
        said = watch.status
        while True:
            seconds = time.monotonic() - begun
            ending = watch.look(self._view(running, seconds))
            if watch.status and watch.status != said:
                said = watch.status
                self._emit(Noted(self._card.name, headline(said)))
            if (done := min(int(seconds), EXPECTED_SECONDS - 1)) != progress.done:
                progress.reach(done)
            if ending:
                return ending
            self._cancel.wait(POLL_SECONDS)
            check_cancelled(self._cancel, "The rehearsal")

    def _view(self, running: Emulator, seconds: float) -> View:
        # In this order: what a machine wrote and printed before it ended is there to be seen.
        runs = not running.ended
        wrote = self._files.refresh()
        lines = running.new_lines()
        for line in lines:
            self._emit(Noted(self._card.name, line))
        self._console += lines
        seen = [*lines, running.prompt] if running.prompt else lines
        return View(seconds, seen, self._files.raw, wrote, runs)

    def _failure(self, trouble: Trouble, running: Emulator) -> RehearsalFailed:
        console = (*self._console, running.prompt) if running.prompt else tuple(self._console)
        complaint = running.complaint()
        if trouble.code == "node-stopped" and not console and complaint:
            trouble = Trouble(
                "emulator-failed",
                f"The emulator stopped: {complaint}.",
                "See that the kernel and device tree on the card are whole: write it anew.",
            )
        return RehearsalFailed(trouble, console)


def _no_boot_partition(card: Path) -> BadInput:
    return BadInput(
        "no-boot-partition",
        f"{card} has no FAT boot partition to start from.",
        "Prepare the card with `flasher prepare`, or write an image with `flasher write`.",
    )


__all__ = ["DEFAULT_TIMEOUT", "Rehearsal", "RehearsalFailed", "rehearse"]
