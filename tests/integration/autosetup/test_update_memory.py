"""What updates take of a node's memory, beside the software that captures."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.autosetup.conftest import Node
from tests.integration.autosetup.releases import serving
from tests.integration.autosetup.updating import LIBRARIES, NEXT, Rig, make_rig

MB = 1_000_000
# Prints the most memory, in KiB, that `autosetup update` had at once.
_MEASURED = """
import resource, subprocess
subprocess.run(["/usr/bin/autosetup", "update"], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.fixture
def rig(ground: Path) -> Iterator[Rig]:
    files = ground / "memory-files"
    files.mkdir()
    with serving(files) as server:
        yield make_rig(ground / "memory", files, server)


def most_of(node: Node) -> int:
    """Bytes that an update had at once."""
    told = ("CUT_AT=0", f"LIBRARIES={LIBRARIES}")
    ended = node.execute("env", *told, sys.executable, "-c", _MEASURED)
    assert ended.returncode == 0, ended.stderr
    return int(ended.stdout) * 1024


def test_a_look_costs_no_more_memory_however_much_is_in_force(rig: Rig) -> None:
    with rig.node() as node:
        small = most_of(node)
        rig.release(rig.payload(NEXT, os.urandom(20 * MB)))
        assert most_of(node) > 20 * MB
        assert node.status.generation == NEXT
        assert most_of(node) < small + 10 * MB
