"""How a run ends: done, failed, refused, or with nothing to do; on disk first, then told."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from dataclasses import replace

from autosetup import board, rollback, time_floor
from autosetup.accept import take_room
from autosetup.agents import with_bad_agent
from autosetup.binding import settled
from autosetup.card import scrub_card
from autosetup.card_keys import forget
from autosetup.errors import AgentError, as_agent_error, plain
from autosetup.faults import Fault
from autosetup.imports.found import erase
from autosetup.offer import Offer
from autosetup.outlets import utc_now
from autosetup.record import Fallen, Record
from autosetup.retry import is_tried_again, pause_after, when
from autosetup.run import Tools
from autosetup.scrub import redact
from autosetup.sealing import restart, seal
from autosetup.status import Status


def end(tools: Tools, record: Record, addresses: tuple[str, ...]) -> Status:
    """Erase, then record, then publish: whatever is cut, the next run does the rest."""
    status = replace(
        record.status,
        state="done",
        step=None,
        step_number=0,
        addresses=addresses,
        finished_at=utc_now(),
    )
    if record.fallen:
        status = _rolled_back(status, record.fallen)
    good = rollback.proven(record, reached=board.is_reachable(addresses))
    record = replace(record, status=status, good=good)
    _forget_on_card(tools, record)
    tools.journal.save(record)
    _forget_here(tools, record)
    status = with_bad_agent(tools.system, settled(tools.journal.folder, status))
    seal(tools.system)
    tools.outlets.announce(status)
    return status


def end_failed(tools: Tools, record: Record, error: AgentError) -> Status:
    """A payload at work failed: record it, and publish."""
    status = _failed(tools, record.status, error)
    try:
        tools.journal.save(replace(record, status=status))
    except OSError as another:  # a full disk must not keep the card from telling
        tools.outlets.log(str(as_agent_error(another)))
    tools.outlets.announce(status)
    return status


def fail(tools: Tools, status: Status, error: AgentError) -> Status:
    """Nothing was at work: publish alone."""
    failed = _failed(tools, status, error)
    tools.outlets.announce(failed)
    return failed


def refuse(tools: Tools, status: Status, faults: Iterable[Fault]) -> Status:
    """A payload with faults: each of them in the log, all of them in the reason."""
    listed = [str(fault) for fault in faults]
    for line in listed:
        tools.outlets.log(line)
    count = "1 fault" if len(listed) == 1 else f"{len(listed)} faults"
    reason = f"The payload has {count}: {' '.join(listed)}"
    status = replace(status, faults=tuple(plain(redact(f, tools.outlets.secrets)) for f in listed))
    return fail(tools, status, AgentError("payload-refused", reason, "Nothing was changed."))


def stay(tools: Tools, record: Record, offer: Offer) -> Status:
    """Nothing to apply: see that what a power cut may have left open is done, and say so."""
    known = tools.journal.folder / time_floor.FOLDER
    time_floor.mend_clock(tools.system, known, record.status.finished_at)
    take_room(tools, tools.outlets.sink)
    status = record.status
    if status.state in ("done", "rolled-back"):
        # What was typed on the card, but with a fault beside it, is there when that is mended.
        if offer.raw and not (offer.standing and offer.standing.objection):
            _forget_on_card(tools, record)
        _forget_here(tools, record)
        status = with_bad_agent(tools.system, settled(tools.journal.folder, status))
        seal(tools.system)
    tools.outlets.repeat(status)
    tools.outlets.flush_log()
    return status


def start_again(tools: Tools, status: Status) -> Status:
    """Have the node start once more; the next run goes on."""
    tools.outlets.log("The node starts once more.")
    tools.outlets.flush_log()
    restart(tools.system)
    return status


def explained(tools: Tools, error: Exception) -> AgentError:
    """Any error in the agent's words; the log gets the details of its own defects."""
    found = as_agent_error(error)
    if found.code == "internal-error":
        tools.outlets.log("".join(traceback.format_exception(error)))
    return found


def _forget_on_card(tools: Tools, record: Record) -> None:
    """Erase the secrets on the card that nobody needs any more."""
    scrub_card(tools.outlets, record)
    erase(tools, {record.generation, record.newest[0]})


def _forget_here(tools: Tools, record: Record) -> None:
    tools.journal.forget(but={good.generation for good in record.good})
    cards = {tools.journal.card_of(good.generation) for good in record.good}
    forget(tools.journal.folder, but=cards | {record.status.card_id or ""})


def _rolled_back(status: Status, fallen: Fallen) -> Status:
    return replace(
        status,
        state="rolled-back",
        failed_generation=fallen.generation,
        step=fallen.step or None,
        code=fallen.code,
        reason=fallen.reason,
        hint=fallen.hint,
    )


def _failed(tools: Tools, status: Status, error: AgentError) -> Status:
    secrets = tools.outlets.secrets
    attempt = status.attempt or tools.attempt
    goes_on = bool(tools.pauses) and is_tried_again(error.code)
    pause = pause_after(attempt, tools.pauses, status.node or "") if goes_on else 0.0
    return replace(
        status,
        state="failed",
        attempt=attempt,
        next_try_at=when(pause) if goes_on else None,
        code=error.code,
        reason=plain(redact(error.reason, secrets)),
        hint=plain(redact(error.hint, secrets)),
        finished_at=utc_now(),
    )
