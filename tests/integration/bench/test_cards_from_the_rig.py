"""Cards that come back from their nodes: what they say, and that they are mended in their lane."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from autosetup.status import Status
from flasher.bench.model import Autopsy, Failed, NodeState, Offered, Ready
from flasher.bench.queue import state_from
from flasher.practice.nodes import make_node_card
from flasher.prepare import CardResult
from flasher.process import run
from flasher.recording import NO_NODE
from flasher.rig.rigmap import RigMap
from tests.integration.bench.conftest import Bench
from tests.tui.returned_cards import SCRIPT_FAILED, put, said


def back_from_its_node(bench: Bench, status: Status) -> tuple[str, CardResult]:
    """A card that was made at the bench, and started in a node that said this."""
    reader = bench.offer("one", "a")
    bench.runner.begin(reader)
    made = bench.lane(reader, Ready).result
    card = bench.take(reader, "one")
    bench.emptied(reader)
    put(card, said(made, status))
    return bench.put(card, "a"), made


def test_a_node_that_failed_tells_why_by_itself_and_is_armed_again(
    bench: Bench, rig: RigMap
) -> None:
    reader, made = back_from_its_node(bench, SCRIPT_FAILED)
    autopsy = bench.lane(reader, Autopsy)
    assert autopsy.report.node == rig.nodes[0].name
    assert autopsy.advice.cause
    assert bench.runner.state.lane(reader).node == rig.nodes[0]
    bench.runner.rearm(reader, new_payload=True)
    mended = bench.lane(reader, Ready).result
    assert mended.node == rig.nodes[0]
    assert mended.generation > made.generation
    assert mended.card_id != made.card_id
    bench.take(reader, "mended")
    bench.emptied(reader)
    assert bench.runner.state.states[rig.nodes[0].name] is NodeState.READY


def test_a_card_that_another_computer_made_counts_here_once_it_was_mended(
    bench: Bench, rig: RigMap
) -> None:
    reader, _ = back_from_its_node(bench, SCRIPT_FAILED)
    bench.lane(reader, Autopsy)
    for name in ("", "-wal", "-shm"):
        Path(f"{bench.ledger.path}{name}").unlink(missing_ok=True)
    bench.runner.rearm(reader, new_payload=False)
    assert bench.lane(reader, Ready).result.node == rig.nodes[0]
    assert state_from(bench.ledger.entries(), rig)[rig.nodes[0].name] is NodeState.READY


def test_a_card_can_be_made_for_its_node_again(bench: Bench, rig: RigMap) -> None:
    reader, made = back_from_its_node(bench, SCRIPT_FAILED)
    bench.lane(reader, Autopsy)
    bench.runner.begin(reader)
    again = bench.lane(reader, Ready).result
    assert (again.node, again.card_id == made.card_id) == (rig.nodes[0], False)
    assert again.bytes_kept > 0


def test_a_node_that_works_is_alive_and_its_card_is_asked_for(bench: Bench, rig: RigMap) -> None:
    reader, made = back_from_its_node(bench, Status("done"))
    bench.until(lambda state: state.states[rig.nodes[0].name] is NodeState.ALIVE)
    assert bench.lane(reader, Offered).holding == "made"
    seen = [entry for entry in bench.ledger.entries() if entry.result == "alive"]
    assert [(entry.node, entry.card_id) for entry in seen] == [(made.node.name, made.card_id)]
    words = bench.runner.warnings(reader)
    assert any(rig.nodes[0].name in told for told in words)
    assert bench.runner.lost(reader) == ()


def test_what_cannot_be_mended_is_told_and_can_be_made_anew(bench: Bench, rig: RigMap) -> None:
    reader, _ = back_from_its_node(bench, Status("done"))
    bench.lane(reader, Offered)
    bench.runner.rearm(reader, new_payload=False)
    assert bench.lane(reader, Failed).error.code == "nothing-to-mend"
    bench.runner.begin(reader)
    assert bench.lane(reader, Ready).result.node == rig.nodes[0]


def test_only_the_card_of_a_node_can_be_mended(bench: Bench) -> None:
    reader = bench.offer("one", "a")
    bench.runner.rearm(reader, new_payload=True)
    assert isinstance(bench.runner.state.lane(reader).phase, Offered)


def test_a_card_that_another_computer_made_for_this_rig_is_asked_for(bench: Bench) -> None:
    reader, _ = back_from_its_node(bench, Status("done"))
    bench.lane(reader, Offered)
    card = bench.take(reader, "one")
    bench.emptied(reader)
    run(["mdel", "-i", f"{card}@@1M", "::autosetup/status.json"])
    for name in ("", "-wal", "-shm"):
        Path(f"{bench.ledger.path}{name}").unlink(missing_ok=True)
    bench.put(card, "b")
    bench.runner.set_auto(True)
    bench.until(lambda state: len(state.lanes) == 2)
    assert bench.lane(bench.runner.state.lanes[1].reader, Offered).holding == "made"


def test_auto_leaves_a_card_of_ours_alone_that_has_photos_on_it(bench: Bench, rig: RigMap) -> None:
    card = bench.blank("old", 128 << 20)
    card_id = make_node_card(card, 128 << 20, rig, rig.nodes[0], failed=False)
    bench.ledger.record(replace(NO_NODE, card_id=card_id, result="failed"))
    reader = bench.put(card, "a")
    bench.lane(reader, Offered, lambda phase: phase.holding == "own")
    card = bench.take(reader, "old")
    bench.emptied(reader)
    run(["mcopy", "-i", f"{card}@@4M", "-", "::WEDDING.JPG"], stdin=bytes(5000))
    bench.runner.set_auto(True)
    reader = bench.put(card, "b")
    bench.lane(reader, Offered, lambda phase: phase.holding == "foreign")
    (lost,) = bench.runner.lost(reader)
    assert [file.path for file in lost.largest] == ["WEDDING.JPG"]
