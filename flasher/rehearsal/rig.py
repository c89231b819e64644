"""Rehearsing a rig: several cards in emulated computers on one network, on until switched off."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from autosetup.status import Status, headline
from flasher.events import CancelFlag, Emit, Noted, check_cancelled
from flasher.image.blocks import FileBlocks
from flasher.rehearsal.card_files import CardFiles, find_boot
from flasher.rehearsal.emulator import Emulator, powered
from flasher.rehearsal.glance import glance
from flasher.rehearsal.machine import Cable
from flasher.rehearsal.switch import Switch
from flasher.rehearsal.watch import FINAL, Trouble, Watch
from flasher.rehearsal.working_copy import card_itself, open_path, working_copy

POLL_SECONDS = 0.5
# Of boots that have given no result yet, on a computer with two cores.
AT_ONCE = 2
_PATIENCE = float("inf")  # of each watch: the rig has one for all
# Locally administered, as QEMU's own are (net/net.c).
_MAC = "52:54:00:12:34:"
_MOST_NODES = 200


@dataclass(frozen=True, slots=True)
class Seen:
    """How a node of the rig is at a moment.

    Attributes:
        status: its own word; None before the first one.
        trouble: why it gives none any more.
        is_on: whether it has power.
        seconds: since it was first switched on.
    """

    name: str
    status: Status | None
    trouble: Trouble | None
    is_on: bool
    seconds: float

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is to be waited for."""
        return bool(self.trouble or (self.status and self.status.state in FINAL))


@dataclass(slots=True)
class _Node:
    """A machine of the rig, with its card in it."""

    name: str
    card: BinaryIO
    files: CardFiles
    address: str
    emit: Emit
    watch: Watch = field(init=False)
    power: ExitStack = field(default_factory=ExitStack)
    running: Emulator | None = None
    trouble: Trouble | None = None
    begun: float = 0.0

    def __post_init__(self) -> None:
        self.watch = self._watch()

    def switch_on(self, switch: Switch) -> None:
        """Start what is on the card now."""
        plan = self.files.plan()
        for problem in plan.problems:
            self.emit(Noted(self.name, problem, warning=True))
        self.begun = self.begun or time.monotonic()
        with switch.plug(self.name) as cable:
            network = Cable(cable.fileno(), self.address)
            started = powered(plan, self.files.volume(), self.card, network=network)
            self.running = self.power.enter_context(started)

    def switch_off(self) -> None:
        """Cut its power, if it has any."""
        self.power.close()
        self.running = None

    def look(self, switch: Switch) -> None:
        """Take in what is new; a machine that restarts gets its power back."""
        if self.running is None:
            return
        said = self.watch.status
        seconds = time.monotonic() - self.begun
        ending = self.watch.look(glance(self.running, self.files, seconds, self._hear))
        if (now := self.watch.status) and now != said:
            self.emit(Noted(self.name, headline(now)))
        if isinstance(ending, Trouble):
            self.trouble = ending
            self.switch_off()
        elif ending == "restart":
            self.switch_off()
            self.switch_on(switch)

    def seen(self) -> Seen:
        """How it is now."""
        seconds = time.monotonic() - self.begun if self.begun else 0.0
        is_on = self.running is not None
        return Seen(self.name, self.watch.status, self.trouble, is_on, seconds)

    def _hear(self, line: str) -> None:
        self.emit(Noted(self.name, line))

    def _watch(self) -> Watch:
        expects = self.files.expects_result()
        return Watch(self.files.raw, expects_result=expects, timeout_seconds=_PATIENCE)


class RehearsedRig:
    """A rig that lives in this process; see `rig_on`."""

    def __init__(self, switch: Switch, stack: ExitStack, emit: Emit, cancel: CancelFlag) -> None:
        self._switch, self._stack, self._emit, self._cancel = switch, stack, emit, cancel
        self._nodes: dict[str, _Node] = {}
        self._numbers = iter(range(1, _MOST_NODES + 1))

    def add(self, name: str, card: Path, *, keep: bool = False) -> None:
        """Put a card into a new machine, or into that of this name; it is off.

        Args:
            name: for people; of its cable, too.
            card: a virtual card, or a drive.
            keep: have the virtual card itself in it, so that it remembers, and not a copy.

        Raises:
            FlasherError: no machine could start from this card, or the copy has no room.
            BadInput: it cannot be read.
        """
        old = self._nodes.pop(name, None)
        if old:
            old.switch_off()
        copied = working_copy(card, emit=self._emit, cancel=self._cancel)
        file = self._stack.enter_context(card_itself(card) if keep else copied)
        blocks = self._stack.enter_context(FileBlocks(open_path(file)))
        files = CardFiles(file, blocks, find_boot(card, blocks), "bios")
        files.plan()  # which may raise
        address = old.address if old else f"{_MAC}{next(self._numbers):02x}"
        node = _Node(name, file, files, address, self._emit)
        self._stack.callback(node.switch_off)
        self._nodes[name] = node

    def switch_on(self, name: str) -> None:
        """Give a node power."""
        self._nodes[name].switch_on(self._switch)

    def switch_off(self, name: str) -> None:
        """Cut a node's power, as one pulls a plug."""
        self._nodes[name].switch_off()

    def look(self) -> tuple[Seen, ...]:
        """How each node is now."""
        for node in self._nodes.values():
            node.look(self._switch)
        return tuple(node.seen() for node in self._nodes.values())

    def looks(self) -> Iterator[tuple[Seen, ...]]:
        """Twice a second how all are, without an end.

        Raises:
            Cancelled: the flag was set.
        """
        while True:
            check_cancelled(self._cancel, "The rehearsal")
            yield self.look()
            self._cancel.wait(POLL_SECONDS)

    def start(
        self,
        names: Sequence[str],
        *,
        at_once: int = AT_ONCE,
        timeout_seconds: float,
        told: Callable[[tuple[Seen, ...]], None] = lambda _seen: None,
    ) -> tuple[Seen, ...]:
        """Switch nodes on, a few at a time, and wait until each has settled; all stay on.

        Args:
            names: in this order.
            at_once: how many may be on their way.
            timeout_seconds: for all together; how they are by then is given.
            told: after each look.
        """
        waiting, until = list(names), time.monotonic() + timeout_seconds
        for seen in self.looks():
            told(seen)
            busy = [node for node in seen if node.is_on and not node.is_settled]
            if time.monotonic() > until or (not waiting and not busy):
                break
            if waiting and len(busy) < at_once:
                self.switch_on(waiting.pop(0))
        return seen


@contextmanager
def rig_on(switch: Switch, *, emit: Emit, cancel: CancelFlag) -> Iterator[RehearsedRig]:
    """A rig without nodes yet; leaving the block cuts all power, and copies of cards are gone."""
    with ExitStack() as stack:
        yield RehearsedRig(switch, stack, emit, cancel)
