"""What a node tells the board of its rig every few seconds, signed by its own key.

It is short: whatever a node says, reading it costs little, and no screen obeys it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import cast

from autosetup import envelope, forms
from autosetup.envelope import Envelope, read_envelope, text_form
from autosetup.errors import plain
from autosetup.manifest import LARGEST
from autosetup.status import STATES, State, Status
from autosetup.strict import Table
from autosetup.strict_json import reading_json

__all__ = ["Envelope", "Report", "of_status", "read_envelope", "verified", "write_envelope"]

FORMAT = 1
# Characters that are told of texts, and items of lists; the status on the node has all.
_LONG, _SHORT, _MOST = 400, 100, 8
_HOTTEST = 200
_COLDEST = -100
_NOTHING: tuple[object, ...] = (None, "", ())
_LONG_FORM, _SHORT_FORM = text_form(_LONG), text_form(_SHORT)


@dataclass(frozen=True, slots=True)
class Report:
    """How a node is, at one moment. Texts are empty, and numbers None or 0, where nothing is known.

    Attributes:
        card_id: of the card whose key signs.
        node: its name.
        sequence: grows from report to report, over restarts too: boots << 32 | reports.
        state: as in `Status`.
        step, step_number, step_count: the step at work or that failed, 1-based.
        code, reason, hint: why it failed, or what was taken back; at most 400 characters.
        generation: in force, or at work; 0 while there is none.
        failed_generation: that was taken back; 0 for none.
        warnings: their codes.
        agent_version: of the agent that speaks.
        image_digest: sha256 of the base image, 64 hex digits.
        serial, model: of the Pi.
        uptime_seconds: since the node's start.
        time_ms: what the node's clock shows, in milliseconds since 1970, UTC.
        temperature_c: of the processor, in whole degrees.
        card_wear_percent: used up of what the card's maker promises, in steps of 10; above 100 for
            more than that. Most SD cards do not tell.
        free_bytes: that can be written to the root file system, or the partition for data.
        addresses: of the node, those that count beyond the link first; at most 8.
        update: what the updater does, such as ``fetching 3 of 7``.
    """

    card_id: str
    node: str
    sequence: int
    state: State
    step: str = ""
    step_number: int = 0
    step_count: int = 0
    code: str = ""
    reason: str = ""
    hint: str = ""
    generation: int = 0
    failed_generation: int = 0
    warnings: tuple[str, ...] = ()
    agent_version: str = ""
    image_digest: str = ""
    serial: str = ""
    model: str = ""
    uptime_seconds: int = 0
    time_ms: int = 0
    temperature_c: int | None = None
    card_wear_percent: int | None = None
    free_bytes: int | None = None
    addresses: tuple[str, ...] = ()
    update: str = ""

    def to_json(self) -> str:
        """One JSON object in one line; what there is nothing to say of is left out."""
        told = {key: value for key, value in asdict(self).items() if value not in _NOTHING}
        return json.dumps({"format": FORMAT, **told}, ensure_ascii=False)


def of_status(status: Status, sequence: int) -> Report:
    """A report with what the agent says; texts are cut to what a report may hold."""
    return Report(
        card_id=status.card_id or "",
        node=status.node or "",
        sequence=sequence,
        state=status.state,
        step=_cut(status.step, _SHORT),
        step_number=status.step_number,
        step_count=status.step_count,
        code=_cut(status.code, _SHORT),
        reason=_cut(status.reason, _LONG),
        hint=_cut(status.hint, _LONG),
        generation=status.generation or 0,
        failed_generation=status.failed_generation or 0,
        warnings=tuple(_cut(warned.code, _SHORT) for warned in status.warnings[:_MOST]),
        image_digest=status.image_digest or "",
        serial=_cut(status.pi_serial, _SHORT),
        model=_cut(status.pi_model, _SHORT),
        addresses=status.addresses[:_MOST],
    )


def write_envelope(report: Report, private: str) -> bytes:
    """Sign a report; see `envelope.write`."""
    return envelope.write(envelope.REPORT, report.card_id, report.to_json(), private)


def verified(sealed: Envelope, public: str) -> Report | None:
    """The report in an envelope; None where it was not signed by the key of this public half.

    Args:
        public: the key of the card that the envelope names, as base64, see `Entry.report_key`.

    Raises:
        Faulty: it was signed, and is no report of that card all the same.
        AgentError: ``no-verifier``, see `SiteKey.has_signed`.
    """
    if not envelope.is_signed(sealed, envelope.REPORT, public):
        return None
    with reading_json("report", sealed.text.encode()) as top:
        report = _read(top)
        if report.card_id != sealed.card_id:
            top.fault("card_id", "The report is of another card than its envelope.", "Refuse it.")
    return report


def _read(top: Table) -> Report:
    top.integer("format", low=FORMAT, high=FORMAT)
    return Report(
        card_id=top.string("card_id", form=forms.CARD_ID),
        node=top.string("node", form=forms.HOSTNAME),
        sequence=_whole(top, "sequence", None),
        state=cast("State", top.string("state", choices=STATES)),
        step=_short(top, "step"),
        step_number=top.integer("step_number", default=0, low=0, high=999),
        step_count=top.integer("step_count", default=0, low=0, high=999),
        code=_short(top, "code"),
        reason=top.string("reason", default="", form=_LONG_FORM),
        hint=top.string("hint", default="", form=_LONG_FORM),
        generation=_whole(top, "generation"),
        failed_generation=_whole(top, "failed_generation"),
        warnings=_few(top, "warnings"),
        agent_version=_short(top, "agent_version"),
        image_digest=_short(top, "image_digest"),
        serial=_short(top, "serial"),
        model=_short(top, "model"),
        uptime_seconds=_whole(top, "uptime_seconds"),
        time_ms=_whole(top, "time_ms"),
        temperature_c=_known(top, "temperature_c", _COLDEST, _HOTTEST),
        card_wear_percent=_known(top, "card_wear_percent", 0, _HOTTEST),
        free_bytes=_known(top, "free_bytes", 0, LARGEST),
        addresses=_addresses(top),
        update=_short(top, "update"),
    )


def _addresses(top: Table) -> tuple[str, ...]:
    found = _few(top, "addresses")
    if wrong := [text for text in found if forms.address(text) is None]:
        top.fault("addresses", f"addresses holds {wrong[0]!r}.", "It must be an IP address.")
    return found


def _few(top: Table, key: str) -> tuple[str, ...]:
    found = top.strings(key, default=(), form=_SHORT_FORM)
    if len(found) > _MOST:
        top.fault(key, f"{key} has {len(found)} items.", f"{_MOST} are the most.")
    return found


def _short(top: Table, key: str) -> str:
    return top.string(key, default="", form=_SHORT_FORM)


def _whole(top: Table, key: str, default: int | None = 0) -> int:
    return top.integer(key, default=default, low=0, high=LARGEST)


def _known(top: Table, key: str, low: int, high: int) -> int | None:
    return top.integer(key, low=low, high=high) if top.has(key) else None


def _cut(text: str | None, most: int) -> str:
    """A text that no reader refuses: C0 and C1 controls and what turns a line round are gone."""
    return plain(text or "")[:most]
