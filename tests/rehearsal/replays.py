"""What a power cut may leave of a recorded boot, made without booting, and looked at by tools."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from flasher.card.inspect import inspect_card
from flasher.errors import FlasherError
from flasher.image.blocks import FileBlocks
from tests.integration.conftest import loop_over
from tests.rehearsal.card_judges import part, partition, status_of, tool
from tests.rehearsal.first_boots import Bench, Cut, copy_sparse, starts
from tests.rehearsal.saved_machine import CARD
from tests.rehearsal.write_log import Entry, left_by_cut, write_to

# What each step is known by on the root file system, when it is done.
STEPS = {
    "hostname": "/etc/hostname",
    "users": "/home/scanner/.ssh/authorized_keys",
    "network": "/etc/NetworkManager/system-connections/autosetup-1.nmconnection",
    "timezone": "/etc/timezone",
    "clock": "/etc/chrony/sources.d/autosetup.sources",
    "files": "/etc/scanner/broker.conf",
    "packages": "/usr/share/rig-tools",
    "scripts": "/var/lib/counted",
}


def cuts_of(bench: Bench, count: int, chance: random.Random) -> list[Cut]:
    """So many cuts: right at a flush, where each in turn is tried, or somewhere between two."""
    places = [
        (number, at)
        for number, boot in enumerate(bench.boots)
        for at, entry in enumerate(boot.entries, 1)
        if entry.flushes
    ]
    chosen = sorted(chance.sample(places, min(count, len(places))))
    cuts: list[Cut] = []
    for number, at in chosen:
        cuts.append(Cut(number, at, "kept"))
        following = min(len(bench.boots[number].entries), at + chance.randrange(1, 12))
        cuts.append(Cut(number, following, chance.choice(("dropped", "reordered", "torn"))))
    return cuts


def faults_of_cuts(
    bench: Bench, folder: Path, cuts: Sequence[Cut], chance: random.Random
) -> Iterator[str]:
    """What is wrong with the cards that these cuts leave; cuts by boot and place, ascending."""
    card, at, boot = folder / CARD, 0, -1
    with part(bench.done, 2) as device:
        wanted = _effects(device)
    assert all(wanted.values()), wanted
    for cut in cuts:
        if cut.boot != boot:
            boot, at = cut.boot, 0
            copy_sparse(bench.boots[boot].card, card)
        entries = bench.boots[boot].entries
        flushed = max((n for n, e in enumerate(entries[: cut.writes], 1) if e.flushes), default=0)
        if flushed > at:
            write_to(card, entries[at:flushed])
            at = flushed
        left = left_by_cut(entries[at : cut.writes], cut.loss, chance)
        with _for_now(card, left):
            for fault in _faults(bench, card, wanted):
                yield f"{cut}: {fault}"


@contextmanager
def _for_now(card: Path, entries: Sequence[Entry]) -> Iterator[None]:
    """Put writes on a card, and take them back in the end."""
    with card.open("rb", buffering=0) as handle:
        old = [Entry(e.offset, os.pread(handle.fileno(), len(e.data), e.offset)) for e in entries]
    write_to(card, entries)
    try:
        yield
    finally:
        write_to(card, reversed(old))


def _faults(bench: Bench, card: Path, wanted: dict[str, str]) -> Iterator[str]:
    yield from _faults_of_boot(bench, card)
    report = inspect_card(FileBlocks(card))
    status = report.status
    if report.node != status_of(bench.done).node:
        yield f"the autopsy finds {report.summary}"
    with _replayed_root(card) as (device, complaints):
        yield from complaints
        if status is None:
            return
        there = _effects(device)
        steps = {step.name for step in status.steps}
        yield from (f"{s} is not done" for s in steps & wanted.keys() if there[s] != wanted[s])


def _faults_of_boot(bench: Bench, card: Path) -> Iterator[str]:
    """Boot files as they lie, and after the repair that every boot begins with."""
    offset, size = partition(card, 1)
    repaired = card.with_name("repaired.img")
    block = 1 << 20
    count = (offset + size) // block
    copied = (f"bs={block}", f"count={count}", "conv=sparse", "status=none")
    tool("dd", f"if={card}", f"of={repaired}", *copied)
    with loop_over(repaired, f"--offset={offset}", f"--sizelimit={size}") as device:
        subprocess.run(["fsck.fat", "-a", device], capture_output=True)
        again = subprocess.run(["fsck.fat", "-n", device], capture_output=True, text=True)
    for what, place in (("as it lies", card), ("repaired", repaired)):
        try:
            is_whole = starts(bench, place)
        except FlasherError as error:
            yield f"boot partition {what}: {error}"
        else:
            if not is_whole:
                yield f"boot partition {what}: other boot files"
    if again.returncode:
        yield again.stdout


@contextmanager
def _replayed_root(card: Path) -> Iterator[tuple[Path, list[str]]]:
    """The root file system, its journal replayed, and what e2fsck has against it; then undone."""
    offset, size = partition(card, 2)
    undo = card.with_name("undo")
    undo.unlink(missing_ok=True)
    with loop_over(card, f"--offset={offset}", f"--sizelimit={size}") as device:
        subprocess.run(["e2fsck", "-p", "-z", undo, device], capture_output=True)
        done = subprocess.run(["e2fsck", "-fn", device], capture_output=True, text=True)
        yield device, done.stdout.splitlines() if done.returncode else []
        if undo.exists():
            tool("e2undo", undo, device)


def _effects(device: Path) -> dict[str, str]:
    """The files of `STEPS`; empty where they are missing."""
    return {
        step: subprocess.run(
            ["debugfs", "-R", f"cat {path}", device], capture_output=True, text=True
        ).stdout
        for step, path in STEPS.items()
    }
