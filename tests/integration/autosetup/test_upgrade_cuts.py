"""The power is cut while a newer payload is applied, or a bad one taken back: the end is the same.

Here at some moments of each kind; tests/rehearsal/test_every_upgrade_cut.py has all.
"""

from __future__ import annotations

import random
import signal
import tempfile
from pathlib import Path

import pytest

from tests.integration.autosetup.conftest import Node
from tests.integration.autosetup.disk import Disk, start_again
from tests.integration.autosetup.upgrades import UPGRADES, copied, differing, done_node, outcome

KILLED = 128 + signal.SIGKILL
SOME, FEWEST_MOMENTS = 5, 60


@pytest.fixture(scope="module")
def done(ground: Path) -> Node:
    return done_node(ground / "done")


@pytest.fixture(scope="module", params=UPGRADES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def undisturbed(done: Node, ground: Path, kind: str) -> tuple[object, ...]:
    """The end of an upgrade that nobody disturbed."""
    node = copied(done, ground / f"undisturbed-{kind}", UPGRADES[kind])
    assert node.run().returncode == 0
    assert node.status.state == UPGRADES[kind].ends
    return outcome(node)


@pytest.mark.parametrize("seed", range(SOME))
def test_cut_once_or_twice_an_upgrade_ends_as_if_nothing_had_been(
    done: Node, ground: Path, kind: str, undisturbed: tuple[object, ...], seed: int
) -> None:
    moments = random.Random(seed)  # noqa: S311  (the same moments every time)
    first, second = (moments.randrange(1, FEWEST_MOMENTS) for _ in range(2))
    with tempfile.TemporaryDirectory(dir=ground) as folder:
        node = copied(done, Path(folder, "node"), UPGRADES[kind])
        assert node.run(kill_at=first).returncode == KILLED
        if seed % 2:
            node.run(kill_at=second)
        assert node.run().returncode == 0
        assert outcome(node) == undisturbed, f"cut at {first}, {second}"


@pytest.mark.parametrize("kind", ["bad"], indirect=True)
def test_a_cut_that_loses_writes_ends_the_same(
    done: Node, ground: Path, kind: str, undisturbed: tuple[object, ...]
) -> None:
    disk = Disk(copied(done, ground / f"recorded-{kind}", UPGRADES[kind]))
    assert disk.record() == 0
    lossy = [(moment, loss, tree) for moment, loss, tree in disk.trees.values() if loss != "kept"]
    assert len(lossy) > 100
    for moment, loss, tree in lossy[:: len(lossy) // SOME]:
        status, end = start_again(tree, ground)
        assert (status, differing(end, undisturbed[0])) == (0, set()), f"{loss} at {moment}"


@pytest.mark.parametrize("moment", [1, 2, 3, 5, 8, 21])
def test_a_payload_given_by_hand_is_there_as_a_whole_or_not_at_all(
    done: Node, ground: Path, moment: int
) -> None:
    with tempfile.TemporaryDirectory(dir=ground) as folder:
        node = copied(done, Path(folder, "node"), UPGRADES["good"])
        node.card.rename(node.upper / "given")
        node.card.mkdir()
        assert node.run("apply", "/given", kill_at=moment).returncode == KILLED
        assert node.run().returncode == 0
        assert node.status.state == "done"
        assert node.status.node in ("cam-0101", "cam-0102")
        assert node.run("apply", "/given").returncode == 0
        assert node.status.node == "cam-0102"
        assert not list((node.upper / "var/lib/autosetup").glob("staged*"))


@pytest.mark.parametrize("moment", [1, 2, 7, 30, 55])
def test_a_way_back_by_hand_is_gone_whole_or_not_at_all(
    done: Node, ground: Path, moment: int
) -> None:
    with tempfile.TemporaryDirectory(dir=ground) as folder:
        node = copied(done, Path(folder, "node"), UPGRADES["good"])
        assert node.run().returncode == 0
        assert node.run("rollback", kill_at=moment).returncode == KILLED
        assert node.run().returncode == 0
        if node.status.state == "done":  # it was cut before it had begun
            assert node.run("rollback").returncode == 0
        assert (node.status.state, node.status.node) == ("rolled-back", "cam-0101")
        assert node.read("/etc/issue") == "of the image\n"
