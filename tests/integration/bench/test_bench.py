"""Many cards at once, put in and taken out at any time, on files that stand for them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from threading import Thread

import pytest

from flasher.bench.heard import Found
from flasher.bench.looking import look_inside
from flasher.bench.model import (
    Counting,
    Failed,
    NodeState,
    Offered,
    Ready,
    Refused,
    Working,
)
from flasher.card.inspect import inspect_card
from flasher.card.lanes import GRACE, PATIENCE
from flasher.drives.opening import drive_blocks
from flasher.process import run
from flasher.rig.rigmap import RigMap
from tests.integration.bench.conftest import CARD, Bench, until
from tests.integration.conftest import LoopMaker


def node_on(card: Path) -> str | None:
    with drive_blocks(card) as blocks:
        return inspect_card(blocks).node


def test_cards_are_made_each_at_its_own_pace_and_their_labels_stay(
    bench: Bench, rig: RigMap
) -> None:
    first, second = bench.offer("one", "a"), bench.offer("two", "b")
    bench.hand.gate.clear()
    bench.runner.begin(first)
    bench.runner.begin(second)
    bench.lane(first, Working, lambda phase: phase.stage == "write")
    third = bench.offer("three", "c")
    assert [lane.node for lane in bench.runner.state.lanes] == list(rig.nodes[:3])
    bench.hand.gate.set()
    for reader, node in ((first, rig.nodes[0]), (second, rig.nodes[1])):
        assert bench.lane(reader, Ready).result.node == node
        assert node_on(Path(reader)) == node.name
    bench.runner.begin(third)
    assert bench.lane(third, Ready).result.node == rig.nodes[2]
    bench.take(first, "one")
    bench.emptied(first)
    assert bench.lane(first, Ready).result.node == rig.nodes[0]
    again = bench.offer("four", "a")
    assert bench.runner.state.lane(again).node == rig.nodes[3]
    assert bench.runner.state.count(NodeState.READY) == 3
    assert {entry.result for entry in bench.ledger.entries()} == {"verified"}


def test_a_card_that_was_pulled_is_gone_on_with_when_it_is_back(bench: Bench, rig: RigMap) -> None:
    reader = bench.offer("one", "a")
    bench.hand.pull_at[Path(reader).name] = 3 << 20
    bench.runner.begin(reader)
    assert bench.lane(reader, Failed).error.code == "card-pulled"
    assert bench.runner.state.states[rig.nodes[0].name] is NodeState.FAILED
    card = bench.take(reader, "one")
    bench.until(lambda state: state.lane(reader).drive is None)
    assert isinstance(bench.runner.state.lane(reader).phase, Failed)
    bench.put(card, "a")
    bench.until(lambda state: state.lane(reader).drive is not None)
    assert isinstance(bench.runner.state.lane(reader).phase, Failed)
    bench.runner.retry(reader)
    result = bench.lane(reader, Ready).result
    assert result.node == rig.nodes[0]
    assert result.bytes_kept > 0


@pytest.mark.parametrize("probes", [True])
def test_a_card_that_was_pulled_while_it_was_tested_is_gone_on_with_too(
    bench: Bench, rig: RigMap
) -> None:
    reader = bench.offer("one", "a")
    bench.hand.pull_at[Path(reader).name] = 1 << 20
    bench.runner.begin(reader)
    assert bench.lane(reader, Failed).error.code == "card-pulled"
    assert _last_stage(bench) == "probe"
    card = bench.take(reader, "one")
    bench.emptied(reader)
    bench.put(card, "a")
    bench.until(lambda state: state.lane(reader).drive is not None)
    assert isinstance(bench.runner.state.lane(reader).phase, Failed)
    bench.runner.retry(reader)
    assert bench.lane(reader, Ready).result.node == rig.nodes[0]
    run(["sfdisk", "--verify", reader])
    told = run(["mtype", "-i", f"{reader}@@{1 << 20}", "::/autosetup/node.toml"]).text
    assert f'name = "{rig.nodes[0].name}"' in told


def test_a_half_made_card_goes_on_with_its_node_after_another_was_in_its_reader(
    bench: Bench, rig: RigMap
) -> None:
    reader = bench.offer("one", "a")
    bench.hand.pull_at[Path(reader).name] = 3 << 20
    bench.runner.begin(reader)
    bench.lane(reader, Failed)
    card = bench.take(reader, "one")
    bench.emptied(reader)
    bench.offer("two", "a")
    assert bench.runner.state.lane(reader).node == rig.nodes[1]
    bench.take(reader, "two")
    bench.emptied(reader)
    bench.put(card, "a")
    bench.lane(reader, Offered, lambda phase: phase.holding == "own")
    lane = bench.runner.state.lane(reader)
    assert lane.drive
    assert lane.drive.holds == f"half made: {rig.nodes[0].name}"
    elsewhere = replace(rig, site=replace(rig.site, name="elsewhere"))
    assert look_inside(lane.drive, elsewhere, bench.ledger) == Found(is_unfinished=True)
    bench.runner.begin(reader, agreed=lane)
    result = bench.lane(reader, Ready).result
    assert (result.node, result.bytes_kept > 0) == (rig.nodes[0], True)
    run(["sfdisk", "--verify", reader])
    told = run(["mtype", "-i", f"{reader}@@{1 << 20}", "::/autosetup/node.toml"]).text
    assert f'name = "{rig.nodes[0].name}"' in told


def _last_stage(bench: Bench) -> str:
    phases = [lane.phase for state in bench.states for lane in state.lanes]
    return [phase.stage for phase in phases if isinstance(phase, Working)][-1]


def test_another_card_in_place_of_the_one_that_was_pulled_is_offered_anew(bench: Bench) -> None:
    reader = bench.offer("one", "a")
    bench.hand.pull_at[Path(reader).name] = 3 << 20
    bench.runner.begin(reader)
    bench.lane(reader, Failed)
    bench.take(reader, "one")
    photos = bench.blank("photos")
    photos.write_bytes(b"\xff\xd8" + bytes(CARD - 2))
    bench.put(photos, "a")
    assert bench.lane(reader, Offered).holding == "foreign"
    bench.runner.retry(reader)
    assert isinstance(bench.runner.state.lane(reader).phase, Offered)


def test_with_auto_only_blank_cards_and_ours_start_and_only_after_the_count_down(
    bench: Bench,
) -> None:
    bench.runner.set_auto(True)
    blank = bench.put(bench.blank("one"), "a")
    photos = bench.blank("photos")
    photos.write_bytes(b"\xff\xd8" + bytes(CARD - 2))
    foreign = bench.put(photos, "b")
    small = bench.put(bench.blank("small", 1 << 20), "c")
    bench.lane(foreign, Offered)
    assert "too small" in bench.lane(small, Refused).why
    assert bench.lane(blank, Counting).starts_at == 5.0
    bench.time = 4.9
    bench.runner.look_again()
    assert isinstance(bench.runner.state.lane(blank).phase, Counting)
    bench.time = 5.0
    bench.lane(blank, Ready)
    assert isinstance(bench.runner.state.lane(foreign).phase, Offered)
    assert isinstance(bench.runner.state.lane(small).phase, Refused)
    card = bench.take(blank, "made")
    bench.emptied(blank)
    bench.put(card, "a")
    assert bench.lane(blank, Offered, lambda phase: phase.holding == "made")


def test_a_card_that_was_stopped_is_ours_and_gone_on_with(bench: Bench, rig: RigMap) -> None:
    reader = bench.offer("one", "a")
    bench.hand.gate.clear()
    bench.runner.begin(reader)
    bench.lane(reader, Working, lambda phase: phase.stage == "write")
    bench.runner.stop(reader)
    bench.lane(reader, Working, lambda phase: phase.stopping)
    bench.hand.gate.set()
    assert bench.lane(reader, Failed).error.code == "cancelled"
    assert bench.runner.state.states[rig.nodes[0].name] is NodeState.TODO
    card = bench.take(reader, "one")
    bench.emptied(reader)
    elsewhere = bench.put(card, "b")
    bench.lane(elsewhere, Offered, lambda phase: phase.holding == "own")
    bench.runner.begin(elsewhere)
    bench.lane(elsewhere, Ready)


def test_what_may_not_be_written_says_why(bench: Bench, make_loop: LoopMaker) -> None:
    reader = bench.offer("one", "a")
    loop = make_loop(Path(reader))
    bench.signal.moved.set()
    assert loop.name in bench.lane(reader, Refused).why
    bench.runner.begin(reader)
    assert isinstance(bench.runner.state.lane(reader).phase, Refused)


def test_readers_that_cannot_be_looked_at_are_told_and_looked_at_again(bench: Bench) -> None:
    reader = bench.offer("one", "a")
    bench.catalog.is_lost = True
    bench.until(lambda state: state.trouble is not None)
    assert isinstance(bench.runner.state.lane(reader).phase, Offered)
    bench.catalog.is_lost = False
    bench.until(lambda state: state.trouble is None)
    bench.take(reader, "one")
    bench.emptied(reader)


def test_the_screen_is_told_of_each_state_once_and_of_the_newest_last(bench: Bench) -> None:
    def press(name: str) -> None:
        for _ in range(50):
            bench.runner.choose(name)
            bench.runner.skip(name)

    names = [node.name for node in bench.runner.state.nodes[:8]]
    hands = [Thread(target=press, args=(name,)) for name in names]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    bench.until(lambda state: bench.states[-1] is state)
    assert sorted(bench.runner.state.skipped) == sorted(names)
    assert all(one is not other for one, other in pairwise(bench.states))


def test_the_files_that_a_card_would_lose_are_told_of_the_card_that_is_in_now(
    bench: Bench,
) -> None:
    photos = bench.blank("photos")
    run(["mkfs.fat", "-F", "32", "-s", "1", "-n", "EOS", str(photos)])
    run(["mcopy", "-i", str(photos), "-", "::/IMG_1.JPG"], stdin=bytes(5000))
    reader = bench.put(photos, "a")
    bench.lane(reader, Offered)
    (lost,) = bench.runner.lost(reader)
    assert (lost.label, lost.count, lost.largest[0].path) == ("EOS", 1, "IMG_1.JPG")
    assert bench.runner.lost("nowhere") == ()


def test_a_reader_that_does_not_answer_is_left_to_itself_and_the_others_go_on(
    bench: Bench, rig: RigMap
) -> None:
    stuck, good = bench.offer("one", "a"), bench.offer("two", "b")
    bench.hand.stuck, bench.time = {Path(stuck).name}, 100.0
    bench.hand.gate.clear()
    bench.runner.begin(stuck)
    bench.lane(stuck, Working, lambda phase: phase.stage == "write")
    bench.runner.begin(good)
    bench.lane(good, Ready)
    bench.time += PATIENCE + 1
    bench.lane(stuck, Working, lambda phase: any("No answer" in note for note in phase.notes))
    bench.runner.stop(stuck)
    bench.time += GRACE + 1
    assert bench.lane(stuck, Failed).error.code == "no-answer"
    assert bench.runner.state.states[rig.nodes[0].name] is NodeState.FAILED
    bench.hand.gate.set()
    until(lambda: any(entry.result == "cancelled" for entry in bench.ledger.entries()))
    assert bench.lane(stuck, Failed).error.code == "no-answer"
    bench.runner.retry(stuck)
    bench.lane(stuck, Ready)
