"""Drives that come, go and change their card, as frozen events.

udev's monitor, or the kernel's own where no udev runs, says at once that something happened; a look
at sysfs each second finds what nobody told. Either only calls for a look: the catalog, and nothing
else, says what there is.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyudev

from flasher.drives.facts import is_drive
from flasher.drives.loops import is_at_work
from flasher.drives.model import Drive, DriveCatalog
from flasher.drives.tables import KERNEL, KernelTables, children, mounts, read_text
from flasher.events import CancelFlag

LOOK_EVERY_SECONDS = 1.0
# One card brings a burst of events: the drive, each partition, what udev finds on them.
_QUIET_SECONDS, _LONGEST_BURST_SECONDS = 0.2, 2.0


@dataclass(frozen=True, slots=True)
class Appeared:
    """A drive is there that was not: plugged in, or a card put into its reader."""

    drive: Drive


@dataclass(frozen=True, slots=True)
class Gone:
    """A drive is there no more: unplugged, or its card taken out."""

    drive: Drive


@dataclass(frozen=True, slots=True)
class Changed:
    """A drive is another than `before`: another card, other contents, mounted, protected …"""

    drive: Drive
    before: Drive

    @property
    def is_other_card(self) -> bool:
        """Whether it is not the same card any more, as far as the kernel can tell."""
        now, then = self.drive, self.before
        return (now.identity, now.size, now.serial) != (then.identity, then.size, then.serial)


DriveEvent = Appeared | Gone | Changed


class Signal(Protocol):
    """What tells that it is time to look again."""

    def wait(self, seconds: float) -> bool:
        """Whether something may have changed, known after so many seconds at most."""
        ...

    def close(self) -> None:
        """Stop listening."""
        ...


class PollSignal:
    """Compares what sysfs says of all disks, and what is mounted, with what it said before.

    Args:
        tables: where the kernel tells.
    """

    def __init__(self, tables: KernelTables = KERNEL) -> None:
        self._tables = tables
        self._seen = self._look()

    def wait(self, seconds: float) -> bool:
        """Look now, and again each second."""
        until = time.monotonic() + seconds
        while not self.changed():
            left = until - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(left, LOOK_EVERY_SECONDS))
        return True

    def changed(self) -> bool:
        """Whether anything is different from the last look."""
        before, self._seen = self._seen, self._look()
        return self._seen != before

    def close(self) -> None:
        """Nothing is held."""

    def _look(self) -> tuple[object, ...]:
        disks = children(self._tables.sys / "class/block")
        for disk in disks:
            self._ask_for_card(disk)
        kept = ("size", "ro", "diskseq", "partition")
        told = tuple((disk.name, *(read_text(disk / name) for name in kept)) for disk in disks)
        return told, mounts(self._tables)

    def _ask_for_card(self, disk: Path) -> None:
        """A kernel that does not look into a reader by itself does when the reader is opened."""
        if is_drive(disk.name) and self._must_be_asked(disk):
            with suppress(OSError):
                node = self._tables.dev / disk.name
                os.close(os.open(node, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))

    def _must_be_asked(self, disk: Path) -> bool:
        """Whether its card may change unseen (Documentation/ABI/stable/sysfs-block, events)."""
        if "media_change" not in read_text(disk / "events") or is_at_work(disk):
            return False
        own = read_text(disk / "events_poll_msecs")
        default = self._tables.sys / "module/block/parameters/events_dfl_poll_msecs"
        return (read_text(default) if own == "-1" else own) in ("", "0")


class UdevSignal:
    """Wakes up for the events of udev's daemon; for the kernel's where no daemon runs.

    Attributes:
        source: whose, ``udev`` or ``kernel``.

    Raises:
        OSError: there are none to be had here.
    """

    def __init__(self) -> None:
        self.source = "udev" if Path("/run/udev/control").exists() else "kernel"
        self._poll = PollSignal()
        self._monitor = pyudev.Monitor.from_netlink(pyudev.Context(), source=self.source)
        self._monitor.filter_by("block")
        self._monitor.start()

    def wait(self, seconds: float) -> bool:
        """Until an event, or until a look each second finds something."""
        until = time.monotonic() + seconds
        while True:
            left = max(until - time.monotonic(), 0)
            if self._heard(min(left, LOOK_EVERY_SECONDS)):
                self._hear_out()
                self._poll.changed()
                return True
            if self._poll.changed():
                return True
            if not left:
                return False

    def close(self) -> None:
        """Stop listening."""
        del self._monitor

    def _heard(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._monitor.fileno()], [], [], seconds)
        return bool(ready)

    def _hear_out(self) -> None:
        """Take all events of a burst."""
        until = time.monotonic() + _LONGEST_BURST_SECONDS
        while time.monotonic() < until and self._heard(_QUIET_SECONDS):
            self._monitor.poll(timeout=0)


def open_signal() -> Signal:
    """The best that this computer has."""
    try:
        return UdevSignal()
    except OSError:
        return PollSignal()


def watch(catalog: DriveCatalog, signal: Signal, cancel: CancelFlag) -> Iterator[DriveEvent]:
    """What is there now, as having appeared; then whatever happens, until it is cancelled."""
    seen: tuple[Drive, ...] = ()
    look = True
    while not cancel.is_set():
        if look:
            now = catalog.drives()
            yield from differences(seen, now)
            seen = now
        look = signal.wait(LOOK_EVERY_SECONDS)


def differences(before: Iterable[Drive], after: Iterable[Drive]) -> Iterator[DriveEvent]:
    """What happened between two looks: what went first, then what changed and what came."""
    then = {drive.path: drive for drive in before}
    now = {drive.path: drive for drive in after}
    yield from (Gone(drive) for path, drive in then.items() if path not in now)
    for path, drive in now.items():
        if path not in then:
            yield Appeared(drive)
        elif drive != then[path]:
            yield Changed(drive, then[path])
