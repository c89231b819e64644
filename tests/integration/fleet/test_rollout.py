"""A small rig of the agents that ship comes to a release, whatever happens on the way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[3] / "bench/rollout.py"

pytestmark = pytest.mark.timeout(600)


def test_each_node_has_it_or_is_named_though_the_server_dies_and_cables_are_pulled() -> None:
    words = "--nodes 8 --size 0.3 --rate 20 --at-once 8 --pause 2 --seconds 240 --json"
    done = subprocess.run(
        [sys.executable, BENCH, *words.split()], stdout=subprocess.PIPE, text=True, timeout=560
    )
    told = json.loads(done.stdout)
    assert done.returncode == 0, told
    assert told["done"] >= told["nodes"] - len(told["lost"])
    assert told["done"] + len(told["named"]) >= told["nodes"]
    # Nothing is fetched twice: what is sent beside the files is some 26 KB for each node.
    assert told["bytes_median"] < 2 * told["size"], told
