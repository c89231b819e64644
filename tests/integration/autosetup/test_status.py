"""The status command on a node, while the agent is at work and before."""

from __future__ import annotations

import json
import sys

from tests.integration.autosetup.conftest import DRIVER, Node


def test_waiting_hears_of_this_boots_run_and_not_of_an_earlier_one(node: Node) -> None:
    (node.card / "status.json").write_text('{"format": 1, "state": "failed", "reason": "Of old."}')
    agent = f'{sys.executable} -I -S -B -c "$driver" /mnt 0'
    told = node.execute(
        "sh",
        "-c",
        f"driver=$1; {agent} status --wait --json & {agent} run >&2; wait",
        "sh",
        DRIVER,
    )
    said = json.loads(told.stdout)
    assert (said["state"], said["node"]) == ("done", "cam-0101")


def test_without_waiting_the_card_is_asked_too(node: Node) -> None:
    (node.card / "status.json").write_text('{"format": 1, "state": "failed", "reason": "Of old."}')
    told = node.run("status", "--json")
    assert (told.returncode, json.loads(told.stdout)["reason"]) == (1, "Of old.")
