"""Whose file a mirror fetches next."""

from __future__ import annotations

import asyncio

import pytest

from flasher.fleet.server.lanes import Lanes
from flasher.fleet.server.shelf import Away


async def test_each_asker_has_its_turn_however_much_the_others_want() -> None:
    lanes = Lanes(most=2, of_one=2)
    greedy = [lanes.turn("greedy") for _ in range(10)]
    modest = lanes.turn("modest")
    assert [turn.done() for turn in greedy] == [True] * 2 + [False] * 8
    assert not modest.done()
    lanes.leave(greedy[0].result())
    assert greedy[2].done()  # it has waited longest
    lanes.leave(greedy[1].result())
    assert modest.done()
    assert not greedy[3].done()


async def test_no_asker_has_all_lanes() -> None:
    lanes = Lanes(most=3, of_one=2)
    greedy = [lanes.turn("greedy") for _ in range(3)]
    assert [turn.done() for turn in greedy] == [True, True, False]
    assert lanes.turn("modest").done()
    lanes.leave("greedy")
    assert greedy[2].done()


async def test_what_two_ask_for_comes_when_either_has_its_turn() -> None:
    lanes = Lanes(most=2, of_one=1)
    first, shared = lanes.turn("greedy"), lanes.turn("greedy")
    lanes.join("modest", shared)
    assert shared.done()
    assert (first.result(), shared.result()) == ("greedy", "modest")
    lanes.leave("greedy")
    assert lanes.turn("greedy").done()


async def test_so_much_may_wait_for_one_asker_and_no_more() -> None:
    lanes = Lanes(most=1, of_one=1, waiting=2)
    turns = [lanes.turn("greedy") for _ in range(3)]
    with pytest.raises(Away):
        lanes.turn("greedy")
    lanes.turn("modest")
    turns[1].cancel()  # nobody waits for it any more
    lanes.turn("greedy")


async def test_what_is_given_up_holds_no_lane() -> None:
    lanes = Lanes(most=1, of_one=1)
    first, given_up, last = (lanes.turn("asker") for _ in range(3))
    given_up.cancel()
    lanes.leave(first.result())
    await asyncio.wait_for(last, 10)
