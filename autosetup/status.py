"""What a node says of itself: the same states and words on the card, the console and screens.

Contract: ``waiting → checking → applying (step i of n) → done | failed | rolled-back``.
"""

from __future__ import annotations

import json
from collections.abc import Sized
from dataclasses import asdict, dataclass, replace
from typing import Literal, cast

from autosetup import forms
from autosetup.faults import shown
from autosetup.manifest import LARGEST
from autosetup.strict import Table
from autosetup.strict_json import reading_json
from autosetup.trust import TRUSTS, Trust

State = Literal["waiting", "checking", "applying", "done", "failed", "rolled-back"]
STATES: tuple[State, ...] = (
    "waiting",
    "checking",
    "applying",
    "done",
    "failed",
    "rolled-back",
)
FORMAT = 1
# More would push the first ones off a screen.
_MOST_FAULTS = 15


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A finished step: its time in seconds, to the millisecond, and whether it changed anything."""

    name: str
    seconds: float
    changed: bool


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that people should know of a node that works all the same.

    Attributes:
        code: stable word, such as ``name-taken``; explained in `codes`.
        reason, hint: the fact and the remedy.
    """

    code: str
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a node.

    Attributes:
        state: see the module.
        node, generation, card_id, image_digest: from the manifest; None while there is none.
        attempt: how often this payload was begun and not cut short, with this time; 0 before.
        next_try_at: UTC; when the agent will try again by itself; None unless failed.
        step, step_number, step_count: the step at work or that failed, 1-based; None, 0, 0 outside.
        code: stable word for the kind of failure, such as ``script-failed``; None unless failed.
        reason, hint: the fact and the remedy; None unless failed.
        failed_generation: that was taken back; step, code, reason and hint are about it.
        faults: of a payload that was refused, each one line with its place.
        warnings: what people should know though it keeps nothing from working.
        pi_serial, pi_model: of the board; empty where unknown.
        bound_to: serial number of the board that the node was set up in; empty where unknown.
        trust: how the payload came to be trusted, one of `autosetup.trust.TRUSTS`; None before.
        signer: fingerprint of the key that signed it, and whose it is; empty where none did.
        addresses: IP addresses of the node, link-local ones last.
        started_at, finished_at: UTC, ``2026-11-21T03:39:50Z``.
        steps: those finished so far.
    """

    state: State
    node: str | None = None
    generation: int | None = None
    card_id: str | None = None
    image_digest: str | None = None
    attempt: int = 0
    next_try_at: str | None = None
    step: str | None = None
    step_number: int = 0
    step_count: int = 0
    code: str | None = None
    reason: str | None = None
    hint: str | None = None
    failed_generation: int | None = None
    faults: tuple[str, ...] = ()
    warnings: tuple[Warned, ...] = ()
    pi_serial: str = ""
    pi_model: str = ""
    bound_to: str = ""
    trust: Trust | None = None
    signer: str = ""
    addresses: tuple[str, ...] = ()
    started_at: str | None = None
    finished_at: str | None = None
    steps: tuple[StepRecord, ...] = ()

    def to_json(self) -> bytes:
        """One JSON object with ``format`` 1; what is None or empty is left out."""
        values = {"format": FORMAT, **asdict(self)}
        values["steps"] = [
            {"name": s.name, "milliseconds": round(s.seconds * 1000), "changed": s.changed}
            for s in self.steps
        ]
        filled = {key: value for key, value in values.items() if value not in (None, "", [], ())}
        return (json.dumps(filled, indent=2) + "\n").encode()

    @classmethod
    def from_json(cls, raw: bytes, file: str = "status.json") -> Status:
        """Read what `to_json` wrote; raises `Faulty`."""
        with reading_json(file, raw) as top:
            return read_status(top)


def read_status(top: Table) -> Status:
    """Read a status from a table of a document."""
    top.integer("format", low=FORMAT, high=FORMAT)
    return Status(
        state=cast("State", top.string("state", choices=STATES)),
        node=_text(top, "node"),
        generation=_generation(top, "generation"),
        card_id=_text(top, "card_id"),
        image_digest=_text(top, "image_digest"),
        attempt=top.integer("attempt", default=0, low=0, high=LARGEST),
        next_try_at=_time(top, "next_try_at"),
        step=_text(top, "step"),
        step_number=top.integer("step_number", default=0, low=0, high=999),
        step_count=top.integer("step_count", default=0, low=0, high=999),
        code=_text(top, "code"),
        reason=_text(top, "reason"),
        hint=_text(top, "hint"),
        failed_generation=_generation(top, "failed_generation"),
        faults=top.strings("faults", default=()),
        warnings=tuple(_warned(table) for table in top.tables("warnings")),
        pi_serial=top.string("pi_serial", default=""),
        pi_model=top.string("pi_model", default=""),
        bound_to=top.string("bound_to", default=""),
        trust=read_trust(top),
        signer=top.string("signer", default=""),
        addresses=top.strings("addresses", default=()),
        started_at=_time(top, "started_at"),
        finished_at=_time(top, "finished_at"),
        steps=tuple(_step(table) for table in top.tables("steps")),
    )


def read_trust(table: Table) -> Trust | None:
    """How a payload came to be trusted; None where nothing is said of it."""
    found = table.string("trust", default="", choices=TRUSTS)
    return cast("Trust", found) if found else None


def with_warning(status: Status, code: str, warned: Warned | None) -> Status:
    """The status with this warning in place of any other of its code; None takes it away."""
    others = tuple(other for other in status.warnings if other.code != code)
    return replace(status, warnings=(*others, warned) if warned else others)


def begun_again(status: Status) -> Status:
    """Of a payload that is applied once more: what was said of the last time is over."""
    return replace(
        status,
        state="applying",
        next_try_at=None,
        step=None,
        step_number=0,
        code=None,
        reason=None,
        hint=None,
        failed_generation=None,
        finished_at=None,
    )


def lines_of(status: Status) -> list[str]:
    """For people: the headline, then each fault and each warning on a line of its own.

    Whatever a card says, a screen does not obey it.
    """
    told = [*status.faults[:_MOST_FAULTS]]
    if more := status.faults[_MOST_FAULTS:]:
        told.append(f"… and {len(more)} more: see log.txt on the card.")
    told += [f"Warning: {w.reason} {w.hint}".rstrip() for w in status.warnings]
    return [headline(status), *(f"  {shown(line)}" for line in told)]


def headline(status: Status) -> str:
    """One plain line for people, the same everywhere.

    ``cam-0101 · done · generation 1795233590 · 9 steps in 14 s``
    """
    parts = [status.node or "no node", status.state, *_details(status)]
    return shown(" · ".join(part for part in parts if part))


def _details(status: Status) -> list[str]:
    if status.state == "waiting":
        return ["to be tried at the next start" if status.node else "no payload on this card"]
    if status.state == "applying" and status.step:
        return [f"step {status.step_number} of {status.step_count}: {status.step}"]
    if status.state == "failed":
        place = f"at {status.step}" if status.step else ""
        if faults := _count(status.faults, "fault"):  # each has a line of its own, see `lines_of`
            return [place, f"The payload has {faults}. {status.hint or ''}".rstrip()]
        why = " ".join(f"{status.reason or ''} {status.hint or ''}".split())
        return [place, why, _next_try(status)]
    generation = f"generation {status.generation}" if status.generation else ""
    if status.state == "done":
        return [generation, _summary(status), _count(status.warnings, "warning")]
    if status.state == "rolled-back":
        where = f" at {status.step}" if status.step else ""
        why = " ".join(f"{status.reason or ''} {status.hint or ''}".split())
        return [f"{generation} is in force", f"{status.failed_generation} failed{where}: {why}"]
    return [generation]


def _next_try(status: Status) -> str:
    if not status.next_try_at:
        return ""
    return f"try {status.attempt + 1} at {status.next_try_at[11:16]} UTC"


def _summary(status: Status) -> str:
    seconds = round(sum(step.seconds for step in status.steps))
    return f"{_count(status.steps, 'step') or '0 steps'} in {seconds} s"


def _count(things: Sized, name: str) -> str:
    count = len(things)
    return f"{count} {name}{'' if count == 1 else 's'}" if count else ""


def _warned(table: Table) -> Warned:
    return Warned(
        code=table.string("code"),
        reason=table.string("reason"),
        hint=table.string("hint", default=""),
    )


def _text(top: Table, key: str) -> str | None:
    return top.string(key, default="") or None


def _generation(top: Table, key: str) -> int | None:
    return top.integer(key, low=1, high=LARGEST) if top.has(key) else None


def _time(top: Table, key: str) -> str | None:
    text = _text(top, key)
    if text and not forms.is_utc_time(text):
        top.fault(key, f"{key} is {text!r}.", "It must be a UTC time.")
    return text


def _step(table: Table) -> StepRecord:
    return StepRecord(
        name=table.string("name"),
        seconds=table.integer("milliseconds", low=0, high=LARGEST) / 1000,
        changed=table.boolean("changed"),
    )
