"""What stands on a card until it is whole, and what can be read from it."""

from __future__ import annotations

import pytest

from flasher.card.unfinished import NOBODY, Whose, mark, unfinished_in

CAMERA = Whose("cam-0201", "body-16x7", "studio")


def head(line: bytes) -> bytes:
    return (bytes(512) + (line * 200)[512:4096]).ljust(1 << 20, b"\0")


@pytest.mark.parametrize("whose", [CAMERA, NOBODY, Whose("n" * 63, "p" * 63, "s" * 63)])
def test_a_card_says_whose_it_becomes(whose: Whose) -> None:
    assert unfinished_in(head(mark(whose))) == whose


def test_no_two_marks_are_the_same() -> None:
    assert mark(CAMERA) != mark(CAMERA)


@pytest.mark.parametrize("node", ["cam 1", "cam-1\n", "\x1b[2J", "n" * 64])
def test_what_is_no_name_is_left_out(node: str) -> None:
    assert unfinished_in(head(mark(Whose(node, "body-16x7", "studio")))) == NOBODY


def test_marks_that_name_nobody_are_read_as_ever() -> None:
    old = b"This card is not finished yet. " + b"0123456789abcdef" * 2 + b"\n"
    assert unfinished_in(head(old)) == NOBODY


@pytest.mark.parametrize("found", [bytes(1 << 20), b"", b"x" + head(mark(CAMERA))[1:]])
def test_other_cards_are_not_taken_for_unfinished_ones(found: bytes) -> None:
    assert unfinished_in(found) is None
