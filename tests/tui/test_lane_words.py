"""What a lane says: it fits its place, and no state is told by colour alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

from flasher.bench.model import (
    BenchState,
    Counting,
    Empty,
    Failed,
    Lane,
    NodeState,
    Offered,
    Phase,
    Ready,
    Refused,
    Working,
)
from flasher.drives.model import Drive
from flasher.errors import Cancelled, FlasherError
from flasher.prepare import CardResult
from flasher.rig.rigmap import Node
from flasher.tui.bench_news import following, just_ended, outline
from flasher.tui.big_words import HEIGHT, big
from flasher.tui.lane_parts import bar, must_ask, span
from flasher.tui.lane_words import LINES, Around, full, short
from flasher.tui.node_signs import LOOKS, NEXT_SIGN
from flasher.tui.widgets.lane_list import form_for
from flasher.tui.widgets.rig_summary import seconds_for_rest

NODE = Node("cam-0103", "camera", "SEG1-CAM3", 1, 3)
CARD = Drive(Path("/dev/sdb"), 32 * 10**9, "usb", "Generic", "Reader", holds="empty")
MADE = Ready(CardResult(NODE, CARD.path, 1, "", "", 10**9, 10**9, 93.0))
PULLED = Failed(FlasherError("card-pulled", "The card was pulled out of its reader.", "Back in."))
PHASES: list[Phase] = [
    Empty(),
    Refused("it is in use: mounted at /"),
    Offered("blank"),
    Offered("foreign"),
    Counting(4.0),
    Working("write", 5, 10, 38e6, 21.0),
    MADE,
    PULLED,
    Failed(Cancelled("Writing")),
]


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: type(phase).__name__)
def test_every_phase_is_told_in_a_few_lines_and_in_one(phase):
    lane = Lane("usb 1-1", CARD, NODE, phase)
    assert len(full(lane, Around(), 36)) == LINES
    assert "\n" not in short(lane, Around()).plain
    assert any(letter.isalpha() for letter in short(lane, Around()).plain)


@pytest.mark.parametrize("phase", [Offered("own"), Counting(4.0)])
def test_a_card_that_was_half_made_says_whose_it_becomes(phase):
    lane = Lane("r", replace(CARD, holds="half made: cam-0103"), NODE, phase)
    assert full(lane, Around(), 24)[0].plain == "● half made: cam-0103"


def test_no_two_phases_read_alike():
    told = [short(Lane("usb 1-1", CARD, NODE, phase), Around()).plain for phase in PHASES]
    assert len(set(told)) == len(PHASES)


def test_signs_of_nodes_differ_and_take_one_place_each():
    signs = [NEXT_SIGN, *(look.sign for look in LOOKS.values())]
    assert len(set(signs)) == len(NodeState) + 1
    assert all(cell_len(sign) == 1 for sign in signs)


def test_a_card_that_is_ready_says_what_to_write_on_it():
    assert "SEG1-CAM3" in short(Lane("r", CARD, NODE, MADE), Around()).plain
    assert "".join(line.plain for line in full(Lane("r", CARD, NODE, MADE), Around(), 20)).endswith(
        "SEG1-CAM3".center(20)
    )


def test_large_letters_fit_or_are_left():
    lines = big("SEG1-CAM3", 36)
    assert lines
    assert len(lines) == HEIGHT
    assert max(map(len, lines)) <= 36
    assert big("SEG1-CAM3", 20) is None
    assert big("Größe", 80) is None


@pytest.mark.parametrize(("done", "told"), [(0, "░░░░"), (5, "██░░"), (6, "██▌░"), (10, "████")])
def test_a_bar_grows_by_halves(done, told):
    assert bar(Working("write", done, 10), 4) == told


def test_where_the_end_is_not_known_the_bar_is_empty():
    assert bar(Working("wipe", 5, None), 4) == "░░░░"


def test_without_an_image_a_lane_says_that_it_waits():
    lane = Lane("r", CARD, NODE, Offered("blank"))
    assert "image" in short(lane, Around(has_image=False)).plain


def test_only_empty_cards_and_those_set_aside_are_written_without_a_question():
    asked = {holding: must_ask(Offered(holding)) for holding in ("blank", "own", "made", "foreign")}
    assert asked == {"blank": False, "own": False, "made": True, "foreign": True}


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.2, "1 s"), (42, "42 s"), (150, "3 min"), (9000, "2.5 h")]
)
def test_the_time_left_is_told_roughly(seconds, told):
    assert span(seconds) == told


def test_the_time_for_the_rest_follows_what_cards_took_here():
    assert seconds_for_rest(10, [60.0, 120.0], 3) == 300.0
    assert seconds_for_rest(10, [], 3) is None


@pytest.mark.parametrize(
    ("count", "form"), [(1, "full"), (3, "full"), (4, "medium"), (8, "medium"), (16, "compact")]
)
def test_the_more_lanes_the_shorter_they_are(count, form):
    assert form_for(count, 20) == form


def state(*phases: Phase) -> BenchState:
    lanes = tuple(Lane(f"r{n}", CARD, NODE, phase) for n, phase in enumerate(phases))
    return BenchState((NODE,), {NODE.name: NodeState.TODO}, lanes)


def test_a_lane_that_ends_is_told_once():
    before, after = state(Working("write"), MADE), state(MADE, MADE)
    assert [lane.reader for lane in just_ended(before, after)] == ["r0"]
    assert not list(just_ended(after, after))


def test_how_far_work_is_does_not_change_the_outline():
    assert outline(state(Working("write", 1, 9))) == outline(state(Working("write", 2, 9)))
    assert outline(state(Working("write", 9, 9))) != outline(state(MADE))


def test_the_next_nodes_are_those_of_the_lanes_that_wait_or_else_the_first_in_line():
    assert following(state(Offered("blank"))) == (NODE,)
    assert following(state()) == (NODE,)
    assert following(state(Working("write"))) == ()


def test_once_its_reader_shows_a_card_no_more_a_lane_says_what_comes_next():
    gone = Lane("r", None, NODE, MADE)
    told = "".join(line.plain for line in full(gone, Around(), 20))
    assert "TAKE OUT" not in told + short(gone, Around()).plain
    assert "write on it, put in the next" in told
    assert told.endswith("SEG1-CAM3".center(20))


@pytest.mark.parametrize(
    ("lane", "way"),
    [
        (Lane("r", None, NODE, PULLED), "Put the card back in first"),
        (Lane("r", CARD, NODE, PULLED), "The card is back: Enter goes on"),
        (Lane("r", CARD, NODE, Failed(Cancelled("Writing"))), "R Go on"),
        (Lane("r", CARD, NODE, Failed(FlasherError("card-differs", "", ""))), "R Try again"),
        (Lane("r", CARD, NODE, Failed(FlasherError("card-too-small", "", ""))), "Enter what to do"),
    ],
)
def test_a_lane_that_failed_names_the_key_that_leads_on(lane, way):
    assert full(lane, Around(), 40)[-1].plain.startswith(way)


def test_a_reader_that_let_go_of_its_card_asks_for_it_to_be_taken_out_all_the_same():
    let_go = Lane("r", None, NODE, replace(MADE, result=replace(MADE.result, ejected=True)))
    told = "".join(line.plain for line in full(let_go, Around(), 20))
    assert "TAKE OUT" in told
    assert "TAKE OUT" in short(let_go, Around()).plain
