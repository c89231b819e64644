"""What a boot means, by what is recorded and what is offered: every state with every relation."""

from __future__ import annotations

import dataclasses
from typing import get_args

import pytest

from autosetup.decide import Action, decide, is_unfinished
from autosetup.manifest import read_manifest
from autosetup.record import Fallen, Record
from autosetup.settings import Manifest
from autosetup.status import State, Status
from tests.unit.autosetup.sample_payloads import GENERATION, packed

OLDER, IN_FORCE, BETWEEN, FELL, HIGHER = range(GENERATION - 1, GENERATION + 4)


def manifest(generation: int) -> Manifest:
    return read_manifest(packed(generation=generation)["manifest.json"])


def record(state: State, fallen: int | None = None) -> Record:
    plain = Record("same", Status(state, generation=IN_FORCE))
    if fallen is None:
        return plain
    return dataclasses.replace(plain, fallen=Fallen(fallen, "fell", "", "", "", ""))


def meant(found: Record | None, offered: int | None, digest: str) -> Action:
    return decide(found, None if offered is None else manifest(offered), digest)


def test_a_new_node_waits_for_a_payload_and_applies_any() -> None:
    assert meant(None, None, "") == "wait"
    assert meant(None, OLDER, "any") == "apply"


# A record with state `waiting` or `checking` is never written; it would count as nothing at work.
IN_ITS_OWN_RIGHT: dict[State, tuple[Action, Action, Action, Action, Action]] = {
    # offered:      none      older      same       same,       higher
    #                                               other bytes
    "waiting": ("nothing", "ignore", "nothing", "conflict", "apply"),
    "checking": ("nothing", "ignore", "nothing", "conflict", "apply"),
    "applying": ("resume", "resume", "resume", "conflict", "apply"),
    "done": ("nothing", "ignore", "nothing", "conflict", "apply"),
    "failed": ("resume", "resume", "apply", "conflict", "apply"),
    "rolled-back": ("nothing", "ignore", "nothing", "conflict", "apply"),
}


@pytest.mark.parametrize("state", get_args(State))
def test_a_payload_in_its_own_right(state: State) -> None:
    found = record(state)
    assert IN_ITS_OWN_RIGHT[state] == (
        meant(found, None, ""),
        meant(found, OLDER, "other"),
        meant(found, IN_FORCE, "same"),
        meant(found, IN_FORCE, "other"),
        meant(found, HIGHER, "other"),
    )


@pytest.mark.parametrize("state", ["applying", "failed"])
def test_the_way_back_is_gone_to_its_end_unless_something_newer_comes(state: State) -> None:
    found = record(state, FELL)
    assert is_unfinished(found)
    assert {
        meant(found, None, ""),
        meant(found, OLDER, "other"),
        meant(found, IN_FORCE, "same"),
        meant(found, IN_FORCE, "other"),
        meant(found, BETWEEN, "other"),
        meant(found, FELL, "fell"),
    } == {"resume"}
    assert meant(found, FELL, "other") == "conflict"
    assert meant(found, HIGHER, "other") == "apply"


def test_what_fell_is_not_tried_again_until_something_newer_comes() -> None:
    found = record("rolled-back", FELL)
    assert not is_unfinished(found)
    assert meant(found, None, "") == "nothing"
    assert meant(found, FELL, "fell") == "nothing"
    assert meant(found, FELL, "other") == "conflict"
    assert meant(found, HIGHER, "other") == "apply"
    assert meant(found, IN_FORCE, "same") == "nothing"
    assert meant(found, IN_FORCE, "other") == "ignore"
    assert meant(found, BETWEEN, "other") == "ignore"
    assert meant(found, OLDER, "other") == "ignore"
