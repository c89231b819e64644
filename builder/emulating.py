"""Have programs of the image run while a build lasts, as fast as this computer can."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from shutil import which

from builder.emulation import Emulation, Emulator, registration
from builder.guardian import registered
from builder.layers import Store
from builder.lock import Lock
from builder.native_root import native_root
from builder.pool import Pool
from builder.twins import COMPILER, twin_emulation
from flasher.events import CancelFlag


@contextmanager
def emulating(
    store: Store,
    pool: Pool,
    lock: Lock,
    emulator: Emulator,
    *,
    twins: bool,
    note: Callable[[str], None],
    cancel: CancelFlag,
) -> Iterator[Emulation]:
    """Give what sandboxes need during the block; the host is as it was after it.

    Args:
        store: keeps the twins.
        pool: holds or fetches their packages.
        lock: names them.
        emulator: what this computer has.
        twins: whether native programs may run in place of emulated ones.
        note: told why they do not, where they were wanted.
        cancel: polled while the twins are fetched and extracted.
    """
    if emulator.native:
        yield Emulation(narrow=emulator.narrow)
        return
    obstacle = _obstacle(emulator, lock)
    if twins and not obstacle:
        root = native_root(store, pool, lock.twins, cancel)
        emulation = twin_emulation(store, pool, lock, root, emulator)
    else:
        emulation = _plain(emulator)
        if twins:
            note(f"Every program of the image is emulated, many times as slowly: {obstacle}.")
    if emulation.handler and not emulator.private:
        with registered(emulation.handler):
            yield replace(emulation, handler="")
    else:
        yield emulation


@contextmanager
def emulating_plainly(emulator: Emulator) -> Iterator[Emulation]:
    """The same without twins, for a few programs."""
    emulation = Emulation(narrow=emulator.narrow) if emulator.native else _plain(emulator)
    if emulation.handler and not emulator.private:
        with registered(emulation.handler):
            yield replace(emulation, handler="")
    else:
        yield emulation


def _obstacle(emulator: Emulator, lock: Lock) -> str:
    """Why there can be no twins, as part of a sentence; "" where there can."""
    if not lock.twins.packages:
        return "the lock names no native programs"
    if emulator.program is None:
        return "QEMU's user emulator is missing (package qemu-user-static)"
    if which(COMPILER) is None:
        return f"{COMPILER} is missing (package musl-tools)"
    if not emulator.private and os.geteuid() != 0:
        return "this kernel is older than 6.7, and only root may register a handler"
    return ""


def _plain(emulator: Emulator) -> Emulation:
    """Every program is emulated, by the host's own handler if it has one."""
    if emulator.program is None or (emulator.served and not emulator.private):
        return Emulation()
    return Emulation(registration(emulator.machine, emulator.program, "OCF"))
