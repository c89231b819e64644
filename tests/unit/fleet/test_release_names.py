"""Names in a repository: whatever a ledger says, paths stay inside, and fit onto FAT."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flasher.errors import BadInput
from flasher.fleet.release import names
from tests.examples import examples

DIGEST = "ab" * 32
CARD = "0123456789abcdef" * 2
_NASTY = [
    "..",
    "../x",
    "/etc",
    "a/b",
    "a\\b",
    "A",
    "con:",
    "*",
    "?",
    "",
    ".",
    "x\n",
    "x\0",
    "ä",
    "x.",
]
anything = st.one_of(st.sampled_from(_NASTY), st.text(max_size=80))
# Without any character that FAT refuses.
_FITS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~+-]{0,253}")

MAKERS: list[Callable[[str], str]] = [
    names.plan_target,
    lambda word: names.role_of(word, "camera"),
    lambda word: names.role_of("studio", word),
    lambda word: names.letter_target(word, "camera", CARD),
    lambda word: names.letter_target("studio", word, CARD),
    lambda word: names.letter_target("studio", "camera", word),
    names.agent_target,
]


@pytest.mark.parametrize("make", MAKERS)
@given(word=anything)
@settings(max_examples=examples(100))
def test_a_name_is_refused_or_stays_inside_and_fits_onto_fat(
    make: Callable[[str], str], word: str
) -> None:
    try:
        made = make(word)
    except BadInput:
        return
    path = names.stored(made, DIGEST) if "/" in made else names.versioned(made, 1)
    for part in path.split("/"):
        assert _FITS.fullmatch(part), part
        assert not part.endswith((".", " "))
        assert part not in (".", "..")


@pytest.mark.parametrize("site", ["root", "targets", "snapshot", "timestamp", "agent"])
def test_a_site_cannot_be_called_as_a_role_of_the_framework(site: str) -> None:
    with pytest.raises(BadInput, match="cannot have releases"):
        names.plan_target(site)


def test_where_things_lie() -> None:
    assert names.stored("studio/rollout.json", DIGEST) == f"targets/studio/{DIGEST}.rollout.json"
    assert names.blob(DIGEST) == f"blobs/ab/{DIGEST}"
    assert names.versioned("studio.camera", 7) == "metadata/7.studio.camera.json"
    assert names.digest_in(names.blob(DIGEST)) == DIGEST
    assert names.digest_in(f"targets/studio/camera/{DIGEST}.{CARD}.json") == DIGEST
    assert [names.digest_in(name) for name in ("", names.TIMESTAMP, f"blobs/{DIGEST}")] == [""] * 3
