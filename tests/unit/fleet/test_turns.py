"""Whose turn it is to update."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from autosetup.report import Report
from autosetup.rollout_plan import RolloutPlan
from autosetup.status import State
from flasher.fleet.server.turns import LEASE_SECONDS, SOAK_SECONDS, Answer, Turns, turns_from

CARDS = tuple(f"{number:032x}" for number in range(30))
GENERATION = 1_795_000_100
PLAN = RolloutPlan("studio", GENERATION, "2026-11-22T00:00:00Z", CARDS, at_once=3)


class Rig:
    """Turns, a plan and a clock."""

    def __init__(self, plan: RolloutPlan = PLAN) -> None:
        self.plan, self.now = plan, 1_000_000.0
        self.turns = Turns().under(plan)

    def ask(self, card: str, generation: int = GENERATION) -> Answer:
        self.turns, answer = self.turns.ask(self.plan, card, generation, self.now)
        return answer

    def granted(self, *cards: str) -> list[str]:
        return [card for card in cards if self.ask(card).granted]

    def tell(
        self,
        card: str,
        state: State = "done",
        generation: int = GENERATION,
        failed: int = 0,
        update: str = "",
    ) -> None:
        report = Report(
            card,
            "cam",
            1,
            state,
            generation=generation,
            failed_generation=failed,
            update=update,
        )
        self.turns = self.turns.heard(report, self.now)

    def at_work(self) -> int:
        return sum(until > self.now for until in self.turns.leases.values())


def test_no_more_than_the_plan_allows_are_at_it_together() -> None:
    rig = Rig()
    assert rig.granted(*CARDS) == list(CARDS[:3])
    assert rig.ask(CARDS[20]).seconds > rig.ask(CARDS[3]).seconds


def test_whoever_is_done_makes_room_for_the_next_in_the_order() -> None:
    rig = Rig()
    rig.granted(*CARDS)
    rig.tell(CARDS[0])
    assert not rig.ask(CARDS[9]).granted
    assert rig.ask(CARDS[3]).granted


def test_those_who_do_not_ask_hold_up_nobody() -> None:
    rig = Rig()
    assert rig.granted(*CARDS[20:]) == list(CARDS[20:23])


def test_those_who_asked_once_and_fell_silent_hold_up_nobody_for_long() -> None:
    rig = Rig()
    rig.granted(*CARDS)
    for card in CARDS[:3]:
        rig.tell(card)
    rig.now += 400
    assert rig.granted(*CARDS[20:]) == list(CARDS[20:23])


def test_a_turn_that_was_given_is_given_again() -> None:
    rig = Rig()
    assert rig.ask(CARDS[5]).granted
    assert rig.ask(CARDS[5]) == Answer(granted=True, seconds=int(LEASE_SECONDS))
    assert rig.at_work() == 1


def test_the_turn_of_a_node_that_fell_silent_runs_out() -> None:
    rig = Rig()
    rig.granted(*CARDS[:3])
    rig.now += LEASE_SECONDS + 1
    assert rig.ask(CARDS[3]).granted


def test_the_turn_of_a_node_that_is_heard_to_work_does_not() -> None:
    rig = Rig()
    rig.granted(*CARDS[:3])
    for _ in range(4):
        rig.now += LEASE_SECONDS * 0.6
        rig.tell(CARDS[0], generation=1, update="fetching 3 of 7")
    assert rig.at_work() == 1


def test_a_node_that_has_the_release_and_takes_its_packages_keeps_its_turn_meanwhile() -> None:
    rig = Rig(replace(PLAN, at_once=1))
    rig.tell(CARDS[0])
    assert rig.ask(CARDS[0]).granted
    rig.tell(CARDS[0], update="applying")
    assert not rig.ask(CARDS[1]).granted
    rig.tell(CARDS[0])
    assert rig.ask(CARDS[1]).granted


def test_canaries_go_first_and_the_others_once_these_have_been_well_for_a_while() -> None:
    rig = Rig(replace(PLAN, canaries=CARDS[10:12]))
    assert rig.granted(*CARDS) == list(CARDS[10:12])
    rig.tell(CARDS[10])
    rig.now += SOAK_SECONDS + 1
    assert not rig.granted(*CARDS[:3])
    rig.tell(CARDS[11])
    assert not rig.granted(*CARDS[:3])
    rig.now += SOAK_SECONDS + 1
    assert rig.granted(*CARDS[:3]) == list(CARDS[:3])


def test_canaries_that_have_no_card_any_more_are_not_waited_for() -> None:
    rig = Rig(replace(PLAN, canaries=("f" * 32,)))
    assert rig.ask(CARDS[0]).granted


def test_a_canary_that_fails_stops_the_rollout() -> None:
    rig = Rig(replace(PLAN, canaries=CARDS[:1]))
    rig.ask(CARDS[0])
    rig.tell(CARDS[0], "rolled-back", generation=1, failed=GENERATION)
    answer = rig.ask(CARDS[1])
    assert not answer.granted
    assert "could not keep it" in answer.why


def test_too_many_failures_stop_the_rollout() -> None:
    rig = Rig()
    for card in CARDS[:3]:
        rig.ask(card)
        rig.tell(card, "failed")
        assert rig.turns.stopped(rig.plan) == ""
    rig.ask(CARDS[3])
    rig.tell(CARDS[3], "failed")
    assert rig.turns.stopped(rig.plan) == "4 of 30 nodes could not keep it."
    assert not rig.ask(CARDS[4]).granted


def test_one_failure_in_a_small_rig_does_not() -> None:
    rig = Rig(replace(PLAN, cards=CARDS[:3]))
    rig.tell(CARDS[0], "failed")
    assert rig.ask(CARDS[1]).granted
    rig.tell(CARDS[1], "failed")
    assert rig.turns.stopped(rig.plan)


def test_whoever_is_at_it_when_the_rollout_stops_may_finish() -> None:
    rig = Rig(replace(PLAN, cards=CARDS[:3]))
    rig.granted(*CARDS[:3])
    rig.tell(CARDS[0], "failed")
    rig.tell(CARDS[1], "failed")
    assert rig.turns.stopped(rig.plan)
    assert rig.ask(CARDS[2]).granted


def test_a_node_that_failed_and_then_has_it_counts_as_done() -> None:
    rig = Rig()
    rig.tell(CARDS[0], "failed")
    rig.tell(CARDS[0])
    assert CARDS[0] in rig.turns.done
    assert not rig.turns.failed


def test_nothing_begins_while_the_rollout_is_paused_or_after_it_was_withdrawn() -> None:
    assert "paused" in Rig(replace(PLAN, paused=True)).ask(CARDS[0]).why
    assert "withdrawn" in Rig(replace(PLAN, withdrawn=(GENERATION,))).ask(CARDS[0]).why


def test_a_node_that_missed_an_earlier_release_may_still_take_it() -> None:
    rig = Rig(replace(PLAN, cards=CARDS[:2]))
    assert rig.ask(CARDS[9], GENERATION - 5).granted


def test_a_new_release_begins_anew() -> None:
    rig = Rig()
    rig.tell(CARDS[0], "failed")
    assert rig.turns.under(PLAN) is rig.turns
    assert rig.turns.under(replace(PLAN, generation=GENERATION + 1)) == Turns(GENERATION + 1)


def test_it_is_over_when_all_have_it() -> None:
    rig = Rig(replace(PLAN, cards=CARDS[:2]))
    rig.tell(CARDS[0])
    assert not rig.turns.is_over(rig.plan)
    rig.tell(CARDS[1])
    assert rig.turns.is_over(rig.plan)


def test_what_is_kept_reads_back_the_same_and_rubbish_is_a_new_beginning() -> None:
    rig = Rig()
    rig.granted(*CARDS)
    rig.tell(CARDS[0])
    rig.tell(CARDS[1], "failed")
    assert turns_from(json.dumps(rig.turns.to_json()).encode()) == rig.turns
    for rubbish in (b"", b"{", b"[]", b'{"generation": 1}', b'{"generation": "x", "leases": 1}'):
        assert turns_from(rubbish) == Turns()


MOVES = st.lists(
    st.tuples(
        st.sampled_from(("ask", "done", "failed", "wait")),
        st.integers(0, 11),
        st.floats(0, 2000),
    ),
    max_size=120,
)


@settings(max_examples=60, deadline=None)
@given(MOVES, st.integers(1, 4))
def test_whatever_happens_no_more_are_at_it_than_may_be(
    moves: list[tuple[str, int, float]], at_once: int
) -> None:
    rig = Rig(replace(PLAN, cards=CARDS[:12], at_once=at_once))
    for move, number, seconds in moves:
        if move == "ask":
            rig.ask(CARDS[number])
        elif move == "wait":
            rig.now += seconds
        else:
            rig.tell(CARDS[number], "done" if move == "done" else "failed")
        assert rig.at_work() <= at_once


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 5))
def test_in_the_end_all_have_it_whoever_falls_silent_meanwhile(seed: int, at_once: int) -> None:
    cards, chance = CARDS[:12], Random(seed)  # noqa: S311
    rig = Rig(replace(PLAN, cards=cards, at_once=at_once, canaries=cards[4:6]))
    waiting = dict.fromkeys(cards, 0.0)
    for _ in range(5000):
        if not waiting:
            break
        card = min(waiting, key=lambda each: waiting[each])
        rig.now = max(rig.now, waiting.pop(card))
        answer = rig.ask(card)
        if answer.granted and chance.random() < 0.8:
            rig.tell(card)
        else:  # it was refused, or lost its power for a while
            waiting[card] = rig.now + (1000 if answer.granted else answer.seconds)
    assert rig.turns.is_over(rig.plan)
