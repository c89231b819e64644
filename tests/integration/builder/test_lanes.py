"""Many programs in one sandbox, as if each had one of its own."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.bench import Bench
from builder.diagnosis import StepFailed
from builder.lanes import open_lanes
from builder.layers import Layer
from flasher.errors import Cancelled

BenchOf = Callable[..., Bench]


@pytest.fixture
def bench(add_layer: Callable[..., Layer], bench_of: BenchOf) -> Bench:
    return bench_of(add_layer("one", lambda tree: (tree / "file").write_text("in the layer")))


def is_empty(folder: Path) -> bool:
    return not list(folder.iterdir())


def test_programs_see_the_tree_and_what_they_print_comes_back(bench: Bench):
    with open_lanes(bench, 1) as (lane,):
        for word in ("first", "second\n" * 100_000):
            (bench.store.root / "word").write_text(word)
            done = lane.run(("cat", str(bench.merged / "file"), str(bench.store.root / "word")))
            assert done.text == f"in the layer{word}"
    assert is_empty(bench.store.view)


def test_the_environment_is_that_of_builds_and_what_is_added(bench: Bench):
    with open_lanes(bench, 1) as (lane,):
        told = lane.run(("env",), {"ADDED": "so"}).text.splitlines()
    assert {"ADDED=so", "SOURCE_DATE_EPOCH=0", "HOME=/root"} < set(told)


def test_lanes_run_beside_each_other(bench: Bench):
    """Each program waits for the other: one after the other they would wait for ever."""
    there, back = bench.store.root / "there", bench.store.root / "back"
    os.mkfifo(there)
    os.mkfifo(back)
    with open_lanes(bench, 2) as (one, other):
        answering = threading.Thread(
            target=other.run, args=(("sh", "-c", f"read word < {there}; echo back > {back}"),)
        )
        answering.start()
        assert one.run(("sh", "-c", f"echo there > {there}; cat {back}")).text == "back\n"
        answering.join()


def test_a_program_that_fails_is_told_with_its_words_and_ends_the_sandbox(bench: Bench):
    with pytest.raises(StepFailed) as failed, open_lanes(bench, 2) as (lane, _):
        lane.run(("sh", "-c", "echo 'it will not' >&2; exit 3"))
    assert "sh failed (3)" in failed.value.message
    assert "it will not" in failed.value.message
    assert "it will not" in bench.log.path.read_text()


def test_a_program_that_is_missing_is_told(bench: Bench):
    with pytest.raises(StepFailed) as failed, open_lanes(bench, 2) as (lane, _):
        lane.run(("no-such-program",))
    assert "no-such-program" in failed.value.message


def test_cancelling_kills_what_runs(bench: Bench):
    started = bench.store.root / "started"
    os.mkfifo(started)

    def cancel_when_started() -> None:
        started.read_bytes()
        bench.cancel.set()

    cancelling = threading.Thread(target=cancel_when_started)
    cancelling.start()
    with pytest.raises(Cancelled), open_lanes(bench, 2) as (lane, _):
        lane.run(("sh", "-c", f": > {started}; exec sleep infinity"))
    cancelling.join()
    assert is_empty(bench.store.view)
