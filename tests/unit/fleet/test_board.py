"""The board: what reports, time and the ledger make of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosetup.report import Report
from autosetup.status import STATES
from flasher.errors import FlasherError
from flasher.fleet.board.heard import MISSING_AFTER
from flasher.fleet.board.keeping import kept, restored
from flasher.fleet.board.model import ASKED_FOR, MOST_STRANGERS, Board
from flasher.fleet.board.news import changes, updated
from flasher.fleet.board.places import board_of, cards_of
from flasher.fleet.board.view import BoardView, RolloutView, read_board
from flasher.rig.profile import load_profile

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Holder(NamedTuple):
    card_id: str
    node: str
    role: str = "camera"
    position: str = ""
    generation: int = 7


CARDS = [Holder(f"{n:032x}", f"cam-01{n:02}", position=f"SEG1-CAM{n}") for n in range(1, 4)]
FIRST, SECOND_CARD, _ = (each.card_id for each in CARDS)


def board(*holders: Holder) -> Board:
    return board_of("studio", holders or CARDS, NOON)


def report(card_id: str = FIRST, node: str = "cam-0101", **told: object) -> Report:
    said = Report(card_id, node, 1, "done", generation=7)
    return replace(said, **told)  # type: ignore[arg-type]


def ms(when: datetime) -> int:
    return round(when.timestamp() * 1000)


def first_of(state: Board) -> Callable[[str], object]:
    node = state.view().nodes[0]
    return lambda name: getattr(node, name)


def test_before_anybody_spoke_nodes_are_without_a_card_or_unheard():
    profile = load_profile("body-16x7")
    view = board_of("studio", CARDS, NOON, profile).view()
    assert len(view.nodes) == sum(role.count for role in profile.roles)
    assert view.counts["unheard"] == 3
    assert view.counts["no-card"] == len(view.nodes) - 3
    assert view.node("cam-0102").card_id == CARDS[1].card_id


def test_without_a_profile_the_cards_stand_in_rows():
    many = [Holder(f"{n:032x}", f"cam-{n:03}") for n in range(1, 20)]
    view = board(*many, Holder("f" * 32, "central", "central")).view()
    assert [(grid.name, grid.columns, grid.rows) for grid in view.grids] == [
        ("camera", 16, 2),
        ("central", 1, 1),
    ]
    assert (view.node("cam-018").column, view.node("cam-018").row) == (2, 2)


@pytest.mark.parametrize("state", STATES)
def test_a_node_is_in_the_state_that_it_says(state):
    told = first_of(board().heard(report(state=state, step="packages"), "10.0.0.7", NOON))
    assert (told("state"), told("step"), told("address")) == (state, "packages", "10.0.0.7")


def test_a_node_that_missed_three_reports_is_missing_with_its_last_word():
    spoken = board().heard(report(state="applying", step="scripts"), "10.0.0.7", NOON)
    assert first_of(spoken.at(NOON + MISSING_AFTER - SECOND))("state") == "applying"
    gone = first_of(spoken.at(NOON + MISSING_AFTER))
    assert (gone("state"), gone("last_state"), gone("step")) == ("missing", "applying", "scripts")
    assert gone("since") == "2026-11-21T12:00:00Z"
    back = spoken.at(NOON + MISSING_AFTER).heard(report(), "10.0.0.7", NOON + 2 * MISSING_AFTER)
    assert first_of(back)("state") == "done"


def test_since_is_the_first_report_of_a_state():
    later, last = NOON + SECOND, NOON + 2 * SECOND
    state = board().heard(report(state="applying"), "", NOON)
    state = state.heard(report(), "", later).heard(report(temperature_c=50), "", last)
    assert first_of(state)("since") == "2026-11-21T12:00:01Z"
    assert first_of(state)("heard_at") == "2026-11-21T12:00:02Z"


@pytest.mark.parametrize(
    ("told", "warning"),
    [
        ({"temperature_c": 80}, "hot"),
        ({"card_wear_percent": 80}, "worn"),
        ({"free_bytes": 10**8}, "full"),
        ({"time_ms": ms(NOON) - 1001}, "clock"),
        ({"time_ms": ms(NOON) + 1001}, "clock"),
        ({"warnings": ("moved-board",)}, "moved-board"),
    ],
)
def test_what_people_should_know_is_warned_of(told, warning):
    assert first_of(board().heard(report(**told), "", NOON))("warnings") == (warning,)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"temperature_c": 79},
        {"card_wear_percent": 70},
        {"free_bytes": 10**9},
        {"time_ms": ms(NOON) - 900},
        {"time_ms": ms(NOON)},
    ],
)
def test_what_is_well_or_not_known_is_not_warned_of(told):
    assert first_of(board().heard(report(**told), "", NOON))("warnings") == ()


def test_the_clock_offset_is_our_time_minus_the_nodes():
    slow = board().heard(report(time_ms=ms(NOON) - 2500), "", NOON)
    assert first_of(slow)("clock_offset") == 2.5


def test_two_pis_with_one_card_are_told_until_one_is_silent():
    state = board().heard(report(serial="a"), "10.0.0.1", NOON)
    state = state.heard(report(serial="b"), "10.0.0.2", NOON + SECOND)
    assert first_of(state)("warnings") == ("two-pis",)
    later = NOON + SECOND + MISSING_AFTER
    assert first_of(state.heard(report(serial="b"), "10.0.0.2", later))("warnings") == ()


def test_a_node_that_speaks_from_two_addresses_in_turn_is_shown_with_one():
    both = ("10.0.0.7", "fd00::7")
    state = board()
    for address in (*both, *both):
        state = state.heard(report(addresses=both), address, NOON)
        assert first_of(state)("address") == "10.0.0.7"
    gone = state.heard(report(addresses=("fd00::7",)), "fd00::7", NOON)
    assert first_of(gone)("address") == "fd00::7"


def test_an_address_of_one_link_gives_way_to_one_that_counts_beyond():
    both = ("10.0.0.7", "fe80::7")
    state = board().heard(report(addresses=both), "fe80::7", NOON)
    assert first_of(state)("address") == "fe80::7"
    state = state.heard(report(addresses=both), "10.0.0.7", NOON)
    assert first_of(state.heard(report(addresses=both), "fe80::7", NOON))("address") == "10.0.0.7"


# What a report tells and the board shows in other ways: as the card, its name, or a warning.
NOT_SHOWN = {"card_id", "node", "sequence"}


@pytest.mark.parametrize("name", sorted({each.name for each in fields(Report)} - NOT_SHOWN))
def test_whatever_a_node_reports_is_shown(name):
    others = {
        "state": "failed",
        "addresses": ("10.0.0.9",),
        "warnings": ("moved-board",),
        "time_ms": ms(NOON),
    }
    usual = getattr(report(), name)
    other = others.get(name, f"{usual}x" if isinstance(usual, str) else 5)
    said = report(**{name: other})
    assert board().heard(said, "", NOON).view() != board().heard(report(), "", NOON).view()


def test_two_nodes_of_one_name_are_told():
    state = board().heard(report(), "", NOON).heard(report(SECOND_CARD), "", NOON)
    assert [node.warnings for node in state.view().nodes] == [("name-twice",), ("name-twice",), ()]


def test_an_old_card_of_a_node_is_told_with_its_address():
    view = board().refused("f" * 32, "cam-0101", "10.0.0.9", NOON).view()
    assert view.nodes[0].warnings == ("old-card",)
    assert [(other.node, other.address) for other in view.strangers] == [("cam-0101", "10.0.0.9")]
    later = board().refused("f" * 32, "cam-0101", "10.0.0.9", NOON).at(NOON + timedelta(hours=1))
    assert later.view().strangers == ()


def test_any_number_of_strangers_costs_no_more_than_a_few():
    state = board()
    for number in range(1000):
        state = state.refused(f"{number:032x}", "", "10.0.0.9", NOON)
    assert len(state.view().strangers) == MOST_STRANGERS


def test_a_card_of_another_rig_changes_nothing_that_is_shown():
    assert board().heard(report("e" * 32), "", NOON).view() == board().view()


def test_after_a_swap_the_cards_hold_other_places_and_nothing_is_lost():
    state = board().heard(report(temperature_c=41), "10.0.0.7", NOON)
    a, b, c = CARDS
    swapped = [a._replace(node=b.node, generation=8), b._replace(node=a.node, generation=8), c]
    nodes = state.with_cards(cards_of(swapped)).view().nodes
    assert nodes[1].card_id == FIRST
    assert (nodes[1].temperature, nodes[1].is_behind, nodes[0].state) == (41, True, "unheard")


def test_a_new_card_of_a_node_has_not_spoken():
    state = board().heard(report(), "", NOON)
    new = [CARDS[0]._replace(card_id="d" * 32), *CARDS[1:]]
    assert first_of(state.with_cards(cards_of(new)))("state") == "unheard"


def test_a_blink_is_asked_for_told_and_over():
    asked = board().asked_to_blink(FIRST, NOON)
    assert first_of(asked)("blink") == "asked"
    told = asked.blinking(FIRST, NOON + 30 * SECOND, NOON + SECOND)
    assert first_of(told)("blink") == "blinking"
    assert first_of(told.at(NOON + 30 * SECOND))("blink") == ""
    assert first_of(asked.at(NOON + ASKED_FOR))("blink") == ""


def test_a_clock_that_is_set_back_brings_nobody_back():
    gone = board().heard(report(), "", NOON).at(NOON + MISSING_AFTER)
    assert first_of(gone.at(NOON))("state") == "missing"


@pytest.mark.parametrize("ahead", [SECOND, timedelta(hours=2), timedelta(days=400)])
def test_a_clock_that_is_put_back_loses_nobody_who_speaks_and_finds_who_falls_silent(ahead):
    then = NOON + ahead
    state = board().at(then).heard(report(), "10.0.0.1", then).refused("f" * 32, "", "", then)
    back = state.heard(report(sequence=2, time_ms=ms(NOON)), "10.0.0.1", NOON).at(NOON + SECOND)
    assert first_of(back)("state") == "done"
    assert first_of(back)("since") == "2026-11-21T12:00:00Z"
    assert first_of(back)("clock_offset") == 0
    assert len(back.view().strangers) == 1
    silent = back.at(NOON + MISSING_AFTER)
    assert first_of(silent)("state") == "missing"


def test_a_clock_that_is_put_back_ends_no_blinking_and_prolongs_none():
    then = NOON + timedelta(hours=2)
    told = board().at(then).asked_to_blink(FIRST, then).blinking(FIRST, then + 30 * SECOND, then)
    assert first_of(told.at(NOON + 29 * SECOND).at(NOON))("blink") == "blinking"
    assert first_of(told.at(NOON).at(NOON + 30 * SECOND))("blink") == ""


def test_what_is_shown_survives_its_way_over_the_network():
    state = board().heard(report(addresses=("10.0.0.7",), warnings=("x",)), "10.0.0.7", NOON)
    view = state.refused("f" * 32, "", "10.0.0.9", NOON).view()
    assert read_board(json.dumps(view.to_json())) == view


def test_a_board_of_a_newer_server_may_have_more_to_say():
    told = board().view().to_json()
    told["nodes"][0]["mood"] = "good"  # type: ignore[index]
    assert read_board(json.dumps({**told, "weather": "fine"})) == board().view()


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b'{"format": 2}', b'{"format": 1}', b"\xff"])
def test_what_is_no_board_is_told(raw):
    with pytest.raises(FlasherError) as caught:
        read_board(raw)
    assert caught.value.code == "not-a-board"


def test_last_words_are_kept_over_a_restart():
    state = board().heard(report(addresses=("10.0.0.7",)), "10.0.0.7", NOON)
    again = restored(board(), kept(state))
    later = NOON + SECOND
    assert again.at(later).view().nodes[0].heard_at == state.view().nodes[0].heard_at
    assert first_of(again.at(NOON + MISSING_AFTER))("last_state") == "done"


def test_words_of_a_clock_that_was_ahead_count_as_just_said():
    then = NOON + timedelta(hours=2)
    again = restored(board(), kept(board().at(then).heard(report(), "", then)))
    assert first_of(again.at(NOON + SECOND))("state") == "done"
    assert first_of(again.at(NOON + MISSING_AFTER))("state") == "missing"


@pytest.mark.parametrize("raw", [b"", b"{}", b'{"format": 1, "cards": {"x": {}}}', b"[1]"])
def test_kept_words_that_cannot_be_read_are_none(raw):
    assert restored(board(), raw) == board()


MOVES = st.lists(
    st.tuples(
        st.sampled_from([*CARDS, Holder("e" * 32, "cam-0101")]),
        st.sampled_from(["heard", "refused", "blink", "rollout", "time"]),
        st.sampled_from(STATES),
        st.integers(0, 90),
    ),
    max_size=12,
)


@given(MOVES)
@pytest.mark.parametrize("every", [1, 3])
def test_whoever_follows_the_changes_sees_the_board(every, moves):
    state, when = board(), NOON
    told = seen = state.view()
    for number, (holder, move, word, amount) in enumerate(moves):
        when += amount * SECOND
        if move == "heard":
            said = report(holder.card_id, holder.node, state=word, temperature_c=amount)
            state = state.heard(said, "10.0.0.7", when)
        elif move == "refused":
            state = state.refused(holder.card_id, holder.node, "10.0.0.7", when)
        elif move == "blink":
            state = state.asked_to_blink(holder.card_id, when)
        elif move == "rollout":
            state = state.with_rollout(RolloutView(amount, "running"))
        state = state.at(when)
        if number % every == 0:
            told, seen = _follow(told, seen, state.view())
    told, seen = _follow(told, seen, state.view())
    assert replace(seen, at="") == replace(state.view(), at="")


def _follow(told: BoardView, seen: BoardView, now: BoardView) -> tuple[BoardView, BoardView]:
    news = changes(told, now)
    return now, seen if news is None else updated(seen, json.loads(json.dumps(news)))


def test_where_nothing_happens_nothing_is_told():
    assert changes(board().view(), board().at(NOON + SECOND).view()) is None


def test_nodes_that_were_only_heard_again_cost_a_line_each():
    state = board().heard(report(uptime_seconds=1), "", NOON)
    news = changes(state.view(), state.heard(report(uptime_seconds=2), "", NOON + SECOND).view())
    assert news is not None
    assert (news["changed"], news["heard"]) == ([], {"cam-0101": "2026-11-21T12:00:01Z"})
