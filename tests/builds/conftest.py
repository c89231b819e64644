"""A small image really built, once for all tests here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.builds.places import Ended, Place


@dataclass(frozen=True, slots=True)
class Reference:
    """The first build of all, by root; not to change."""

    place: Place
    ended: Ended
    made: dict[str, str]


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    place = Place(tmp_path_factory.mktemp("builds") / "reference")
    place.folder.mkdir()
    ended = place.build()
    assert ended.status == 0, ended.words
    return Reference(place, ended, place.made())


@pytest.fixture
def copy(reference: Reference, tmp_path: Path) -> Place:
    """The place of the first build once more, to change."""
    return reference.place.copy_to(tmp_path / "copy")
