"""Every tree that a power cut of a first boot may leave, upon a disk that forgets."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.autosetup.disk import record, start_again

pytestmark = pytest.mark.timeout(3000)


def test_whatever_a_power_cut_leaves_the_next_boot_ends_in_the_same_node(ground: Path) -> None:
    disk = record(ground / "recorded")
    wanted = (0, disk.node.tree())
    differing = [
        (moment, kind)
        for moment, kind, tree in disk.trees.values()
        if start_again(tree, ground) != wanted
    ]
    assert differing == []
