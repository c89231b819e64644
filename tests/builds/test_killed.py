"""``kill -9`` at any moment leaves nothing behind, and the next build makes the same bytes.

FLASHER_KILLS is the number of moments, 8 by default; FLASHER_SEED chooses them. They are spread
evenly over the steps of a build, whatever time each takes.
"""

from __future__ import annotations

import os
import random
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.builds.conftest import Reference
from tests.builds.places import Place, end_build

KILLS = int(os.environ.get("FLASHER_KILLS", "8"))
SEED = os.environ.get("FLASHER_SEED", "1")

pytestmark = pytest.mark.timeout(900)


@dataclass(frozen=True, slots=True)
class Traces:
    """What builds could leave on a computer, beyond processes and files."""

    mounts: tuple[str, ...]
    loops: tuple[str, ...]
    handlers: tuple[str, ...]


def traces(place: Place) -> Traces:
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    loops = Path("/sys/block").glob("loop*/loop/backing_file")
    handlers = Path("/proc/sys/fs/binfmt_misc").glob("*")
    return Traces(
        tuple(line for line in mounts if str(place.folder) in line),
        tuple(path.read_text() for path in loops if str(place.folder) in path.read_text()),
        tuple(sorted(path.name for path in handlers if "test" not in path.name)),
    )


@pytest.fixture(scope="module")
def place(reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Place:
    return reference.place.copy_to(tmp_path_factory.mktemp("killed") / "place")


@pytest.mark.parametrize("number", range(KILLS))
def test_a_build_killed_at_any_moment_leaves_nothing_and_the_next_one_succeeds(
    reference: Reference, place: Place, number: int
):
    phases = {"": 0.5, **reference.ended.phases}
    phase = list(phases)[number % len(phases)]
    dice = random.Random(f"{SEED}-{number}")  # noqa: S311 - told, to be repeated
    delay = dice.uniform(0, phases[phase])
    before = traces(place)
    while True:
        options = place.forget(phase, reference.ended.layers)
        print(f"seed {SEED}, moment {number}: {delay:.2f} s into {phase or 'start'}")  # noqa: T201
        end = end_build(place, phase, delay, signal.SIGKILL, *options, whole_group=number % 2 == 0)
        print(end)  # noqa: T201
        if end.alive:
            break
        delay /= 2  # it was faster than the first time, and has ended
    assert end.left == []
    assert traces(place) == before
    assert place.made().items() <= reference.made.items()
    ended = place.build(*options)
    assert ended.status == 0, ended.words
    assert place.made() == reference.made
    assert place.unfinished() == []
