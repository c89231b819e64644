"""What a lane does with a card, from when it is put in until it is taken out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autosetup.status import Status
from flasher.bench.heard import (
    Begin,
    Cancel,
    Delay,
    Ended,
    Found,
    Look,
    Looked,
    Rearm,
    SetAuto,
    SetNodeState,
    SetPaused,
    Skip,
    Stop,
    Tick,
    Told,
    Work,
)
from flasher.bench.model import (
    Autopsy,
    Counting,
    Empty,
    Failed,
    NodeState,
    Offered,
    Phase,
    Ready,
    Refused,
    Working,
)
from flasher.bench.reduce import COUNT_DOWN
from flasher.card.advice import Advice
from flasher.card.inspect import CardReport
from flasher.card.lanes import GRACE, PATIENCE
from flasher.drives.model import Drive
from flasher.drives.watch import Appeared, Changed, Gone
from flasher.errors import Cancelled, FlasherError
from flasher.events import Noted, StepAdvanced, StepStarted
from tests.unit.bench.benches import IMAGE, Played, bench, card, key, result
from tests.unit.bench.reports import made_card

PULLED = FlasherError("card-pulled", "It was pulled out.", "Put it back in.")
BROKEN = FlasherError("card-failed", "It failed.", "Try another.")
OURS = card(blank=False, holds="cam-0009, not booted yet", node="cam-0009")
PHOTOS = card(blank=False, holds="1 partition: EOS_DIGITAL")
HALF = card(blank=False, holds="no partition table")
CAM_1 = card(blank=False, holds="half made: cam-0001")


def phase(played: Played, reader: str = "a") -> Phase:
    return played.state.lane(key(reader)).phase


def begun(drive: Drive | None = None, **changes: object) -> Played:
    played = Played(bench(**changes))  # type: ignore[arg-type]
    played.hear(Appeared(drive or card()), Begin(key()))
    assert isinstance(phase(played), Working)
    return played


def ended(played: Played, error: FlasherError) -> Played:
    played.hear(Ended(key(), played.work.token, error))
    return played


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


def test_a_card_that_is_too_small_is_refused_as_soon_as_that_is_known() -> None:
    played = Played(bench(auto=True, image_size=None))
    played.hear(Appeared(card()))
    assert phase(played) == Offered("blank")
    played.hear(Tick(IMAGE * 4), Begin(key()))
    assert phase(played) == Refused("it is too small: it has 8.6 GB, 17.2 GB are needed")
    played.hear(Tick(IMAGE))
    assert isinstance(phase(played), Counting)


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


def test_the_drive_s_events_do_not_disturb_a_card_that_is_made() -> None:
    played = begun()
    for event in (Changed(HALF, card()), Gone(card()), Appeared(card(number=2))):
        played.hear(event)
        assert isinstance(phase(played), Working)
        assert played.state.lane(key()).drive == card()


def test_a_card_that_is_ready_stays_so_until_it_is_taken_out() -> None:
    played = begun()
    made = card(blank=False, holds="cam-0001, not booted yet", node="cam-0001")
    played.hear(Ended(key(), played.work.token, result(played.work)))
    played.hear(Changed(made, card()))
    assert isinstance(phase(played), Ready)
    played.hear(Gone(made))
    assert isinstance(phase(played), Ready)  # its label may not be written yet
    assert played.state.lane(key()).drive is None


def test_one_that_its_reader_gave_back_stays_ready_until_the_next_card() -> None:
    played = begun()
    played.hear(Gone(card()))
    played.hear(Ended(key(), played.work.token, result(played.work, ejected=True)))
    played.hear(Appeared(card(size=0)), Gone(card(size=0)))
    assert isinstance(phase(played), Ready)
    played.hear(Appeared(card(number=2)))
    assert phase(played) == Offered("blank")
    assert played.state.lane(key()).node == played.state.nodes[1]


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


@pytest.mark.parametrize("stage", [None, "check", "verify"])
def test_a_failure_that_changed_nothing_leaves_a_node_its_card(stage: str | None) -> None:
    played = begun(states={"cam-0001": NodeState.ALIVE}, nodes=1, chosen=("cam-0001",))
    if stage:
        played.hear(Told(key(), played.work.token, StepStarted("x", stage, 9, "bytes")))
    ended(played, FlasherError("no-image", "It is not there.", "Wait."))
    assert isinstance(phase(played), Failed)
    assert played.state.states["cam-0001"] is NodeState.ALIVE


@pytest.mark.parametrize("stage", ["probe", "write"])
def test_a_failure_on_a_card_that_was_written_to_is_the_nodes(stage: str) -> None:
    played = begun(states={"cam-0001": NodeState.ALIVE}, nodes=1, chosen=("cam-0001",))
    played.hear(Told(key(), played.work.token, StepStarted("x", stage, 9, "bytes")))
    played.hear(Told(key(), played.work.token, StepStarted("x", "verify", 9, "bytes")))
    ended(played, BROKEN)
    assert played.state.states["cam-0001"] is NodeState.FAILED


def test_work_that_was_stopped_leaves_the_node_as_it_was_and_can_be_gone_on_with() -> None:
    played = begun()
    token = played.work.token
    played.hear(Stop(None), Stop(key()))
    assert played.effects[-1] == Cancel(key(), token)
    assert played.effects.count(Cancel(key(), token)) == 1
    ended(played, Cancelled("Writing"))
    assert played.state.states["cam-0001"] is NodeState.TODO
    assert isinstance(phase(played), Failed)
    played.hear(Begin(key(), again=True))
    assert played.work.node == played.state.nodes[0]


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


def test_silence_is_told_and_who_does_not_stop_is_left_to_itself() -> None:
    played = begun()
    played.wait(PATIENCE + 1)
    working = phase(played)
    assert isinstance(working, Working)
    assert len(working.notes) == 1
    played.wait(PATIENCE)
    played.hear(Stop(key()))
    played.wait(GRACE + 1)
    failed = phase(played)
    assert isinstance(failed, Failed)
    assert failed.error.code == "no-answer"
    played.hear(Ended(key(), played.work.token, BROKEN))
    assert phase(played) == failed


def test_a_lane_that_was_left_to_itself_and_ends_well_counts() -> None:
    played = begun()
    played.hear(Stop(key()))
    played.wait(GRACE + 1)
    played.hear(Ended(key(), played.work.token, result(played.work)))
    assert played.state.states["cam-0001"] is NodeState.READY


def test_what_the_engine_says_becomes_stage_speed_and_time_left() -> None:
    played = begun()
    token = played.work.token

    def tell(*events: object) -> Working:
        for event in events:
            played.hear(Told(key(), token, event))  # type: ignore[arg-type]
        found = phase(played)
        assert isinstance(found, Working)
        return found

    assert tell(StepStarted("/dev/a", "write", 1000, "bytes")).stage == "write"
    played.now = 2.0
    written = tell(StepAdvanced("/dev/a", "write", 200, 1000))
    assert (written.done, written.total, written.speed) == (200, 1000, 100.0)
    assert written.seconds_left == 8.0
    noted = tell(Noted("/dev/a", "It is slow.", warning=True), Noted("/dev/a", "by the way"))
    assert noted.notes == ("It is slow.",)
    verify = tell(StepStarted("/dev/a", "verify", 1000, "bytes"))
    assert (verify.stage, verify.speed, verify.notes) == ("verify", None, ("It is slow.",))
    played.hear(Told(key(), token - 1, StepStarted("/dev/a", "write", 1, "bytes")))
    assert phase(played) == verify


def test_what_was_seen_elsewhere_counts_but_not_for_a_card_that_is_made_now() -> None:
    played = begun()
    played.hear(SetNodeState("cam-0001", NodeState.ALIVE), SetNodeState("x", NodeState.ALIVE))
    assert played.state.states["cam-0001"] is NodeState.WRITING
    played.hear(SetNodeState("cam-0002", NodeState.REHEARSED))
    assert played.state.states["cam-0002"] is NodeState.REHEARSED
    assert "x" not in played.state.states


def test_readers_keep_their_places() -> None:
    played = Played()
    played.hear(*(Appeared(card(reader)) for reader in "ba"), Gone(card("b")))
    renamed = replace(card("b", 2), path=card("c").path)
    played.hear(Appeared(renamed), Appeared(card("d")))
    assert [lane.reader for lane in played.state.lanes] == [key("b"), key("a"), key("d")]
    assert played.state.lane(key("b")).drive == renamed
    played.hear(Gone(card("b")), Tick(IMAGE), SetAuto(on=True))
    assert isinstance(phase(played, "b"), Counting)
