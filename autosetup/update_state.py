"""What the updater is doing, for whoever asks on this node: a small file that is gone at each boot.

The updater tells; the board's report, `autosetup status` and people read.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Literal, cast

from autosetup.errors import plain
from autosetup.faults import Faulty
from autosetup.manifest import LARGEST
from autosetup.strict_json import reading_json
from autosetup.system import System

Doing = Literal["idle", "waiting", "fetching", "applying", "refused"]
DOINGS: tuple[Doing, ...] = ("idle", "waiting", "fetching", "applying", "refused")
PLACE = "/run/autosetup/update.json"
FORMAT = 1
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Updating:
    """What the updater does, or did last.

    Attributes:
        doing: ``idle`` where nothing is to be done.
        number, count: while fetching, the file at work (1-based) and how many there are.
        generation: the one that is wanted; None where none is.
        code: where refused, stable word as in `codes`; else empty.
        reason: what is waited for, or why it was refused; may be empty.
        source: where updates come from, as people know it; empty before one was found.
        at: UTC time of the word, ``2026-11-21T03:39:50Z``.
    """

    doing: Doing
    number: int = 0
    count: int = 0
    generation: int | None = None
    code: str = ""
    reason: str = ""
    source: str = ""
    at: str = ""

    @property
    def words(self) -> str:
        """One short line for people: ``fetching 3 of 17``, ``refused: …``."""
        if self.doing == "fetching" and self.count:
            return f"fetching {self.number} of {self.count}"
        told = self.reason if self.doing in ("waiting", "refused") else ""
        return f"{self.doing}: {told}" if told else self.doing


def tell(system: System, updating: Updating) -> None:
    """Let it be known; where that cannot be written, the update goes on."""
    values = asdict(replace(updating, reason=plain(updating.reason)[:_LONGEST]))
    filled = {key: value for key, value in values.items() if value not in (None, "", 0)}
    with suppress(OSError):
        system.write(PLACE, (json.dumps({"format": FORMAT, **filled}) + "\n").encode())


def told(system: System) -> Updating | None:
    """What the updater said last in this boot; None where it said nothing, or nothing readable."""
    try:
        with reading_json(PLACE, system.path(PLACE).read_bytes()) as top:
            top.integer("format", low=FORMAT, high=FORMAT)
            return Updating(
                cast("Doing", top.string("doing", choices=DOINGS)),
                top.integer("number", default=0, low=0, high=LARGEST),
                top.integer("count", default=0, low=0, high=LARGEST),
                top.integer("generation", low=1, high=LARGEST) if top.has("generation") else None,
                *(top.string(key, default="") for key in ("code", "reason", "source", "at")),
            )
    except (OSError, Faulty):
        return None
