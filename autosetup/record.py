"""How far the latest accepted payload is, which ones were good, and which one was taken back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from autosetup.manifest import LARGEST
from autosetup.status import Status, read_status, read_trust
from autosetup.strict import Table
from autosetup.strict_json import reading_json
from autosetup.trust import Trust

STATE_FILE = "state.json"


@dataclass(frozen=True, slots=True)
class Good:
    """A generation that was proven good, and whether the node had an address beyond its link.

    Attributes:
        trust, signer: as in `Status`.
    """

    generation: int
    reached: bool
    trust: Trust | None = None
    signer: str = ""


@dataclass(frozen=True, slots=True)
class Fallen:
    """A generation that is being taken back, or was; it is never tried again.

    Attributes:
        generation, digest: of its manifest, as in `Record`.
        step: at which it failed; empty where it was none.
        code, reason, hint: as in `Status`.
    """

    generation: int
    digest: str
    step: str
    code: str
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class Record:
    """What survives every boot.

    Attributes:
        digest: SHA-256 (hex) of the manifest of the payload at work.
        status: what was last reached with it.
        scripts: keys of the scripts that ever finished on this node.
        good: the last two generations that were proven good, newest first.
        fallen: the one that this one is in place of; None where it is in its own right.
        starts: how many runs in a row have begun at the step that comes next.
        restarts: how often the agent had the node start once more for this payload.
        stops: how often in a row the node went down in order while the same script was at work.
    """

    digest: str
    status: Status
    scripts: tuple[str, ...] = ()
    good: tuple[Good, ...] = ()
    fallen: Fallen | None = None
    starts: int = 0
    restarts: int = 0
    stops: int = 0

    @property
    def generation(self) -> int:
        """Of the payload at work."""
        return self.status.generation or 0

    @property
    def newest(self) -> tuple[int, str]:
        """Generation and digest of the newest payload that was ever accepted."""
        if self.fallen:
            return self.fallen.generation, self.fallen.digest
        return self.generation, self.digest

    def to_json(self) -> bytes:
        """One JSON object."""
        values = {
            "digest": self.digest,
            "status": json.loads(self.status.to_json()),
            "scripts": self.scripts,
            "good": [_filled(asdict(good)) for good in self.good],
            **({"fallen": asdict(self.fallen)} if self.fallen else {}),
            "starts": self.starts,
            "restarts": self.restarts,
            "stops": self.stops,
        }
        return json.dumps(values, indent=2).encode()


def read_record(raw: bytes) -> Record:
    """Read what `to_json` wrote; raises `Faulty`."""
    with reading_json(STATE_FILE, raw) as top:
        return Record(
            top.string("digest"),
            read_status(top.table("status")),
            top.strings("scripts"),
            tuple(_good(table) for table in top.tables("good")),
            _fallen(top.table("fallen")) if top.has("fallen") else None,
            top.integer("starts", default=0, low=0, high=LARGEST),
            top.integer("restarts", default=0, low=0, high=LARGEST),
            top.integer("stops", default=0, low=0, high=LARGEST),
        )


def _filled(values: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in values.items() if value not in (None, "")}


def _good(table: Table) -> Good:
    return Good(
        _generation(table),
        table.boolean("reached"),
        read_trust(table),
        table.string("signer", default=""),
    )


def _fallen(table: Table) -> Fallen:
    words = (table.string(key) for key in ("digest", "step", "code", "reason", "hint"))
    return Fallen(_generation(table), *words)


def _generation(table: Table) -> int:
    return table.integer("generation", low=1, high=LARGEST)
