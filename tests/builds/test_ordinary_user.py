"""The image of an ordinary user is the image of root, to the last byte."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.builds.conftest import Reference
from tests.builds.places import Place
from tests.integration.builder.ordinary_user import as_user

pytestmark = pytest.mark.timeout(900)


def test_an_ordinary_users_image_equals_roots(reference: Reference, tmp_path: Path):
    place = Place(tmp_path / "user/home/place")
    lock = tmp_path / "user/small.lock"
    lock.parent.mkdir()
    shutil.copy(reference.place.out / "small.lock", lock)
    ended = place.build("--lock", str(lock), wrap=lambda argv: as_user(tmp_path / "user", *argv))
    assert ended.status == 0, ended.words
    made, reused = place.made(), ended.reused
    assert not reused
    assert {name: made[name] for name in made if name != "small.lock"} == {
        name: digest for name, digest in reference.made.items() if name != "small.lock"
    }
