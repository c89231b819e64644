"""Rehearsing a card: boot exactly this card in an emulated machine, wait for its own result."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from autosetup.status import Status, headline
from flasher.card.plan import CardPlan
from flasher.drives.opening import drive_blocks
from flasher.errors import FlasherError
from flasher.events import CancelFlag, Emit, Noted, Progress, check_cancelled, step
from flasher.image.blocks import Blocks, FileBlocks
from flasher.rehearsal.boot_plan import BootPlan
from flasher.rehearsal.card_files import CardFiles, find_boot, plan_machine
from flasher.rehearsal.emulator import Emulator, powered
from flasher.rehearsal.glance import glance
from flasher.rehearsal.pace import EXPECTED_SECONDS, reached
from flasher.rehearsal.pc import PcFirmware, PcPlan
from flasher.rehearsal.watch import CutPower, Ending, Trouble, Watch
from flasher.rehearsal.working_copy import card_itself, open_path, planned_copy, working_copy

DEFAULT_TIMEOUT = 900
# What the node still writes after its result: its system's buffers reach the card.
GRACE_SECONDS = 10.0
POLL_SECONDS = 0.25
TAIL_LINES = 20
_GOES_ON = ("restart", "outage")
_BANNER = "autosetup: "


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What came of a rehearsal.

    Attributes:
        status: the node's own result; None for a card without a payload, which only started.
        board: the Raspberry Pi, or PC, that was emulated.
        seconds: from switching on to the end.
        console: the lines that the node printed.
        not_rehearsed: what only a real machine would show.
        card: the card that was named; None for one that was only planned.
        outages: how often its power was cut while it went on.
    """

    status: Status | None
    board: str
    seconds: float
    console: tuple[str, ...]
    not_rehearsed: tuple[str, ...]
    card: Path | None
    outages: int = 0

    @property
    def banner(self) -> str:
        """The last line about itself that the node showed on its console; empty if none."""
        shown = (line for line in reversed(self.console) if line.startswith(_BANNER))
        return next(shown, "").removeprefix(_BANNER)


class RehearsalFailed(FlasherError):
    """A node that gave no result; `console` holds all that it printed."""

    def __init__(self, trouble: Trouble, console: tuple[str, ...]) -> None:
        tail = "\n".join(f"  {line}" for line in console[-TAIL_LINES:]) or "  (nothing)"
        message = f"{trouble.what} The last lines of its console:\n{tail}"
        super().__init__(trouble.code, message, trouble.remedy)
        self.console = console


@dataclass(frozen=True, slots=True)
class PlannedCard:
    """A card that nobody wrote yet: what it must hold, and its node's name."""

    name: str
    plan: CardPlan

    def __str__(self) -> str:
        return f"the card planned for {self.name}"


@dataclass(frozen=True, slots=True)
class _Conditions:
    """Under which a machine runs; see `rehearse`."""

    timeout_seconds: float
    cut_power_after: CutPower | None
    outage_at: float | None
    network: bool
    grace: float


