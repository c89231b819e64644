"""The power of a booting node is really cut, its disk's cache lost: it ends as if nothing had been.

An emulated 64-bit ARM computer runs the base image and a card that says what most cards say. Each
cut begins from a saved state, so it costs one boot, not two. `FLASHER_CUTS` is how many there are.
Many more cards that a cut may leave, `FLASHER_REPLAYS` times two, are made from the record of an
undisturbed node's writes, and looked at without booting. `FLASHER_SEED` names other moments.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.autosetup.sample_debs import make_deb
from tests.rehearsal.card_judges import differences, status_of, tree_of
from tests.rehearsal.first_boots import (
    Bench,
    Cut,
    boot_to_end,
    cut,
    faults,
    make_bench,
    starts,
    unflushed,
)
from tests.rehearsal.replays import STEPS, cuts_of, faults_of_cuts
from tests.rehearsal.sample_scanner import write_scanner
from tests.rehearsal.saved_machine import CARD
from tests.rehearsal.write_log import LOSSES

Run = Callable[..., list[dict[str, object]]]

CUTS = int(os.environ.get("FLASHER_CUTS", "5"))
REPLAYS = int(os.environ.get("FLASHER_REPLAYS", "15"))
SEED = os.environ.get("FLASHER_SEED", "1")
LANES = 2
# Every so many nodes are booted once more when they are done.
FURTHER = 5

pytestmark = pytest.mark.timeout(4 * 3600)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a node whose power was cut.

    Attributes:
        lost: how many writes the cut could take away, at most.
        boots: until it was done, those that it asked for itself included.
        faults: whatever is not as it would have been without the cut.
    """

    cut: Cut
    lost: int
    boots: int
    seconds: float
    faults: tuple[str, ...]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """In it nothing is kept: cards are large, 5 GB in all, and sockets need short names."""
    place = os.environ.get("TMPDIR", "/var/tmp")  # /tmp may be the memory
    with tempfile.TemporaryDirectory(prefix="cuts-", dir=place) as made:
        yield Path(made)


@pytest.fixture(scope="module")
def bench(base_image: Path, flasher: Run, folder: Path) -> Bench:
    rig = folder / "rig"
    rig.mkdir()
    scanner, site = write_scanner(rig, make_deb(rig, "rig-tools"))

    def prepare(card: Path) -> None:
        what = ("--scanner", scanner, "--site", site, "--node", "seg3-cam2")
        flasher("prepare", *what, "--to", card, "--size", "2G", "--image", base_image)

    return make_bench(folder, prepare)


@pytest.fixture(scope="module")
def outcomes(bench: Bench, folder: Path) -> list[Outcome]:
    cuts = list(moments(bench))
    with ThreadPoolExecutor(LANES) as lanes:
        return list(
            lanes.map(lambda number: suffer(bench, folder, number, cuts[number]), range(CUTS))
        )


def moments(bench: Bench) -> Iterator[Cut]:
    """Random ones, each boot as often as it writes; every kind of loss as often as the others."""
    chance = random.Random(SEED)  # noqa: S311  (the same ones every time)
    writes = [len(boot.entries) for boot in bench.boots]
    for number in range(CUTS):
        (boot,) = chance.choices(range(len(writes)), writes)
        yield Cut(boot, chance.randrange(1, writes[boot]), LOSSES[number % len(LOSSES)])


def suffer(bench: Bench, folder: Path, number: int, what: Cut) -> Outcome:
    """Cut; see that the firmware would start the node, boot it to its end, compare, boot again."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"{number}-", dir=folder) as made:
        lane, chance = Path(made), random.Random(f"{SEED} {number}")  # noqa: S311
        lost, boots = 0, 0
        found: list[str] = []
        try:
            lost = cut(bench, lane, what, chance)
            if not starts(bench, lane / CARD):
                found.append("the firmware finds other boot files")
            boots = boot_to_end(bench, lane)
            found += faults(bench, lane / CARD)
            if number % FURTHER == 0:
                found += changed_by_a_further_boot(bench, lane)
        except Exception as error:  # the other cuts are told, too
            found.append(repr(error))
    outcome = Outcome(what, lost, boots, time.monotonic() - begun, tuple(found))
    print(outcome, flush=True)  # noqa: T201  (a soak is watched)
    return outcome


def changed_by_a_further_boot(bench: Bench, lane: Path) -> list[str]:
    before, tree = status_of(lane / CARD), tree_of(lane / CARD)
    boots = boot_to_end(bench, lane)
    found = differences(tree, tree_of(lane / CARD))
    if boots > 1 or status_of(lane / CARD) != before:
        found.append(f"a further boot: {boots} boots, {status_of(lane / CARD)}")
    return found


def test_an_undisturbed_node_restarts_itself_once(bench: Bench) -> None:
    assert len(bench.boots) == 2


def test_its_card_forgets_what_is_not_flushed(bench: Bench) -> None:
    entries = bench.boots[0].entries
    assert max(unflushed(entries[:at]) for at in range(len(entries))) > 1


def test_each_step_that_is_looked_for_is_a_step(bench: Bench) -> None:
    assert STEPS.keys() <= {step.name for step in status_of(bench.done).steps}


def test_every_card_that_a_cut_may_leave_starts_and_tells_the_truth(
    bench: Bench, folder: Path
) -> None:
    chance = random.Random(SEED)  # noqa: S311  (the same ones every time)
    with tempfile.TemporaryDirectory(dir=folder) as lane:
        cuts = cuts_of(bench, REPLAYS, chance)
        assert list(faults_of_cuts(bench, Path(lane), cuts, chance)) == []


def test_every_node_ends_done_and_the_same(outcomes: list[Outcome]) -> None:
    assert [outcome for outcome in outcomes if outcome.faults] == []
