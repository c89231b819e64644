"""The wizard's own small values: the queue, the pace, the choice of an image."""

from __future__ import annotations

import os
from pathlib import Path

from flasher.images import newest_image
from flasher.rig.ledger import Entry
from flasher.rig.rigmap import Node
from flasher.tui.pace import Pace
from flasher.tui.queue import NodeState, Queue
from flasher.tui.workplace import PRACTICE_CARD_SIZE, open_workplace

NODES = tuple(Node(f"cam-{n}", "camera", f"CAM{n}", 1, n) for n in (1, 2, 3))


def entry(node: str, result: str) -> Entry:
    return Entry(
        "2026-11-21", "rig", "site", node, "", 1, "", "/dev/sdb", "", "", 0, 0.0, result, ""
    )


def test_the_queue_begins_with_the_first_node_without_a_card():
    assert Queue.of(NODES, [entry("cam-1", "verified")]).next == NODES[1]


def test_the_last_line_of_the_ledger_counts():
    lines = [entry("cam-1", "verified"), entry("cam-1", "failed"), entry("cam-2", "cancelled")]
    states = Queue.of(NODES, lines).states
    assert (states["cam-1"], states["cam-2"]) == (NodeState.FAILED, NodeState.TODO)


def test_a_line_of_a_node_that_is_no_longer_in_the_rig_is_passed_over():
    assert "cam-9" not in Queue.of(NODES, [entry("cam-9", "verified")]).states


def test_skipping_goes_round():
    assert Queue.of(NODES).skip().skip().skip().next == NODES[0]


def test_a_ready_node_hands_over_to_the_following():
    queue = Queue.of(NODES).set(NODES[0], NodeState.READY)
    assert queue.next == NODES[1]


def test_failed_nodes_come_again_when_all_others_are_done():
    queue = Queue.of(NODES, [entry("cam-1", "failed"), entry("cam-2", "verified")])
    assert queue.set(NODES[2], NodeState.READY).next == NODES[0]


def test_nothing_is_next_when_every_node_is_ready():
    assert Queue.of(NODES, [entry(node.name, "verified") for node in NODES]).next is None


def test_any_node_can_be_chosen_again():
    queue = Queue.of(NODES, [entry(node.name, "verified") for node in NODES])
    assert queue.choose(NODES[1]).next == NODES[1]


def test_the_pace_follows_the_last_seconds_only():
    pace = Pace(0.0)
    for second in range(1, 11):
        pace.reach(float(second), second * 100)
    for second in range(11, 21):
        pace.reach(float(second), 1000 + (second - 10) * 10)
    assert pace.speed == 10
    assert pace.seconds_left(1200) == 10


def test_nothing_is_said_of_a_speed_before_the_first_byte():
    pace = Pace(5.0)
    pace.reach(6.0, 0)
    assert pace.speed is None
    assert pace.seconds_left(100) is None


def put(path: Path, seconds: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (seconds, seconds))
    return path


def test_the_newest_image_is_taken(tmp_path):
    put(tmp_path / "old.img", 1)
    newest = put(tmp_path / "new.img.zst", 2)
    put(tmp_path / "notes.txt", 3)
    assert newest_image(tmp_path) == newest
    assert newest_image(tmp_path / "missing") is None


def test_a_compressed_image_beside_its_raw_one_is_passed_over(tmp_path):
    raw = put(tmp_path / "base.img", 1)
    put(tmp_path / "base.img.zst", 2)
    put(tmp_path / "base.zip", 3)
    assert newest_image(tmp_path) == raw


def test_there_may_be_no_image(tmp_path):
    assert newest_image(tmp_path) is None


def test_the_practice_bench_has_three_cards_that_take_no_room(folder):
    workplace = open_workplace(practice=True)
    drives = workplace.catalog.drives()
    assert [drive.size for drive in drives] == [PRACTICE_CARD_SIZE] * 3
    assert sum(path.stat().st_blocks for path in (folder / "practice").iterdir()) < 100
    assert workplace.ledger.path.parent == folder / "practice"


def test_practice_cards_that_are_there_stay_as_they_are(folder):
    open_workplace(practice=True)
    (folder / "practice/card-1.img").write_bytes(b"mine")
    open_workplace(practice=True)
    assert (folder / "practice/card-1.img").read_bytes() == b"mine"
