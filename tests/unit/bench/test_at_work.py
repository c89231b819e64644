"""A card that is made, until it is ready, has failed, or was stopped."""

from __future__ import annotations

import pytest

from flasher.bench.heard import Begin, Cancel, Ended, SetNodeState, Stop, Told
from flasher.bench.model import Failed, NodeState, Offered, Ready, Working
from flasher.card.lanes import GRACE, PATIENCE
from flasher.drives.watch import Appeared, Changed, Gone
from flasher.errors import Cancelled, FlasherError
from flasher.events import Noted, StepAdvanced, StepStarted
from tests.unit.bench.benches import BROKEN, HALF, begun, card, ended, key, phase, result


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
