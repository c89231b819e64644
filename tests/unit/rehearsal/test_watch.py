from __future__ import annotations

import pytest

from autosetup.status import Status
from flasher.rehearsal.watch import (
    QUIET_SECONDS,
    SETTLE_SECONDS,
    SILENT_SECONDS,
    Ending,
    Trouble,
    View,
    Watch,
)

DONE, FAILED = Status("done", node="cam-0101"), Status("failed", node="cam-0101")
APPLYING = Status("applying", node="cam-0101", step="wifi", step_number=4, step_count=9)
LOGIN = ["Debian GNU/Linux 13 cam-0101 ttyS1", "cam-0101 login:"]


def code_of(ending: Ending | None) -> str | None:
    return ending.code if isinstance(ending, Trouble) else ending


@pytest.mark.parametrize("state", ["done", "failed", "rolled-back"])
def test_the_nodes_own_result_ends_it(state: str) -> None:
    result = Status(state)  # type: ignore[arg-type]
    watch = Watch(timeout_seconds=900)
    assert watch.look(View(1, raw_status=APPLYING.to_json())) is None
    assert watch.look(View(2, raw_status=result.to_json())) == "result"
    assert watch.status == result


@pytest.mark.parametrize(
    ("last", "ending"),
    [
        ("[   99.1] reboot: Restarting system", "restart"),
        ("[  OK  ] Reached target reboot.target - System Reboot.", "restart"),
        ("[  OK  ] Reached target poweroff.target - System Power Off.", "node-stopped"),
    ],
)
def test_a_restart_is_told_from_the_end_by_the_last_words(last: str, ending: str) -> None:
    watch = Watch(timeout_seconds=900)
    assert watch.look(View(1, [last])) is None
    assert code_of(watch.look(View(2, runs=False))) == ending


def test_half_a_status_is_none_yet() -> None:
    watch = Watch(timeout_seconds=900)
    assert watch.look(View(1, raw_status=DONE.to_json()[:-9])) is None
    assert watch.status is None
    assert watch.look(View(2, raw_status=DONE.to_json())) == "result"


def test_an_old_result_counts_only_once_the_node_has_started_and_kept_it() -> None:
    watch = Watch(DONE.to_json(), timeout_seconds=900)
    assert watch.look(View(1, raw_status=DONE.to_json())) is None
    assert watch.look(View(50, LOGIN, DONE.to_json())) is None
    assert watch.look(View(50 + SETTLE_SECONDS, (), DONE.to_json())) == "result"


def test_an_old_failure_that_is_tried_again_ends_with_the_new_result() -> None:
    watch = Watch(FAILED.to_json(), timeout_seconds=900)
    assert watch.look(View(40, LOGIN, APPLYING.to_json())) is None
    assert watch.look(View(40 + SETTLE_SECONDS, (), APPLYING.to_json())) is None
    assert watch.look(View(90, (), DONE.to_json())) == "result"


def test_the_power_is_cut_at_the_status_asked_for() -> None:
    watch = Watch(timeout_seconds=900, cut_power_after=lambda status: status.step == "wifi")
    assert watch.look(View(1, raw_status=Status("checking").to_json())) is None
    assert watch.look(View(2, raw_status=APPLYING.to_json())) == "cut"


def test_a_card_without_payload_ends_at_its_login() -> None:
    watch = Watch(expects_result=False, timeout_seconds=900)
    assert watch.look(View(60, LOGIN)) is None
    assert watch.look(View(60 + SETTLE_SECONDS)) == "login"


def test_a_node_whose_agent_says_nothing_is_reported() -> None:
    watch = Watch(timeout_seconds=900)
    assert watch.look(View(60, LOGIN)) is None
    assert code_of(watch.look(View(60 + SILENT_SECONDS))) == "agent-silent"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("[ 3.1] Kernel panic - not syncing: VFS: Unable to mount root fs", "kernel-panic"),
        ("ALERT!  LABEL=rootfs does not exist.  Dropping to a shell!", "no-root"),
        ("(initramfs)", "no-root"),
        ("You are in emergency mode. After logging in, type", "emergency-mode"),
        ("[  OK  ] Reached target emergency.target - Emergency Mode.", "emergency-mode"),
    ],
)
def test_a_boot_that_went_wrong_is_known_by_its_console(line: str, code: str) -> None:
    watch = Watch(timeout_seconds=900)
    assert code_of(watch.look(View(9, ["[ 3.0] fine", line]))) == code


def test_a_node_that_stops_is_reported_unless_it_left_a_result() -> None:
    assert code_of(Watch(timeout_seconds=9).look(View(1, runs=False))) == "node-stopped"
    view = View(1, raw_status=DONE.to_json(), runs=False)
    assert Watch(timeout_seconds=9).look(view) == "result"


def test_a_boot_that_hangs_is_not_waited_for_to_the_end() -> None:
    watch = Watch(timeout_seconds=900)
    assert watch.look(View(5, ["[ 0.0] Booting Linux"])) is None
    assert watch.look(View(100, wrote=True)) is None
    assert watch.look(View(99 + QUIET_SECONDS)) is None
    assert code_of(watch.look(View(100 + QUIET_SECONDS))) == "boot-hangs"


def test_a_long_silent_step_of_the_agent_is_no_hang() -> None:
    watch = Watch(timeout_seconds=900)
    assert watch.look(View(5, wrote=True, raw_status=APPLYING.to_json())) is None
    assert watch.look(View(10 + QUIET_SECONDS, raw_status=APPLYING.to_json())) is None


def test_patience_ends_and_says_how_far_the_node_came() -> None:
    watch = Watch(timeout_seconds=100)
    assert watch.look(View(50, raw_status=APPLYING.to_json())) is None
    ending = watch.look(View(100, raw_status=APPLYING.to_json()))
    assert isinstance(ending, Trouble)
    assert ending.code == "rehearsal-timeout"
    assert "100 s" in ending.what
    assert "applying" in ending.what
