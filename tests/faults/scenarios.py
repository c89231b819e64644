"""What goes wrong in a run, by its seed, and what may then be said of the card."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from flasher.image.ranges import ByteRange
from tests.faults.disk import Fault

DONE = "done"
_SECTOR = 4096
_WORN, _CONDEMNED, _UNSTEADY = "card-worn-out", "card-condemned", "reader-unsteady"
# By the probe, which half of the runs begin with.
_DEFECTIVE, _COUNTERFEIT = "card-defective", "card-counterfeit"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A kind of trouble.

    Attributes:
        name: as people call it.
        faults: what the card does.
        allowed: the codes that tell the truth of it; `DONE` where a card may still be made.
        afterwards: for a card that stalls: what it does when it answers again.
        warns: whether it is told also where the card is made, once it was met.
    """

    name: str
    faults: tuple[Fault, ...]
    allowed: frozenset[str]
    afterwards: tuple[Fault, ...] = ()
    warns: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where trouble may happen: the ranges to be written, and the sizes of image and card."""

    ranges: tuple[ByteRange, ...]
    image_size: int
    card_size: int

    @property
    def amount(self) -> int:
        """Bytes to be written."""
        return sum(found.length for found in self.ranges)

    def place(self, dice: random.Random) -> int:
        """Start of a sector that is to be written; large ranges have more of them."""
        number = dice.randrange(self.amount // _SECTOR)
        for found in self.ranges:
            sectors = -(-found.length // _SECTOR)
            if number < sectors:
                return found.offset + number * _SECTOR
            number -= sectors
        return self.ranges[-1].offset

    def moment(self, dice: random.Random) -> int:
        """Some bytes after the beginning."""
        return dice.randrange(self.amount)


_Draw = Callable[[Surroundings, random.Random], Trouble]


def _at_a_place(kind: str, on: str, times: int, *allowed: str) -> _Draw:
    """Trouble with one sector, or with a few in a row."""

    def draw(around: Surroundings, dice: random.Random) -> Trouble:
        length = _SECTOR * dice.choice((1, 1, 8, 64))
        fault = Fault(kind, on, around.place(dice), length, times=times)  # type: ignore[arg-type]
        often = {0: "always", 1: "once"}[times]
        name = f"{_WORDS[kind, on]} {often}"
        # Who looks at a drive before it is opened may be met by what is read wrong, and a lost
        # write of what is there already is no loss.
        warns = times == 1 and on == "write" and kind != "lose"
        return Trouble(name, (fault,), frozenset(allowed), warns=warns)

    return draw


_WORDS = {
    ("fail", "write"): "a place fails to be written,",
    ("fail", "read"): "a place fails to be read,",
    ("flip", "write"): "a bit is stored wrong,",
    ("flip", "read"): "a bit is read wrong,",
    ("lose", "write"): "a write is lost,",
}


def _dead_tail(around: Surroundings, dice: random.Random) -> Trouble:
    fault = Fault("lose", "write", dice.randrange(1 << 20, around.image_size, _SECTOR))
    codes = frozenset({_CONDEMNED, _DEFECTIVE, _COUNTERFEIT, DONE})
    return Trouble("writes are lost from a place on", (fault,), codes)


# Refused: it was gone before it was opened.
def _pulled(around: Surroundings, dice: random.Random) -> Trouble:
    fault = Fault("pull", dice.choice(("any", "read", "write")), after=around.moment(dice))
    return Trouble("pulled", (fault,), frozenset({"card-pulled", "drive-refused", DONE}))


def _begins_again(around: Surroundings, dice: random.Random) -> Trouble:
    true_size = dice.randrange(2, around.image_size >> 20) << 20
    codes = frozenset({_COUNTERFEIT, _CONDEMNED, DONE})
    return Trouble("its addresses begin again", (Fault("wrap", length=true_size),), codes)


def _shrunk(around: Surroundings, dice: random.Random) -> Trouble:
    end = dice.randrange(1 << 20, around.image_size, _SECTOR)
    fault = Fault("shrink", dice.choice(("any", "write")), length=end, after=around.moment(dice))
    # Exchanged: it has another size than when it was chosen.
    return Trouble(
        "shrinks",
        (fault,),
        frozenset({"card-too-small", "card-exchanged", _WORN, _DEFECTIVE, DONE}),
    )


def _unflushed(times: int) -> _Draw:
    often = "once" if times else "always"

    def draw(_around: Surroundings, dice: random.Random) -> Trouble:
        fault = Fault("fail", "flush", times=times, after=dice.choice((0, 1 << 20)))
        codes = frozenset({"card-failed", _WORN, _DEFECTIVE, DONE})
        return Trouble(f"a flush fails, {often}", (fault,), codes)

    return draw


def _slow(_around: Surroundings, _dice: random.Random) -> Trouble:
    return Trouble("slow", (Fault("slow", length=32 << 20),), frozenset({DONE}))


def _stalled(around: Surroundings, dice: random.Random) -> Trouble:
    fault = Fault("freeze", dice.choice(("read", "write")), after=around.moment(dice) // 4)
    return Trouble("stalls, and goes on", (fault,), frozenset({DONE}))


def _stalled_and_pulled(around: Surroundings, dice: random.Random) -> Trouble:
    trouble = _stalled(around, dice)
    codes = frozenset({"card-pulled", "drive-refused", DONE})
    return Trouble("stalls, and is pulled", trouble.faults, codes, afterwards=(Fault("pull"),))


TROUBLES: tuple[_Draw, ...] = (
    _at_a_place("fail", "write", 1, DONE),
    _at_a_place("fail", "write", 0, DONE, _WORN, _DEFECTIVE),
    _at_a_place("fail", "read", 1, DONE),
    _at_a_place("fail", "read", 0, DONE, _WORN, _DEFECTIVE),
    _at_a_place("flip", "write", 1, DONE),
    _at_a_place("flip", "write", 0, DONE, _CONDEMNED, _DEFECTIVE),
    _at_a_place("flip", "read", 1, DONE),
    _at_a_place("flip", "read", 0, DONE, _UNSTEADY, _DEFECTIVE),
    _at_a_place("lose", "write", 1, DONE),
    _at_a_place("lose", "write", 0, DONE, _CONDEMNED, _DEFECTIVE),
    _dead_tail,
    _begins_again,
    _begins_again,
    _pulled,
    _pulled,
    _shrunk,
    _unflushed(1),
    _unflushed(0),
    _slow,
    _stalled,
    _stalled_and_pulled,
)
