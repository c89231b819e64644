"""Sets without the raw image: killed or not, the packed one is what it always was."""

from __future__ import annotations

import signal

import pytest

from tests.builds.conftest import Reference
from tests.builds.places import Place, end_build

pytestmark = pytest.mark.timeout(600)

# These name the files of a set, so they differ with them.
LISTS = {"SHA256SUMS", "small.manifest.json"}


def without_lists(made: dict[str, str]) -> dict[str, str]:
    return {name: digest for name, digest in made.items() if name not in LISTS}


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
    delay, made = reference.ended.phases["small assemble"] * 0.7, copy.made()
    while made.keys() != {"small.lock"}:
        copy.forget("small assemble", reference.ended.layers)
        words = ("small assemble", delay, signal.SIGKILL, "--packed-only")
        assert end_build(copy, *words, whole_group=True).left == []
        made = copy.made()
        assert without_lists(made).items() <= reference.made.items()
        delay /= 2  # where it was faster than the first time, and had put the set in place
    ended = copy.build("--packed-only")
    assert ended.status == 0, ended.words
    assert without_lists(copy.made()).items() <= reference.made.items()
    assert copy.unfinished() == []
