"""Cards that do not hold what they are given, in words for the person who holds them."""

from __future__ import annotations

from pathlib import Path

from flasher.errors import FlasherError
from flasher.image.ranges import ByteRange

WORN_OUT = "card-worn-out"


class CardMismatch(FlasherError):
    """The card does not hold what was written to it."""


def worn_out(path: Path, where: ByteRange, what: str) -> FlasherError:
    """The error for a place that failed twice; `what` completes "could not"."""
    return FlasherError(
        WORN_OUT,
        f"On the card in {path}, {where} could not {what}, twice in a row.",
        "Try it in another reader; if it fails there too, the card is worn out: throw it away.",
    )


def condemned(path: Path, what: str) -> CardMismatch:
    """The error for a card that does not keep what it is given."""
    return CardMismatch(
        "card-condemned",
        f"The card in {path} does not keep what is written to it: {what}",
        "Throw the card away.",
    )


def counterfeit(path: Path, where: ByteRange) -> CardMismatch:
    """The error for a card where writing at one place changed another one."""
    return CardMismatch(
        "card-counterfeit",
        f"The card in {path} changed {where} by itself while other places were written: "
        "it has less room than it announces.",
        "Throw the card away.",
    )
