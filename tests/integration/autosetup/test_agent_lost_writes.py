"""A newer agent comes upon a disk that forgets: whatever a cut leaves, the node has an agent.

Here some of the trees; tests/rehearsal/test_every_update_cut.py has all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import autosetup
from tests.integration.autosetup.agent_disk import record_agent, versions_after
from tests.integration.autosetup.disk import Disk
from tests.integration.autosetup.launching import NEWER

SOME = 3
VERSIONS = (autosetup.__version__, NEWER)


@pytest.fixture(scope="module")
def disk(ground: Path) -> Disk:
    return record_agent(ground)


@pytest.mark.parametrize("kind", ["kept", "dropped", "reordered", "torn"])
def test_whatever_a_cut_leaves_there_is_an_agent_and_the_newer_one_comes(
    disk: Disk, ground: Path, kind: str
) -> None:
    trees = [(moment, tree) for moment, found, tree in disk.trees.values() if found == kind]
    assert trees
    for moment, tree in trees[:: max(1, len(trees) // SOME)]:
        first, then = versions_after(tree, ground)
        assert first in VERSIONS, f"{kind} at moment {moment}"
        assert then == NEWER, f"{kind} at moment {moment}"
