"""Every moment at which the power may be cut while a node gets another payload, or goes back."""

from __future__ import annotations

import signal
import tempfile
from itertools import count
from pathlib import Path

import pytest

from tests.integration.autosetup.disk import Disk, start_again
from tests.integration.autosetup.upgrades import UPGRADES, copied, done_node, outcome

pytestmark = pytest.mark.timeout(6000)


@pytest.mark.parametrize("kind", UPGRADES)
def test_whatever_a_power_cut_leaves_an_upgrade_ends_the_same(ground: Path, kind: str) -> None:
    done, upgrade = done_node(ground / "done"), UPGRADES[kind]
    undisturbed = copied(done, ground / "undisturbed", upgrade)
    assert undisturbed.run().returncode == 0
    disk = Disk(copied(done, ground / "recorded", upgrade))
    assert disk.record() == 0
    wanted = (0, undisturbed.tree())
    differing = [
        (moment, loss)
        for moment, loss, tree in disk.trees.values()
        if start_again(tree, ground) != wanted
    ]
    assert differing == []


@pytest.mark.parametrize("kind", UPGRADES)
def test_killed_at_any_moment_an_upgrade_ends_the_same(ground: Path, kind: str) -> None:
    done, upgrade = done_node(ground / "done"), UPGRADES[kind]
    undisturbed = copied(done, ground / "undisturbed", upgrade)
    assert undisturbed.run().returncode == 0
    for moment in count(1):
        with tempfile.TemporaryDirectory(dir=ground) as folder:
            node = copied(done, Path(folder, "node"), upgrade)
            was_cut = node.run(kill_at=moment).returncode == 128 + signal.SIGKILL
            assert node.run().returncode == 0
            assert outcome(node) == outcome(undisturbed), f"cut at {moment}"
        if not was_cut:
            break
