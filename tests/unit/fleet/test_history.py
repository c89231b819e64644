"""What of a rig's life goes into the ledger: turning points, once each, however often they come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from flasher.fleet.board.history import LONG_MISSING, MOST_IN_A_SPELL, History, turns, unheard
from flasher.fleet.board.model import Board
from flasher.rig.assignments import current
from flasher.rig.entry import Entry
from flasher.rig.ledger import Ledger
from tests.unit.fleet.test_board import CARDS, NOON, SECOND, board, report
from tests.unit.rig.sample_entry import ENTRY

FIRST = CARDS[0].card_id


def made(generation: int = 7, result: str = "verified") -> list[Entry]:
    lines = (
        replace(
            ENTRY,
            card_id=each.card_id,
            node=each.node,
            position=each.position,
            generation=generation,
            result=result,  # type: ignore[arg-type]
        )
        for each in CARDS
    )
    return list(lines)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    found = Ledger(tmp_path / "ledger.sqlite")
    found.record_all(made())
    return found


def live(ledger: Ledger, states: Sequence[Board]) -> list[tuple[str, str, int]]:
    """What a history adds while a board goes through these states."""
    history = History(ledger)
    added = [
        line
        for before, after in pairwise(states)
        for line in history.add(turns(before, after), after.now)
    ]
    return [(line.node, line.result, line.generation) for line in added]


def heard(*states: str, generation: int = 7, start: Board | None = None) -> list[Board]:
    """A board on which the first node says these one after the other."""
    found = [start or board()]
    for state in states:
        said = report(state=state, generation=generation, reason="It said so.")
        found.append(found[-1].heard(said, "10.0.0.7", found[-1].now + SECOND))
    return found


def test_a_node_that_is_alive_gets_one_line_for_any_number_of_reports(ledger: Ledger) -> None:
    assert live(ledger, heard("applying", *["done"] * 50)) == [("cam-0101", "alive", 7)]


def test_after_a_restart_nothing_is_told_again(ledger: Ledger) -> None:
    live(ledger, heard("done"))
    assert live(ledger, heard("done")) == []


def test_each_generation_that_a_node_reaches_is_told(ledger: Ledger) -> None:
    live(ledger, heard("done"))
    ledger.record_all(made(8, "released"))
    assert live(ledger, heard("applying", "done", generation=8)) == [("cam-0101", "alive", 8)]


def test_a_node_that_fails_again_and_again_is_told_once_and_then_that_it_is_well(
    ledger: Ledger,
) -> None:
    states = heard(*["failed", "applying"] * 20, "done", "done")
    assert live(ledger, states) == [("cam-0101", "unwell", 7), ("cam-0101", "alive", 7)]
    assert "It said so." in [line.reason for line in ledger.entries()]


def test_a_node_that_lives_and_fails_by_turns_fills_no_ledger_and_what_it_came_to_is_told(
    ledger: Ledger,
) -> None:
    states = heard(*["failed", "done"] * 600, "failed")
    states += [states[-1].at(NOON + minute * 60 * SECOND) for minute in range(20, 100)]
    told = [result for _, result, _ in live(ledger, states)]
    assert told == ["unwell", "alive"] * (MOST_IN_A_SPELL // 2) + ["unwell"]


def test_what_a_restless_node_came_to_is_told_also_where_the_program_ended_meanwhile(
    ledger: Ledger,
) -> None:
    last = heard(*["done", "failed"] * (MOST_IN_A_SPELL // 2), "done")[-1]
    live(ledger, heard(*["done", "failed"] * (MOST_IN_A_SPELL // 2), "done"))
    soon = last.at(last.now + SECOND)
    states = [unheard(soon), soon, soon.at(NOON + timedelta(hours=2))]
    assert live(ledger, states) == [("cam-0101", "alive", 7)]
    assert live(ledger, states) == []


def test_a_node_that_was_missing_when_the_program_ended_is_not_told_to_be_alive(
    ledger: Ledger,
) -> None:
    last = absent([FIRST])[-1]
    live(ledger, absent([FIRST]))
    assert live(ledger, [unheard(last), last]) == []


def test_a_clock_that_was_ahead_silences_nobody_once_it_is_put_right(ledger: Ledger) -> None:
    states = heard(*["done", "failed"] * (MOST_IN_A_SPELL // 2))
    live(ledger, states)
    right = states[-1].at(NOON - timedelta(days=5))
    assert live(ledger, heard("done", start=right)) == [("cam-0101", "alive", 7)]


def test_a_restless_node_s_new_release_is_told_at_once(ledger: Ledger) -> None:
    states = heard(*["done", "failed"] * (MOST_IN_A_SPELL // 2))
    live(ledger, states)
    ledger.record_all(made(8, "released"))
    new = heard("done", generation=8, start=states[-1])
    assert live(ledger, new) == [("cam-0101", "alive", 8)]


def test_a_node_that_is_restless_keeps_nobody_else_from_the_ledger(ledger: Ledger) -> None:
    states = heard(*["failed", "done"] * 20)
    second = CARDS[1]
    said = report(second.card_id, second.node)
    states.append(states[-1].heard(said, "10.0.0.8", states[-1].now + SECOND))
    assert live(ledger, states)[-1] == (second.node, "alive", 7)


def test_what_was_taken_back_is_told_of_the_generation_that_failed(ledger: Ledger) -> None:
    ledger.record_all(made(8, "released"))
    said = report(state="rolled-back", generation=7, failed_generation=8)
    start = board()
    states = [start, start.heard(said, "", NOON)]
    assert live(ledger, states) == [("cam-0101", "rolled-back", 8)]


def absent(cards: Iterable[str]) -> list[Board]:
    """All three nodes are there; then only those that are not among the cards."""
    start = board()
    for card in CARDS:
        start = start.heard(report(card.card_id, card.node), "", NOON)
    states = [board(), start]
    for minute in range(1, 21):
        state, when = states[-1], NOON + timedelta(minutes=minute)
        for card in CARDS:
            if card.card_id not in cards:
                state = state.heard(report(card.card_id, card.node), "", when)
        states.append(state.at(when))
    return states


def test_a_node_that_is_away_for_long_is_told_once_and_again_when_it_is_back(
    ledger: Ledger,
) -> None:
    states = absent([FIRST])
    told = live(ledger, states)
    assert told[3:] == [("cam-0101", "missing", 7)]
    back = states[-1].heard(report(), "", NOON + 3 * LONG_MISSING)
    assert live(ledger, [states[-1], back]) == [("cam-0101", "alive", 7)]


def test_a_rig_that_is_switched_off_is_no_news(ledger: Ledger) -> None:
    told = live(ledger, absent([card.card_id for card in CARDS]))
    assert [result for _, result, _ in told] == ["alive"] * 3


def test_a_second_computer_with_a_card_s_key_is_told_once_however_often_it_speaks(
    ledger: Ledger,
) -> None:
    states = heard("done")
    for second in range(600):
        when = NOON + second * SECOND
        states.append(states[-1].copied(FIRST, "10.0.0.66", when).at(when))
    # It was away for an hour, and is back.
    states += [states[-1].at(NOON + timedelta(hours=1))]
    states += [states[-1].copied(FIRST, "10.0.0.66", states[-1].now)]
    assert live(ledger, states)[1:] == [("cam-0101", "copied", 7)]
    words = "Another computer reported with its key, from 10.0.0.66."
    assert words in [line.reason for line in ledger.entries()]


def test_a_card_that_the_ledger_does_not_know_leaves_no_line(tmp_path: Path) -> None:
    assert live(Ledger(tmp_path / "empty.sqlite"), heard("done", "failed")) == []


def test_lines_of_the_boards_change_no_assignment(ledger: Ledger) -> None:
    before = current(ledger.entries(), ENTRY.site)
    live(ledger, heard("failed", "done"))
    live(ledger, absent([FIRST]))
    assert current(ledger.entries(), ENTRY.site) == before
