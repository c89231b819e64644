"""Sets without the raw image: killed or not, the packed one is what it always was."""

from __future__ import annotations

import signal

import pytest

from tests.builds.conftest import Reference
from tests.builds.places import Place, end_build

pytestmark = pytest.mark.timeout(600)

# These name the files of a set, so they differ with them.
LISTS = {"SHA256SUMS", "small.manifest.json"}


def test_a_set_without_the_raw_image_comes_of_the_same_layers_and_goes_again(
    reference: Reference, copy: Place
):
    ended = copy.build("--packed-only")
    assert ended.status == 0, ended.words
    assert ended.reused == set(ended.layers)
    assert "image" not in ended.told[-1]
    made = copy.made()
    assert reference.made.keys() - made.keys() == {"small.img"}
    assert (made.items() ^ reference.made.items()) & made.items() == {
        (name, made[name]) for name in LISTS
    }
    assert copy.build().status == 0
    assert copy.made() == reference.made


def test_a_build_killed_while_it_gives_the_image_back_leaves_nothing_half_packed(
    reference: Reference, copy: Place
):
    options = copy.forget("small assemble", reference.ended.layers)
    delay = reference.ended.phases["small assemble"] * 0.7
    end = end_build(
        copy, "small assemble", delay, signal.SIGKILL, "--packed-only", *options, whole_group=True
    )
    assert end.left == []
    if end.alive:
        assert copy.made().keys() == {"small.lock"}
    ended = copy.build("--packed-only")
    assert ended.status == 0, ended.words
    made = copy.made()
    assert {name: made[name] for name in made.keys() - LISTS} == {
        name: reference.made[name] for name in made.keys() - LISTS
    }
    assert copy.unfinished() == []
