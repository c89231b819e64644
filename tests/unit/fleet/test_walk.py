"""The walk test ends with swaps after which each node is called after the place where it stands."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flasher.fleet.board.walk import Walk, command

NAMES = tuple(f"cam-{n}" for n in range(6))


def walked(*places: str) -> Walk:
    walk = Walk(NAMES)
    for place in places:
        walk = walk.seen_at(place)
    return walk


def test_nodes_in_their_own_places_need_no_swap():
    walk = walked(*NAMES)
    assert (walk.here, walk.confirmed, walk.swaps) == (None, 6, ())


def test_two_nodes_in_each_others_place_are_swapped_once():
    assert walked("cam-1", "cam-0", "cam-2").swaps == (("cam-0", "cam-1"),)


def test_one_that_stands_in_anothers_place_is_enough_to_know_of_both():
    walk = walked("cam-0", "cam-4")
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
    walk = walked("cam-1").back()
    assert walk == Walk(NAMES)
    assert walk.back() == walk


@given(st.permutations(NAMES))
def test_whatever_was_mixed_up_is_put_right(places):
    called = {name: name for name in NAMES}  # by card
    for first, second in walked(*places).swaps:
        both = {first: second, second: first}
        called = {card: both.get(name, name) for card, name in called.items()}
    assert called == dict(zip(NAMES, places, strict=True))
