"""Marks: sectors that say of themselves by which probe, and to where, they were written. Pure."""

from __future__ import annotations

import os
from dataclasses import dataclass

SECTOR = 512
# The largest sector that drives have.
BLOCK = 4096
# What is moved at once: large enough for a card's full speed, small enough for eight cards.
CHUNK = 1 << 20
_SALT, _PLACE = 16, 8


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of one look at a card.

    Args:
        salt: 16 bytes that no card can know beforehand.
        body: what fills the rest of each sector; random, as a controller may save itself the
            writing of what it can compress.
    """

    salt: bytes
    body: bytes

    @classmethod
    def fresh(cls) -> Marks:
        """Marks like no others."""
        return cls(os.urandom(_SALT), os.urandom(SECTOR - _SALT - _PLACE))

    def make(self, offset: int, length: int) -> bytes:
        """The marks of whole sectors from `offset` on."""
        return b"".join(
            self.salt + place.to_bytes(_PLACE, "little") + self.body
            for place in range(offset, offset + length, SECTOR)
        )

    def lace(self, offset: int, data: bytes) -> bytes:
        """Blocks as they are, but for a mark as the first sector of each."""
        laced = bytearray(data)
        for at in range(0, len(data), BLOCK):
            laced[at : at + SECTOR] = self.make(offset + at, SECTOR)
        return bytes(laced)

    def origins(self, data: bytes) -> list[int | None]:
        """For each sector, to which offset it was written; None where it is not of these marks."""
        if self.salt not in data:
            return [None] * (len(data) // SECTOR)
        return [self._origin(data[at : at + SECTOR]) for at in range(0, len(data), SECTOR)]

    def _origin(self, sector: bytes) -> int | None:
        whole = sector.startswith(self.salt) and sector.endswith(self.body)
        return int.from_bytes(sector[_SALT : _SALT + _PLACE], "little") if whole else None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a place on the card was found to hold.

    Attributes:
        kept: bytes from the start of it that are the marks written there.
        distances: how far away the other marks were written that are seen here.
    """

    kept: int
    distances: frozenset[int]


def compare(marks: Marks, offset: int, data: bytes, *, laced: bool = False) -> Seen:
    """What `data`, read at `offset`, tells; `laced`: of each block, the first sector is a mark."""
    origins = marks.origins(data)
    places = range(offset, offset + len(data), SECTOR)
    pairs = list(zip(origins, places, strict=True))
    apart = BLOCK if laced else SECTOR
    due = pairs[:: apart // SECTOR]
    wrong = [number for number, (origin, place) in enumerate(due) if origin != place]
    strange = {abs(origin - place) for origin, place in pairs if origin not in (None, place)}
    return Seen(apart * (wrong[0] if wrong else len(due)), frozenset(strange))


def first_sectors(data: bytes) -> bytes:
    """What lacing replaces."""
    return b"".join(data[at : at + SECTOR] for at in range(0, len(data), BLOCK))


def unlace(data: bytes, firsts: bytes) -> bytes:
    """Blocks with their first sectors as they were."""
    plain = bytearray(data)
    for number, at in enumerate(range(0, len(data), BLOCK)):
        plain[at : at + SECTOR] = firsts[number * SECTOR : (number + 1) * SECTOR]
    return bytes(plain)
