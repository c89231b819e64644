"""A first boot upon a disk that forgets what was not synced: whatever it left, the end is the same.

Here some of the trees that a power cut may leave; tests/rehearsal/test_every_power_cut.py has all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.autosetup.disk import Disk, record, start_again

SOME = 12


@pytest.fixture(scope="module")
def disk(ground: Path) -> Disk:
    """What every cut of one first boot may leave."""
    return record(ground / "recorded")


@pytest.mark.parametrize("kind", ["dropped", "reordered", "torn"])
def test_a_power_cut_that_loses_writes_ends_in_the_same_node(
    disk: Disk, ground: Path, kind: str
) -> None:
    trees = [(moment, tree) for moment, found, tree in disk.trees.values() if found == kind]
    assert len(trees) > SOME
    for moment, tree in trees[:: len(trees) // SOME * 3]:
        assert start_again(tree, ground) == (0, disk.node.tree()), f"{kind} at moment {moment}"


def test_the_disk_sees_what_the_agent_does(disk: Disk) -> None:
    assert disk.moment > 200
    assert {kind for _, kind, _ in disk.trees.values()} == {"kept", "dropped", "reordered", "torn"}
