"""Whose card comes next, and in which lane."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flasher.bench.heard import Begin, Choose, Ended, Skip
from flasher.bench.model import BenchState, NodeState
from flasher.bench.queue import in_order, state_from
from flasher.drives.watch import Appeared, Gone
from flasher.recording import NO_NODE
from flasher.rig.entry import Entry
from flasher.rig.profile import load_profile
from flasher.rig.rigmap import lay_out
from flasher.rig.site import load_site
from tests.unit.bench.benches import Played, bench, card, key, result

TODO, READY, FAILED = NodeState.TODO, NodeState.READY, NodeState.FAILED


def order(state: BenchState) -> str:
    return "".join(node.position[1:] for node in in_order(state))


def names(*numbers: int) -> tuple[str, ...]:
    return tuple(f"cam-{number:04}" for number in numbers)


@pytest.mark.parametrize(
    ("states", "chosen", "skipped", "expected"),
    [
        ([TODO, TODO, TODO], (), (), "123"),
        ([READY, FAILED, TODO], (), (), "32"),
        ([TODO, TODO, TODO], names(3), (), "312"),
        ([TODO, READY, TODO], names(2, 3), (), "231"),
        ([TODO, TODO, TODO], (), names(1), "231"),
        ([TODO, TODO, FAILED], (), names(2, 1), "321"),
        ([READY, NodeState.ALIVE, NodeState.REHEARSED], (), names(1), ""),
        ([NodeState.WRITING, TODO, TODO], names(1), (), "23"),
    ],
)
def test_the_chosen_first_then_to_do_then_failed_and_the_skipped_last(
    states: list[NodeState], chosen: tuple[str, ...], skipped: tuple[str, ...], expected: str
) -> None:
    told = dict(zip(names(1, 2, 3), states, strict=True))
    assert order(replace(bench(), states=told, chosen=chosen, skipped=skipped)) == expected


def shown(state: BenchState) -> list[str | None]:
    return [lane.node.position if lane.node else None for lane in state.lanes]


def test_lanes_that_wait_show_different_nodes_and_nothing_jumps_when_one_starts() -> None:
    played = Played(bench(5))
    state = played.hear(*(Appeared(card(reader)) for reader in "abc"))
    assert shown(state) == ["C1", "C2", "C3"]
    assert shown(played.hear(Begin(key("b")))) == ["C1", "C2", "C3"]
    state = played.hear(Ended(key("b"), played.work.token, result(played.work)))
    assert shown(state) == ["C1", "C2", "C3"]
    state = played.hear(Gone(card("b")), Appeared(card("b", number=2)))
    assert shown(state) == ["C1", "C4", "C3"]


def test_a_reader_that_nobody_uses_keeps_no_node_from_a_card() -> None:
    played = Played(bench(3))
    played.hear(*(Appeared(card(reader, size=0)) for reader in "abcd"))
    assert shown(played.state) == ["C1", "C2", "C3", None]
    assert shown(played.hear(Appeared(card("d")))) == ["C2", "C3", None, "C1"]


def test_where_few_nodes_are_left_cards_come_before_readers_that_were_used() -> None:
    played = Played(bench(1))
    played.hear(Appeared(card("a")), Gone(card("a")))
    assert shown(played.hear(Appeared(card("b")))) == [None, "C1"]


def test_a_node_that_was_chosen_is_made_again_and_once() -> None:
    played = Played(bench(2, states=dict.fromkeys(names(1, 2), READY)))
    assert shown(played.hear(Appeared(card("a")), Appeared(card("b")))) == [None, None]
    assert shown(played.hear(Choose("cam-0002"))) == ["C2", None]
    state = played.hear(Begin(key("a")))
    assert (state.chosen, shown(state)) == ((), ["C2", None])


def test_a_node_that_was_skipped_gives_its_lane_to_the_next() -> None:
    played = Played(bench(3))
    played.hear(Appeared(card("a")), Appeared(card("b")))
    assert shown(played.hear(Skip("cam-0001"))) == ["C3", "C2"]
    assert shown(played.hear(Choose("cam-0001"))) != ["C3", "C2"]
    assert played.hear(Skip("nobody"), Choose("nobody")).skipped == ()


def line(node: str, result: str, card_id: str, replaces: str = "", site: str = "demo") -> Entry:
    return replace(
        NO_NODE,
        profile="body-16x7",
        site=site,
        node=node,
        card_id=card_id,
        result=result,  # type: ignore[arg-type]
        replaces=replaces,
    )


def test_the_ledger_tells_how_far_each_node_is() -> None:
    rig = lay_out(load_profile("body-16x7"), *load_site("demo"))
    first, second, third, fourth, *_ = (node.name for node in rig.nodes)
    entries = [
        line(first, "verified", "1"),
        line(first, "rehearsed", "1"),
        line(second, "verified", "2"),
        line(second, "alive", "2"),
        line(third, "verified", "3"),
        line(fourth, "failed", "4", replaces="3"),
        line(fourth, "cancelled", "5"),
        line(rig.nodes[5].name, "verified", "6", site="elsewhere"),
        line("nobody", "verified", "7"),
    ]
    states = state_from(entries, rig)
    assert len(states) == len(rig.nodes)
    assert {name: state for name, state in states.items() if state is not TODO} == {
        first: NodeState.REHEARSED,
        second: NodeState.ALIVE,
        fourth: FAILED,
    }
