"""Cards that were pulled out in the middle, and come back half made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flasher.bench.heard import Begin, Found, Look, Looked, SetAuto, SetNodeState, Skip
from flasher.bench.model import Counting, Empty, Failed, NodeState, Offered, Phase, Working
from flasher.bench.reduce import COUNT_DOWN
from flasher.drives.model import Drive
from flasher.drives.watch import Appeared, Gone
from flasher.errors import FlasherError
from tests.unit.bench.benches import HALF, PHOTOS, Played, begun, card, ended, key, phase

PULLED = FlasherError("card-pulled", "It was pulled out.", "Put it back in.")
CAM_1 = card(blank=False, holds="half made: cam-0001")


def pulled() -> Played:
    played = ended(begun(), PULLED)
    played.hear(Gone(card()))
    assert isinstance(phase(played), Failed)
    assert played.state.lane(key()).drive is None
    played.hear(Begin(key(), again=True))
    assert isinstance(phase(played), Failed)
    return played


def back(played: Played, drive: Drive, found: Found) -> None:
    played.hear(Appeared(drive))
    look = played.effects[-1]
    assert isinstance(look, Look)
    played.hear(Looked(look.reader, look.token, found))


def test_the_card_that_was_pulled_can_be_gone_on_with_when_it_is_back() -> None:
    played = pulled()
    back(played, replace(HALF, identity="8:0#7"), Found(is_unfinished=True))
    assert isinstance(phase(played), Failed)
    played.hear(Begin(key(), again=True))
    assert isinstance(phase(played), Working)
    assert played.work.drive.identity == "8:0#7"


@pytest.mark.parametrize(
    ("drive", "found", "expected"),
    [
        (PHOTOS, Found(), Offered("foreign")),
        (HALF, Found(), Offered("foreign")),
        (replace(HALF, size=16 << 30), Found(is_unfinished=True), Offered("own")),
        (card(number=3), Found(), Offered("blank")),
        (CAM_1, Found(is_unfinished=True, becomes="cam-0002"), Offered("own")),
    ],
)
def test_any_other_card_in_its_place_is_offered_anew(
    drive: Drive, found: Found, expected: Phase
) -> None:
    played = pulled()
    back(played, drive, found)
    assert phase(played) == expected
    played.hear(Begin(key(), again=True))
    assert phase(played) == expected


def half_made(played: Played, drive: Drive) -> None:
    back(played, drive, Found(is_unfinished=True, becomes="cam-0001"))


def test_a_half_made_card_goes_on_with_its_node_though_another_was_in_its_reader() -> None:
    played = pulled()
    back(played, card(number=3), Found())
    played.hear(Gone(card(number=3)), SetAuto(on=True))
    assert played.state.lane(key()).node == played.state.nodes[1]
    half_made(played, CAM_1)
    assert isinstance(phase(played), Counting)
    assert played.state.lane(key()).node == played.state.nodes[0]
    played.wait(COUNT_DOWN)
    assert played.work.node == played.state.nodes[0]


def test_a_half_made_card_in_another_reader_is_waited_for_no_more() -> None:
    played = pulled()
    half_made(played, card("b", blank=False, holds=CAM_1.holds))
    assert phase(played, "b") == Offered("own")
    assert played.state.lane(key("b")).node == played.state.nodes[0]
    assert phase(played) == Empty()
    played.hear(Begin(key("b")))
    assert played.work.node == played.state.nodes[0]


def test_a_half_made_card_of_a_node_that_has_another_by_now_becomes_the_next() -> None:
    played = Played()
    played.hear(*(SetNodeState(f"cam-000{number}", NodeState.READY) for number in (1, 2)))
    half_made(played, CAM_1)
    assert phase(played) == Offered("own")
    assert played.state.lane(key()).node == played.state.nodes[2]


def test_a_half_made_card_goes_with_the_next_node_once_its_own_is_skipped() -> None:
    played = Played()
    half_made(played, CAM_1)
    played.hear(Skip("cam-0001"))
    assert played.state.lane(key()).node == played.state.nodes[1]


def test_of_two_half_made_cards_of_a_node_one_becomes_it() -> None:
    played = Played()
    half_made(played, CAM_1)
    half_made(played, card("b", 2, blank=False, holds=CAM_1.holds))
    assert [lane.node for lane in played.state.lanes] == list(played.state.nodes[:2])
