"""Which card is which node, by the ledger: made, mended, made anew, released, swapped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flasher.errors import BadInput
from flasher.recording import NO_NODE
from flasher.rig.assignments import Assignment, assignments, swapped
from flasher.rig.entry import Entry, Result

KEY = f"{'A' * 42}E="


def line(card: str, node: str, result: Result = "verified", **more: object) -> Entry:
    entry = replace(
        NO_NODE,
        profile="body",
        site="studio",
        node=node,
        role="camnode",
        position=node.upper(),
        generation=1,
        card_id=card,
        result=result,
        sealing_key=KEY,
        report_key=KEY,
    )
    return replace(entry, **more)  # type: ignore[arg-type]


A, B = line("a" * 32, "cam-1"), line("b" * 32, "cam-2")


def nodes(*lines: Entry) -> dict[str, str]:
    """The first letter of each card, with its node."""
    return {card[0]: found.node for card, found in assignments(lines, "studio").items()}


def test_each_verified_card_of_the_site_is_its_node() -> None:
    strangers = (
        line("c" * 32, "cam-3", site="attic"),
        line("d" * 32, "cam-4", "failed"),
        line("", ""),
    )
    assert nodes(A, B, *strangers) == {"a": "cam-1", "b": "cam-2"}
    found = assignments([A], "studio")["a" * 32]
    assert found == Assignment("a" * 32, "cam-1", "camnode", "CAM-1", "body", "studio", 1, KEY, KEY)


def test_a_newer_card_of_a_node_revokes_the_older_one() -> None:
    assert nodes(A, B, line("c" * 32, "cam-1")) == {"b": "cam-2", "c": "cam-1"}


def test_a_card_that_was_overwritten_is_gone() -> None:
    assert nodes(A, line("b" * 32, "cam-2", replaces="a" * 32)) == {"b": "cam-2"}


def test_what_was_seen_of_a_card_changes_nothing() -> None:
    seen = (replace(A, result=result) for result in ("alive", "rehearsed", "unwell", "missing"))
    assert nodes(A, *seen) == {"a": "cam-1"}


def test_a_release_gives_a_card_a_newer_generation_and_may_make_it_another_node() -> None:
    swap = (line("a" * 32, "cam-2", "released"), line("b" * 32, "cam-1", "released"))
    assert nodes(A, B, *swap) == {"a": "cam-2", "b": "cam-1"}
    released = line("a" * 32, "cam-1", "released", generation=7)
    assert assignments([A, released], "studio")["a" * 32].generation == 7


def test_a_new_card_revokes_the_one_that_was_swapped_into_its_place() -> None:
    swap = (line("a" * 32, "cam-2", "released"), line("b" * 32, "cam-1", "released"))
    assert nodes(A, B, *swap, line("c" * 32, "cam-1")) == {"a": "cam-2", "c": "cam-1"}


def test_a_card_that_is_tried_again_as_it_was_written_is_what_it_was() -> None:
    swap = (line("a" * 32, "cam-2", "released"), line("b" * 32, "cam-1", "released"))
    assert nodes(A, B, *swap, A) == {"a": "cam-2", "b": "cam-1"}
    assert nodes(A, line("c" * 32, "cam-1"), A) == {"c": "cam-1"}


def test_a_release_for_a_card_that_was_revoked_brings_it_not_back() -> None:
    late = line("a" * 32, "cam-1", "released")
    assert nodes(A, line("c" * 32, "cam-1"), late) == {"c": "cam-1"}
    unknown = line("e" * 32, "cam-5", "released")
    assert nodes(A, unknown) == {"a": "cam-1"}


def test_two_nodes_take_each_others_place_with_their_cards_and_keys() -> None:
    other = replace(B, role="central", sealing_key=f"{'B' * 42}E=")
    before = assignments([A, other], "studio")
    after = swapped(before, "cam-1", "cam-2")
    first, second = after["a" * 32], after["b" * 32]
    assert (first.node, first.role, first.position) == ("cam-2", "central", "CAM-2")
    assert (second.node, second.role, second.position) == ("cam-1", "camnode", "CAM-1")
    assert (first.sealing_key, second.sealing_key) == (KEY, f"{'B' * 42}E=")
    assert list(after) == list(before)
    assert swapped(after, "cam-1", "cam-2") == before


@pytest.mark.parametrize(
    ("lines", "names", "code"),
    [
        ((A, B), ("cam-1", "cam-9"), "no-such-card"),
        ((A, replace(B, sealing_key="", report_key="")), ("cam-1", "cam-2"), "no-such-card"),
        ((A, B), ("cam-1", "cam-1"), "same-node"),
        ((A, replace(B, profile="head")), ("cam-1", "cam-2"), "not-alike"),
    ],
)
def test_what_cannot_be_swapped_is_told(
    lines: tuple[Entry, ...], names: tuple[str, str], code: str
) -> None:
    with pytest.raises(BadInput) as caught:
        swapped(assignments(lines, "studio"), *names)
    assert caught.value.code == code
