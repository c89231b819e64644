"""What updates take of a node's memory, beside the software that captures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.integration.autosetup.releases import serving
from tests.integration.autosetup.updating import NEXT, Rig, make_rig, most_memory

MB = 1_000_000


@pytest.fixture
def rig(ground: Path) -> Iterator[Rig]:
    with TemporaryDirectory(dir=ground) as name:
        files = Path(name, "files")
        files.mkdir()
        with serving(files) as server:
            yield make_rig(Path(name, "rig"), files, server)


def test_a_look_costs_no_more_memory_however_much_is_in_force(rig: Rig) -> None:
    with rig.node() as node:
        small = most_memory(node)
        rig.release(rig.payload(NEXT, os.urandom(20 * MB)))
        assert most_memory(node) > 20 * MB
        assert node.status.generation == NEXT
        assert most_memory(node) < small + 10 * MB


def test_what_is_taken_is_in_memory_twice_at_most(rig: Rig) -> None:
    with rig.node() as node:
        small = most_memory(node)
        rig.release(rig.payload(NEXT, os.urandom(20 * MB)))
        assert most_memory(node) < small + 50 * MB
        assert node.status.generation == NEXT
