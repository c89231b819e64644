"""The plan of a rollout: strict to read, and the same rules for nodes and servers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autosetup.faults import Faulty
from autosetup.rollout_plan import RolloutPlan, in_order, read_plan, write_plan
from tests.examples import examples

CARDS = tuple(f"{number:032x}" for number in range(40))
PLAN = RolloutPlan(
    site="studio",
    generation=1_795_000_000,
    released_at="2026-11-22T03:39:50Z",
    cards=CARDS,
    canaries=CARDS[7:9],
    at_once=5,
    spacing_seconds=600,
    withdrawn=(1_794_000_000,),
    agent="agent/autosetup_0.9.1_all.deb",
)
RELEASED = datetime(2026, 11, 22, 3, 39, 50, tzinfo=UTC)


def test_a_plan_is_read_as_it_was_written() -> None:
    assert read_plan(write_plan(PLAN)) == PLAN


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 2),
        ("format", None),
        ("site", "../root"),
        ("generation", 0),
        ("generation", "1"),
        ("released_at", "yesterday"),
        ("cards", [CARDS[0], CARDS[0]]),
        ("cards", ["card"]),
        ("canaries", "all"),
        ("at_once", 0),
        ("spacing_seconds", -1),
        ("paused", 1),
        ("withdrawn", ["-1"]),
        ("withdrawn", [1]),
        ("agent", "agent/../../etc/passwd"),
        ("agent", "agent/autosetup_1:2_all.deb"),
        ("surprise", True),
    ],
)
def test_a_plan_that_does_not_check_is_refused(key: str, value: object) -> None:
    content = json.loads(write_plan(PLAN))
    content[key] = value
    with pytest.raises(Faulty):
        read_plan(json.dumps(content).encode())


@given(st.binary(max_size=200) | st.recursive(st.none() | st.integers() | st.text(), st.lists))
@settings(max_examples=examples(200))
def test_whatever_is_read_is_a_plan_or_refused_in_words(anything: object) -> None:
    raw = anything if isinstance(anything, bytes) else json.dumps(anything).encode()
    with pytest.raises(Faulty):
        read_plan(raw)


def test_canaries_go_first_and_then_a_lot_at_a_time() -> None:
    lots = [PLAN.lot(card) for card in CARDS]
    assert [card for card in CARDS if PLAN.lot(card) == 0] == list(PLAN.canaries)
    assert all(lots.count(lot) <= PLAN.at_once for lot in range(1, max(lots) + 1))
    assert PLAN.lot("f" * 32) > max(lots) - 1


def test_without_a_server_a_lot_begins_within_its_own_time() -> None:
    for card in set(CARDS) - set(PLAN.canaries):
        begin = RELEASED + PLAN.lot(card) * timedelta(minutes=10)
        assert begin <= PLAN.earliest(card) < begin + timedelta(minutes=10)


def test_without_a_server_canaries_begin_when_they_hear_of_it_a_lot_before_the_others() -> None:
    others = set(CARDS) - set(PLAN.canaries)
    assert {PLAN.earliest(card) for card in PLAN.canaries} == {RELEASED}
    assert min(map(PLAN.earliest, others)) >= RELEASED + timedelta(minutes=10)


def test_without_a_server_and_without_spacing_all_may_begin_at_once() -> None:
    plan = replace(PLAN, spacing_seconds=0)
    assert {plan.earliest(card) for card in CARDS} == {RELEASED}


def test_the_order_is_stable_and_another_one_in_each_generation() -> None:
    numbers = {card: number for number, card in enumerate(CARDS)}
    first, again = in_order(numbers, PLAN), in_order(dict(reversed(numbers.items())), PLAN)
    assert first == again
    assert set(first) == set(CARDS)
    assert set(first[:2]) == set(PLAN.canaries)
    assert first != in_order(numbers, replace(PLAN, generation=PLAN.generation + 1))


def test_nobody_jumps_the_queue_by_more_than_two_lots() -> None:
    numbers = {card: number for number, card in enumerate(CARDS)}
    plan = replace(PLAN, canaries=())
    for place, card in enumerate(in_order(numbers, plan)):
        assert abs(place - numbers[card]) < 2 * plan.at_once


def test_a_generation_that_was_withdrawn_or_paused_is_not_begun() -> None:
    assert PLAN.takes_back(1_794_000_000)
    assert not PLAN.lets_begin(1_794_000_000)
    assert PLAN.lets_begin(PLAN.generation)
    assert not replace(PLAN, paused=True).lets_begin(PLAN.generation)