def rehearse(
    card: Path | PlannedCard,
    *,
    emit: Emit,
    cancel: CancelFlag,
    keep: bool = False,
    timeout_seconds: float = DEFAULT_TIMEOUT,
    cut_power_after: CutPower | None = None,
    outage_at: float | None = None,
    network: bool = True,
    firmware: PcFirmware = "bios",
) -> Rehearsal:
    """Boot a card and wait until the node says how it went.

    Args:
        card: a virtual card or a drive. It is copied, and stays as it is, unless `keep`. Or one
            that is only planned; then no drive is needed.
        keep: boot the virtual card itself, so that it remembers.
        timeout_seconds: how long the node has from switching on.
        cut_power_after: the power is cut, for good, the moment a new status makes this True.
        outage_at: the power is cut once, so many seconds after switching on, and comes back.
        network: whether the machine has an adapter.
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
    with _read(card) as seen:  # what would fail does so before the card is copied
        plan_machine(seen, find_boot(card, seen), firmware)
    with _opened(card, keep, emit, cancel) as file, FileBlocks(open_path(file)) as blocks:
        files = CardFiles(file, blocks, find_boot(card, blocks), firmware)
        plan = files.plan()
        for problem in plan.problems:
            emit(Noted(card.name, problem, warning=True))
        grace = GRACE_SECONDS if keep else 0.0
        wanted = _Conditions(timeout_seconds, cut_power_after, outage_at, network, grace)
        return _Session(card, files, emit, cancel, wanted).boot(plan, file)


def _read(card: Path | PlannedCard) -> AbstractContextManager[Blocks]:
    return nullcontext(card.plan) if isinstance(card, PlannedCard) else drive_blocks(card)


def _opened(
    card: Path | PlannedCard, keep: bool, emit: Emit, cancel: CancelFlag
) -> AbstractContextManager[BinaryIO]:
    if isinstance(card, PlannedCard):
        return planned_copy(card.plan, card.name, emit=emit, cancel=cancel)
    return card_itself(card) if keep else working_copy(card, emit=emit, cancel=cancel)


class _Session:
    """One boot, from switching on to the end."""

    def __init__(
        self,
        card: Path | PlannedCard,
        files: CardFiles,
        emit: Emit,
        cancel: CancelFlag,
        wanted: _Conditions,
    ) -> None:
        self._card, self._files, self._emit, self._cancel = card, files, emit, cancel
        self._wanted = wanted
        self._console: list[str] = []

    def boot(self, plan: BootPlan | PcPlan, file: BinaryIO) -> Rehearsal:
        """Boot until the node has ended or gave a result, through restarts and an outage."""
        watch = Watch(
            self._files.raw,
            expects_result=self._files.expects_result(),
            timeout_seconds=self._wanted.timeout_seconds,
            cut_power_after=self._wanted.cut_power_after,
            outage_at=self._wanted.outage_at,
        )
        begun, outages = time.monotonic(), 0
        with step(self._emit, self._card.name, "boot", EXPECTED_SECONDS, "seconds") as progress:
            while (ending := self._once(plan, file, watch, begun, progress)) in _GOES_ON:
                if ending == "outage":
                    outages += 1
                    self._emit(Noted(self._card.name, "The power was cut, and comes back."))
                plan = self._files.plan()  # the node may have changed its files
        seconds = time.monotonic() - begun
        return Rehearsal(
            watch.status,
            plan.title,
            seconds,
            tuple(self._console),
            plan.not_rehearsed,
            self._card if isinstance(self._card, Path) else None,
            outages,
        )

    def _once(
        self,
        plan: BootPlan | PcPlan,
        file: BinaryIO,
        watch: Watch,
        begun: float,
        progress: Progress,
    ) -> Ending:
        """From switching on until the node has ended or gives a result."""
        volume = self._files.volume()
        with powered(plan, volume, file, network=self._wanted.network) as running:
            ending = self._follow(running, watch, begun, progress)
            if isinstance(ending, Trouble):
                raise self._failure(ending, running)
            if ending == "result":
                self._cancel.wait(self._wanted.grace)
            return ending

    def _follow(self, running: Emulator, watch: Watch, begun: float, progress: Progress) -> Ending:
        """Look at the node until it is over."""
        said = watch.status
        while True:
            seconds = time.monotonic() - begun
            ending = watch.look(glance(running, self._files, seconds, self._hear))
            if watch.status and watch.status != said:
                said = watch.status
                self._emit(Noted(self._card.name, headline(said)))
            if (done := reached(seconds, watch.status)) > progress.done:
                progress.reach(done)
            if ending:
                return ending
            self._cancel.wait(POLL_SECONDS)
            check_cancelled(self._cancel, "The rehearsal")

    def _hear(self, line: str) -> None:
        self._emit(Noted(self._card.name, line))
        self._console.append(line)

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


__all__ = ["DEFAULT_TIMEOUT", "PlannedCard", "Rehearsal", "RehearsalFailed", "rehearse"]
