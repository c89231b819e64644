"""What a card that is put in is offered as, once it was looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autosetup.status import Status
from flasher.bench.heard import Begin, Found, Look, Looked, Rearm, SetAuto, Tick, Work
from flasher.bench.model import Autopsy, Counting, Empty, NodeState, Offered, Phase, Refused
from flasher.card.advice import Advice
from flasher.card.inspect import CardReport
from flasher.drives.model import Drive
from flasher.drives.watch import Appeared, Changed, Gone
from tests.unit.bench.benches import (
    BROKEN,
    HALF,
    IMAGE,
    OURS,
    PHOTOS,
    Played,
    bench,
    card,
    ended,
    key,
    phase,
)
from tests.unit.bench.reports import made_card


@pytest.mark.parametrize(
    ("drive", "expected"),
    [
        (card(), Offered("blank")),
        (OURS, Offered("made")),
        (PHOTOS, Offered("foreign")),
        (HALF, Offered("foreign")),
        (card(size=0, refusal="there is no card in it"), Empty()),
        (card(refusal="it holds / of this computer"), Refused("it holds / of this computer")),
        (card(caution="it is a USB disk"), Refused("it is a USB disk")),
    ],
)
def test_a_card_is_offered_as_the_worst_that_it_may_be(drive: Drive, expected: Phase) -> None:
    played = Played()
    played.hear(Appeared(drive))
    assert phase(played) == expected


def test_a_disk_that_is_built_in_is_no_reader() -> None:
    played = Played()
    disk = card(kind="nvme", removable=False, refusal="it holds / of this computer")
    played.hear(Appeared(disk), Changed(disk, disk), Gone(disk))
    assert played.state.lanes == ()


def looked(found: Found, drive: Drive = OURS, **changes: object) -> Played:
    played = Played(bench(**changes))  # type: ignore[arg-type]
    played.hear(Appeared(drive))
    (look,) = played.effects
    assert isinstance(look, Look)
    played.hear(Looked(look.reader, look.token, found))
    return played


REPORT = CardReport("cam-0002, failed", status=Status("failed", node="cam-0002"))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (Found(), Offered("made")),
        (Found(REPORT, Advice()), Offered("made")),
        (Found(is_unfinished=True), Offered("own")),
        (Found(REPORT, Advice("It broke.")), Autopsy(REPORT, Advice("It broke."))),
        (Found(made_card("ab" * 16), Advice()), Offered("own")),
        (Found(made_card("ab" * 16), Advice(), stands=True), Offered("made")),
        (Found(made_card("ab" * 16), Advice(), is_shared=True), Offered("foreign")),
    ],
)
def test_a_look_inside_tells_more(found: Found, expected: Phase) -> None:
    assert phase(looked(found)) == expected


def test_an_autopsy_holds_its_own_node_and_starts_nothing_by_itself() -> None:
    found = Found(REPORT, Advice("It broke."))
    played = looked(found, auto=True)
    played.wait(100)
    assert played.state.lane(key()).node == played.state.nodes[1]
    assert not any(isinstance(effect, Work) for effect in played.effects)
    played.hear(Rearm(key(), new_payload=True))
    assert (played.work.job, played.work.node) == ("anew", played.state.nodes[1])
    ended(played, BROKEN)
    played.hear(Begin(key(), again=True))
    assert played.work.job == "anew"


def test_an_answer_to_an_autopsy_mends_no_other_card() -> None:
    played = looked(Found(REPORT, Advice("It broke.")))
    seen = played.state.lane(key())
    other = replace(OURS, identity="8:0#2")
    played.hear(Gone(OURS), Appeared(other), Rearm(key(), new_payload=True, agreed=seen))
    assert phase(played) == Offered("made")
    played.hear(Rearm(key(), new_payload=True, agreed=played.state.lane(key())))
    assert (played.work.drive, played.work.job) == (other, "anew")


def test_a_node_that_its_card_shows_to_work_is_alive() -> None:
    played = looked(Found(REPORT, Advice(), stands=True, alive="cam-0002"))
    assert played.state.states["cam-0002"] is NodeState.ALIVE


def test_a_look_that_comes_too_late_is_not_heard() -> None:
    played = Played()
    played.hear(Appeared(OURS))
    (look,) = played.effects
    assert isinstance(look, Look)
    played.hear(Gone(OURS), Appeared(card(number=2)))
    played.hear(Looked(key(), look.token, Found(REPORT, Advice("It broke."))))
    assert phase(played) == Offered("blank")


def test_a_card_that_is_too_small_is_refused_as_soon_as_that_is_known() -> None:
    played = Played(bench(auto=True, image_size=None))
    played.hear(Appeared(card()))
    assert phase(played) == Offered("blank")
    played.hear(Tick(IMAGE * 4), Begin(key()))
    assert phase(played) == Refused("it is too small: it has 8.6 GB, 17.2 GB are needed")
    played.hear(Tick(IMAGE))
    assert isinstance(phase(played), Counting)


def test_readers_keep_their_places() -> None:
    played = Played()
    played.hear(*(Appeared(card(reader)) for reader in "ba"), Gone(card("b")))
    renamed = replace(card("b", 2), path=card("c").path)
    played.hear(Appeared(renamed), Appeared(card("d")))
    assert [lane.reader for lane in played.state.lanes] == [key("b"), key("a"), key("d")]
    assert played.state.lane(key("b")).drive == renamed
    played.hear(Gone(card("b")), Tick(IMAGE), SetAuto(on=True))
    assert isinstance(phase(played, "b"), Counting)
