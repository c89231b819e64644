"""What starts a card: a person, or a count-down that nothing speaks against."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flasher.bench.heard import Begin, Delay, Ended, Found, Look, Looked, SetPaused, Skip
from flasher.bench.model import Counting, Failed, NodeState, Offered, Working
from flasher.bench.reduce import COUNT_DOWN
from flasher.card.advice import Advice
from flasher.drives.watch import Appeared, Changed, Gone
from flasher.errors import FlasherError
from tests.unit.bench.benches import (
    BROKEN,
    OURS,
    PHOTOS,
    Played,
    begun,
    bench,
    card,
    ended,
    key,
    phase,
    result,
)
from tests.unit.bench.reports import made_card


def test_an_answer_to_a_failure_is_for_no_other_failure() -> None:
    played = ended(begun(), BROKEN)
    seen = played.state.lane(key())
    other = card(number=2)
    played.hear(Gone(card()), Appeared(other), Begin(key()))
    ended(played, FlasherError("card-failed", "It failed, too.", "Try another."))
    assert isinstance(phase(played), Failed)
    played.hear(Begin(key(), again=True, agreed=seen))
    assert isinstance(phase(played), Failed)
    played.hear(Begin(key(), again=True, agreed=played.state.lane(key())))
    assert isinstance(phase(played), Working)


def test_only_blank_and_own_cards_start_and_only_after_the_count_down() -> None:
    played = Played(bench(5, auto=True))
    photos = replace(PHOTOS, port=key("b"))
    played.hear(Appeared(card()), Appeared(photos))
    assert phase(played) == Counting(COUNT_DOWN)
    played.wait(COUNT_DOWN - 0.1)
    assert phase(played) == Counting(COUNT_DOWN)
    played.wait(0.1)
    assert isinstance(phase(played), Working)
    played.wait(1000)
    assert phase(played, "b") == Offered("foreign")


@pytest.mark.parametrize(
    "changes",
    [
        {"auto": False},
        {"paused": True},
        {"image_size": None},
        {"states": {f"cam-000{n}": NodeState.READY for n in (1, 2, 3)}},
    ],
)
def test_nothing_counts_down_where_it_could_not_start(changes: dict[str, object]) -> None:
    played = Played(bench(**({"auto": True} | changes)))  # type: ignore[arg-type]
    played.hear(Appeared(card()))
    assert phase(played) == Offered("blank")


def test_a_count_down_ends_when_it_is_paused_held_or_the_card_changes() -> None:
    played = Played(bench(auto=True))
    played.hear(Appeared(card()))
    played.hear(SetPaused(on=True))
    assert phase(played) == Offered("blank")
    played.now = 3
    played.hear(SetPaused(on=False))
    assert phase(played) == Counting(3 + COUNT_DOWN)
    mounted = card(mounted=("/media/card",))
    played.hear(Changed(mounted, card()))
    assert phase(played) == Offered("blank")
    played.now = 4
    played.hear(Changed(card(), mounted))
    assert phase(played) == Counting(4 + COUNT_DOWN)
    played.hear(Delay(key()))
    assert phase(played) == Offered("blank")
    assert isinstance(played.wait(100).lane(key()).phase, Offered)
    played.hear(Begin(key()))
    assert isinstance(phase(played), Working)


def test_a_yes_counts_for_the_card_that_was_seen_and_for_its_node_only() -> None:
    played = Played()
    played.hear(Appeared(PHOTOS))
    seen = played.state.lane(key())
    other = replace(PHOTOS, identity="8:0#2")
    played.hear(Changed(other, PHOTOS), Begin(key(), agreed=seen))
    assert phase(played) == Offered("foreign")
    seen = played.state.lane(key())
    played.hear(Skip("cam-0001"), Begin(key(), agreed=seen))
    assert phase(played) == Offered("foreign")
    played.hear(Changed(replace(other, mounted=("/media/x",)), other))
    played.hear(Begin(key(), agreed=played.state.lane(key())))
    assert isinstance(phase(played), Working)


def test_nothing_new_starts_while_it_is_paused_and_what_runs_goes_on() -> None:
    played = begun()
    played.hear(Appeared(card("b")), SetPaused(on=True), Begin(key("b")))
    assert isinstance(phase(played), Working)
    assert phase(played, "b") == Offered("blank")


def test_a_card_that_was_made_here_is_never_made_anew_by_itself() -> None:
    played = begun(auto=True)
    done = result(played.work)
    played.hear(Ended(key(), played.work.token, done), Gone(card()), Appeared(OURS))
    look = played.effects[-1]
    assert isinstance(look, Look)
    played.hear(Looked(look.reader, look.token, Found(made_card(done.card_id), Advice())))
    assert phase(played) == Offered("made")


def test_a_card_that_failed_waits_for_a_person_also_when_it_is_put_in_again() -> None:
    played = ended(begun(auto=True), BROKEN)
    played.wait(1000)
    assert isinstance(phase(played), Failed)
    assert played.state.states["cam-0001"] is NodeState.FAILED
    played.hear(Gone(card()), Appeared(card()))
    played.wait(1000)
    assert phase(played) == Offered("blank")
    played.hear(Gone(card()), Appeared(card(number=2)))
    assert isinstance(phase(played), Counting)
