"""The walk test ends with swaps after which each node is called after the place where it stands."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flasher.errors import BadInput
from flasher.fleet.board.view import BoardView, NodeView, Shown
from flasher.fleet.board.walk import Walk, command, order, walked

NAMES = tuple(f"cam-{n}" for n in range(6))


def been_at(*places: str) -> Walk:
    walk = Walk(NAMES)
    for place in places:
        walk = walk.seen_at(place)
    return walk


def test_nodes_in_their_own_places_need_no_swap():
    walk = been_at(*NAMES)
    assert (walk.here, walk.confirmed, walk.swaps) == (None, 6, ())


def test_two_nodes_in_each_others_place_are_swapped_once():
    assert been_at("cam-1", "cam-0", "cam-2").swaps == (("cam-0", "cam-1"),)


def test_one_that_stands_in_anothers_place_is_enough_to_know_of_both():
    walk = been_at("cam-0", "cam-4")
    assert walk.swaps == (("cam-1", "cam-4"),)
    assert command("body-16x7", "studio", walk.swaps) == (
        "flasher release new --scanner body-16x7 --site studio "
        "--node cam-1,cam-4 --swap cam-1=cam-4"
    )
    assert command("body-16x7", "studio", ()) == ""


def test_nodes_that_were_not_seen_are_named_and_left_alone():
    walk = Walk(NAMES).passed_over().seen_at("cam-1")
    assert (walk.unseen, walk.swaps, walk.here) == (("cam-0",), (), "cam-2")


def test_a_step_back_takes_the_answer_back():
    walk = been_at("cam-1").back()
    assert walk == Walk(NAMES)
    assert walk.back() == walk


def view(**states: Shown) -> BoardView:
    said = {name: states.get(name.replace("-", "_"), "done") for name in NAMES}
    nodes = tuple(NodeView(name, state=state) for name, state in said.items())
    return BoardView("studio", "", nodes=nodes, scanner="body-16x7")


def test_the_walk_begins_with_the_chosen_node_and_passes_over_those_that_cannot_blink():
    seen = view(cam_0="missing", cam_3="unheard", cam_4="no-card")
    assert order(seen.nodes, "cam-2") == ("cam-2", "cam-5", "cam-1")
    assert order(seen.nodes, "cam-0") == ("cam-1", "cam-2", "cam-5")
    assert order((), "cam-0") == ()


def test_a_page_is_told_where_to_go_and_what_comes_of_it():
    asked = {"begin": "cam-5", "stands_at": {"cam-0": "cam-4", "cam-1": "cam-1"}}
    assert walked(view(), json.dumps(asked).encode()) == {
        "order": ("cam-5", *NAMES[:5]),
        "swaps": (("cam-0", "cam-4"),),
        "command": command("body-16x7", "studio", [("cam-0", "cam-4")]),
    }


@pytest.mark.parametrize(
    "asked",
    [
        *(b"", b"[]", b"{}", b"null", b"\xff", b'{"begin": "", "stands_at": 7}'),
        b'{"begin": "", "stands_at": {"cam-0": null}}',
        b'{"begin": "", "stands_at": {"cam-0": "; rm"}}',
        b'{"begin": "", "stands_at": {"cam-0": ["cam-1"]}}',
    ],
)
def test_what_is_no_walk_of_this_rig_is_refused(asked):
    with pytest.raises(BadInput, match="no walk along this rig"):
        walked(view(), asked)


@given(st.permutations(NAMES))
def test_whatever_was_mixed_up_is_put_right(places):
    called = {name: name for name in NAMES}  # by card
    for first, second in been_at(*places).swaps:
        both = {first: second, second: first}
        called = {card: both.get(name, name) for card, name in called.items()}
    assert called == dict(zip(NAMES, places, strict=True))
