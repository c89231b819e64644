"""What a node says of itself."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autosetup.faults import Faulty
from autosetup.status import (
    STATES,
    Status,
    StepRecord,
    Warned,
    headline,
    lines_of,
    with_warning,
)

DONE = Status(
    state="done",
    node="cam-0101",
    generation=1795233590,
    card_id="0" * 32,
    image_digest="1" * 64,
    step_count=2,
    pi_serial="10000000abcdef01",
    pi_model="Raspberry Pi 3 Model B",
    addresses=("192.168.1.7", "fe80::1"),
    started_at="2026-11-21T03:39:50Z",
    finished_at="2026-11-21T03:40:04Z",
    steps=(StepRecord("hostname", 1.25, changed=True), StepRecord("users", 12.5, changed=False)),
)
FAILED = Status(
    state="failed",
    node="cam-0101",
    step="timezone",
    step_number=4,
    step_count=9,
    code="unknown-timezone",
    reason="This system knows no timezone Europe/Berlim.",
    hint="Did you mean Europe/Berlin?",
)
REFUSED = Status(
    state="failed",
    node="cam-0101",
    code="payload-refused",
    reason="The payload has 2 faults: node.toml:3:1: No. node.toml:9:2: Neither.",
    hint="Nothing was changed.",
    faults=("node.toml:3:1: No.", "node.toml:9:2: Neither."),
)
TAKEN = Warned("name-taken", "Another node is called cam-0101.", "Find it.")


_steps = st.builds(
    StepRecord, st.just("x"), st.integers(0, 10**7).map(lambda n: n / 1000), st.booleans()
)


@given(
    st.builds(
        Status,
        state=st.sampled_from(STATES),
        node=st.sampled_from([None, "cam-1"]),
        generation=st.none() | st.integers(1, 2**53),
        step_number=st.integers(0, 99),
        reason=st.none() | st.from_regex(r"[A-Za-z ä]{1,30}", fullmatch=True),
        steps=st.lists(_steps).map(tuple),
    )
)
@settings(deadline=None)
def test_a_status_comes_back_as_it_was_written(status: Status) -> None:
    assert Status.from_json(status.to_json()) == status


@pytest.mark.parametrize(
    "status", [DONE, FAILED, REFUSED, with_warning(DONE, TAKEN.code, TAKEN), Status("waiting")]
)
def test_the_shipped_states_come_back_as_they_were_written(status: Status) -> None:
    assert Status.from_json(status.to_json()) == status


def test_an_unknown_key_or_state_is_refused() -> None:
    values = {**json.loads(DONE.to_json()), "state": "dome", "extra": 1}
    with pytest.raises(Faulty) as caught:
        Status.from_json(json.dumps(values).encode())
    assert {fault.what for fault in caught.value.faults} == {
        "state is 'dome'.",
        "extra is not known here.",
    }


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (DONE, "cam-0101 · done · generation 1795233590 · 2 steps in 14 s"),
        (Status("waiting"), "no node · waiting · no payload on this card"),
        (
            dataclasses.replace(DONE, state="checking"),
            "cam-0101 · checking · generation 1795233590",
        ),
        (
            dataclasses.replace(FAILED, state="applying"),
            "cam-0101 · applying · step 4 of 9: timezone",
        ),
        (
            FAILED,
            "cam-0101 · failed · at timezone · This system knows no timezone Europe/Berlim. "
            "Did you mean Europe/Berlin?",
        ),
        (REFUSED, "cam-0101 · failed · The payload has 2 faults. Nothing was changed."),
        (
            with_warning(DONE, TAKEN.code, TAKEN),
            "cam-0101 · done · generation 1795233590 · 2 steps in 14 s · 1 warning",
        ),
    ],
)
def test_the_headline_is_one_plain_line(status: Status, line: str) -> None:
    assert headline(status) == line


def test_each_fault_and_each_warning_has_a_line_of_its_own() -> None:
    assert lines_of(REFUSED)[1:] == ["  node.toml:3:1: No.", "  node.toml:9:2: Neither."]
    warned = with_warning(DONE, TAKEN.code, TAKEN)
    assert lines_of(warned)[1:] == ["  Warning: Another node is called cam-0101. Find it."]


def test_so_many_faults_that_no_screen_holds_them_are_counted() -> None:
    many = dataclasses.replace(REFUSED, faults=tuple(map(str, range(40))))
    assert len(lines_of(many)) == 17
    assert lines_of(many)[-1] == "  … and 25 more: see log.txt on the card."


def test_a_warning_takes_the_place_of_one_of_its_code() -> None:
    other = dataclasses.replace(TAKEN, reason="Two are.")
    twice = with_warning(with_warning(DONE, TAKEN.code, TAKEN), TAKEN.code, other)
    assert twice.warnings == (other,)
    assert with_warning(twice, TAKEN.code, None) == DONE
