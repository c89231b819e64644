"""A node's turn: the server's word, else the plan's times; a lease is asked for again in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from autosetup.counting import Sequence
from autosetup.rollout_plan import RolloutPlan
from autosetup.update.turns import Asking, Lease, Turn, read_turn

CARDS = tuple(f"{number:032x}" for number in range(20))
RELEASED = datetime(2026, 11, 22, 4, tzinfo=UTC)
PLAN = RolloutPlan("studio", 7, "2026-11-22T04:00:00Z", CARDS, CARDS[:1], 5, spacing_seconds=600)


def later(seconds: float, why: str = "") -> Turn:
    """Not now."""
    return Turn(granted=False, seconds=seconds, why=why)


def asking(card_id: str, minutes: float) -> Asking:
    """A card that asks so long after the release, where no server answers."""
    moment = RELEASED + timedelta(minutes=minutes)
    return Asking(card_id, "", (), "", lambda: Sequence(1), lambda: moment)


def test_canaries_come_first_then_lot_after_lot() -> None:
    begun = {
        minutes: sum(asking(card, minutes).ask(7, PLAN).granted for card in CARDS)
        for minutes in (0, 10, 20, 30, 40, 50)
    }
    assert begun == {0: 1, 10: 1, 20: 6, 30: 11, 40: 16, 50: 20}


def test_who_must_wait_is_told_how_long() -> None:
    turn = asking(CARDS[-1], 0).ask(7, PLAN)
    assert not turn.granted
    assert 2400 <= turn.seconds < 3000
    assert asking(CARDS[-1], turn.seconds / 60).ask(7, PLAN).granted
    assert turn.why.startswith("It is this node's turn at 2026-11-22 04:4")


def test_without_a_plan_or_spacing_nobody_waits() -> None:
    assert asking(CARDS[-1], 0).ask(7, None) == Turn(granted=True)
    at_once = RolloutPlan("studio", 7, "2026-11-22T04:00:00Z", CARDS)
    assert asking(CARDS[-1], 0).ask(7, at_once).granted


def test_nobody_waits_for_the_times_of_a_plan_whose_maker_had_a_clock_ahead() -> None:
    assert asking(CARDS[-1], -3 * 24 * 60).ask(7, PLAN).granted
    assert not asking(CARDS[-1], -12 * 60).ask(7, PLAN).granted


@pytest.mark.parametrize(
    ("raw", "turn"),
    [
        (b'{"granted": true, "lease_seconds": 900}', Turn(granted=True, seconds=900)),
        (b'{"granted": true}', Turn(granted=True)),
        (b'{"granted": false, "wait_seconds": 9, "why": "w"}', later(9, "w")),
        (b'{"granted": false, "wait_seconds": 1e99, "why": 3}', later(3600)),
        (b'{"granted": false, "wait_seconds": -1}', later(0)),
        (b'{"granted": false, "wait_seconds": NaN}', later(0)),
        (b'{"granted": "yes"}', None),
        (b"[]", None),
        (b"\xff", None),
        (b"[" * 100_000, None),
    ],
)
def test_whatever_a_server_says_it_is_a_turn_or_nothing(raw: bytes, turn: Turn | None) -> None:
    assert read_turn(raw) == turn


def test_a_lease_is_asked_for_again_once_half_of_it_is_over() -> None:
    now, asked = [0.0], []

    def renew() -> Turn:
        asked.append(now[0])
        return Turn(granted=True, seconds=100)

    lease = Lease(100, renew, lambda: now[0])
    for now[0] in (0.0, 49.0, 51.0, 90.0, 102.0):
        lease.keep()
    assert asked == [51.0, 102.0]
