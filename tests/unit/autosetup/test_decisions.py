"""What a boot means, by what is recorded and what is on the card."""

from __future__ import annotations

import pytest

from autosetup.decide import Action, decide
from autosetup.journal import Record
from autosetup.manifest import read_manifest
from autosetup.settings import Manifest
from autosetup.status import State, Status
from tests.unit.autosetup.sample_payloads import GENERATION, packed


def manifest(generation: int) -> Manifest:
    return read_manifest(packed(generation=generation)["manifest.json"])


def record(state: State) -> Record:
    return Record("same", Status(state, generation=GENERATION))


@pytest.mark.parametrize(
    ("recorded", "offset", "digest", "action"),
    [
        (None, None, "", "wait"),
        (None, 0, "same", "apply"),
        ("done", None, "", "nothing"),
        ("done", 0, "same", "nothing"),
        ("done", 1, "other", "apply"),
        ("done", -1, "other", "ignore"),
        ("done", 0, "other", "conflict"),
        ("failed", 0, "same", "apply"),
        ("failed", 0, "other", "conflict"),
        ("failed", 1, "other", "apply"),
        ("applying", 0, "same", "resume"),
        ("applying", None, "", "resume"),
        ("applying", -1, "other", "resume"),
        ("applying", 1, "other", "apply"),
        ("applying", 0, "other", "conflict"),
    ],
)
def test_a_boot_means(
    recorded: State | None, offset: int | None, digest: str, action: Action
) -> None:
    found = decide(
        record(recorded) if recorded else None,
        None if offset is None else manifest(GENERATION + offset),
        digest,
    )
    assert found == action
