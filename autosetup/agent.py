"""The agent: one run from a payload to a node, safe against a power cut at any moment.

Check everything; copy the payload to the root file system; apply the steps, each recorded once its
effect is on disk; publish; and only after success erase the secrets on the card.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from dataclasses import replace

from autosetup import board
from autosetup.card import digest_of, scrub_card
from autosetup.decide import decide
from autosetup.errors import AgentError, as_agent_error, conflict, plain
from autosetup.faults import Fault, Faulty
from autosetup.growth import grow
from autosetup.journal import Record
from autosetup.manifest import MANIFEST, compare, read_manifest
from autosetup.outlets import utc_now
from autosetup.payload import Payload, read_folder
from autosetup.places import growing_folder
from autosetup.run import Run, Tools, open_payload
from autosetup.scrub import redact
from autosetup.sealing import is_sealed, reopen, restart, seal
from autosetup.secrets_file import SECRETS, is_redacted
from autosetup.settings import Manifest
from autosetup.status import Status
from autosetup.steps import STEPS
from autosetup.time_floor import raise_clock

# A slow board and a slow lease; the result itself waits for this.
_ADDRESS_SECONDS = 45.0


class Agent:
    """One run, with the tools given."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def run(self) -> Status:
        """Do what this boot calls for; gives the state that was reached."""
        status = Status("waiting")
        try:
            record = self._load()
            raw = self._read_card(record)
            manifest = self._manifest(raw, record)
            return self._act(record, raw, manifest, digest_of(raw.get(MANIFEST, b"")))
        except Faulty as faulty:
            return self._refuse(status, faulty.faults)
        except Exception as error:  # whatever it is, the card must tell
            return self._fail(status, self._explained(error))
        finally:
            self._tools.ready()

    def _act(
        self,
        record: Record | None,
        raw: dict[str, bytes],
        manifest: Manifest | None,
        digest: str,
    ) -> Status:
        match decide(record, manifest, digest), record, manifest:
            case "apply", _, Manifest():
                return self._accept(raw, manifest, digest, record)
            case "resume", Record(), _:
                return self._resume(record, raw, manifest, digest)
            case "conflict", _, Manifest():
                return self._fail(_of_manifest(manifest), conflict(manifest.generation))
            case ("nothing" | "ignore") as action, Record(), _:
                self._note(action, manifest, raw)
                return self._stay(record, raw, digest)
        waiting = Status("waiting")
        self._tools.outlets.announce(waiting)
        return waiting

    def _load(self) -> Record | None:
        try:
            return self._tools.journal.load()
        except Faulty as faulty:
            self._tools.outlets.log(f"The journal is spoiled and is begun anew: {faulty}")
            self._tools.journal.set_aside()
            return None

    def _read_card(self, record: Record | None) -> dict[str, bytes]:
        """The files on the card; a node that has its payload can live with a spoiled card."""
        try:
            return read_folder(self._tools.outlets.card) if self._tools.outlets.card else {}
        except OSError as error:
            if record is None:
                raise
            self._tools.outlets.log(f"The card cannot be read: {error}")
            return {}

    def _manifest(self, raw: dict[str, bytes], record: Record | None) -> Manifest | None:
        """The card's manifest; one spoiled in mid-run does not keep a node from its end."""
        try:
            return read_manifest(raw[MANIFEST]) if MANIFEST in raw else None
        except Faulty as faulty:
            if record is None or record.status.state != "applying":
                raise
            self._tools.outlets.log(str(faulty))
            return None

    def _accept(
        self, raw: dict[str, bytes], manifest: Manifest, digest: str, record: Record | None
    ) -> Status:
        """Check a payload; only if nothing is wrong with it, keep it and apply it."""
        status = replace(_of_manifest(manifest), state="checking", started_at=utc_now())
        self._tools.outlets.announce(status)
        if is_kept := self._is_used(raw, record, digest):
            raw = self._tools.journal.payload(manifest.generation)
        try:
            payload = open_payload(self._tools, raw)
        except Faulty as faulty:
            return self._refuse(status, faulty.faults)
        if is_sealed(self._tools.system):
            return self._reopen(status)
        self._prepare(manifest.flashed_at)
        if not is_kept:
            self._tools.journal.keep(manifest.generation, raw)
        scripts = record.scripts if record else ()
        status = replace(status, state="applying", step_count=len(STEPS), started_at=utc_now())
        return self._apply(payload, Record(digest, status, scripts))

    def _is_used(self, raw: dict[str, bytes], record: Record | None, digest: str) -> bool:
        """Whether the card's payload succeeded once, so that only our copy has its secrets."""
        same = record is not None and record.digest == digest
        return same and is_redacted(raw.get(SECRETS, b""))

    def _resume(
        self, record: Record, raw: dict[str, bytes], manifest: Manifest | None, digest: str
    ) -> Status:
        """Go on where the power was cut, from the copy; where that is spoiled, from the card."""
        if is_sealed(self._tools.system):
            return self._reopen(record.status)
        self._tools.outlets.log("The last run was cut short; it goes on where it was.")
        self._prepare(record.status.started_at)
        try:
            payload = open_payload(
                self._tools, self._tools.journal.payload(record.status.generation or 0)
            )
        except Faulty as faulty:
            if manifest is None:
                return self._refuse(record.status, faulty.faults)
            return self._accept(raw, manifest, digest, record)
        return self._apply(payload, record)

    def _reopen(self, status: Status) -> Status:
        try:
            reopen(self._tools.system)
        except AgentError as error:
            return self._fail(status, error)
        self._tools.outlets.log("The node is sealed, and is opened for changes.")
        return self._start_again(status)

    def _start_again(self, status: Status) -> Status:
        self._tools.outlets.log("The node starts once more.")
        self._tools.outlets.flush_log()
        restart(self._tools.system)
        return status

    def _apply(self, payload: Payload, record: Record) -> Status:
        self._tools.journal.save(record)
        run = Run(self._tools, payload, record)
        try:
            is_whole = run.apply_all()
        except Exception as error:  # whatever it is, the card must tell
            return self._end_failed(run.record, self._explained(error))
        return self._end_done(run.record) if is_whole else self._start_again(run.record.status)

    def _end_failed(self, record: Record, error: AgentError) -> Status:
        status = self._failed(record.status, error)
        self._tools.journal.save(replace(record, status=status))
        self._tools.outlets.announce(status)
        return status

    def _end_done(self, record: Record) -> Status:
        """Erase, then record, then publish: whatever is cut, the next run does the rest."""
        addresses = board.wait_for_address(_ADDRESS_SECONDS) if self._tools.system.booted else ()
        status = replace(
            record.status,
            state="done",
            step=None,
            step_number=0,
            addresses=addresses,
            finished_at=utc_now(),
        )
        scrub_card(self._tools.outlets.card, record.digest, self._tools.outlets.log)
        self._tools.journal.save(replace(record, status=status))
        self._tools.journal.forget_secrets(except_of=status.generation or 0)
        seal(self._tools.system)
        self._tools.outlets.announce(status)
        return status

    def _stay(self, record: Record, raw: dict[str, bytes], digest: str) -> Status:
        """Nothing to apply: see that what a power cut may have left open is done, and say so."""
        raise_clock(self._tools.system, record.status.finished_at)
        self._grow(self._tools.outlets.sink)
        if record.status.state == "done":
            if record.digest == digest and raw:
                scrub_card(self._tools.outlets.card, record.digest, self._tools.outlets.log)
            self._tools.journal.forget_secrets(except_of=record.status.generation or 0)
            seal(self._tools.system)
        self._tools.outlets.repeat(record.status)
        self._tools.outlets.flush_log()
        return record.status

    def _prepare(self, past: str | None) -> None:
        """Time and room, which all that follows may need."""
        if raise_clock(self._tools.system, past):
            self._tools.outlets.log(f"The clock was behind; it was set to {past}.")
        self._grow(self._tools.outlets.log)

    def _grow(self, log: Callable[[str], None]) -> None:
        """Take the rest of the card, before anything else needs the room."""
        grow(self._tools.system, growing_folder(self._tools.system), log)

    def _note(self, action: str, manifest: Manifest | None, raw: dict[str, bytes]) -> None:
        """Tell the log about a payload that is older, or that was edited after it was applied."""
        if manifest and action == "ignore":
            self._tools.outlets.log(
                f"Generation {manifest.generation} on the card is older: ignored."
            )
        elif manifest:
            others = {name: data for name, data in raw.items() if name != MANIFEST}
            for fault in compare(manifest, others):
                if fault.file != SECRETS:
                    self._tools.outlets.log(f"Ignored, as this generation is done already: {fault}")

    def _refuse(self, status: Status, faults: Iterable[Fault]) -> Status:
        listed = [str(fault) for fault in faults]
        for line in listed:
            self._tools.outlets.log(line)
        count = "1 fault" if len(listed) == 1 else f"{len(listed)} faults"
        reason = f"The payload has {count}: {' '.join(listed)}"
        return self._fail(status, AgentError("payload-refused", reason, "Nothing was changed."))

    def _fail(self, status: Status, error: AgentError) -> Status:
        failed = self._failed(status, error)
        self._tools.outlets.announce(failed)
        return failed

    def _explained(self, error: Exception) -> AgentError:
        explained = as_agent_error(error)
        if explained.code == "internal-error":
            self._tools.outlets.log("".join(traceback.format_exception(error)))
        return explained

    def _failed(self, status: Status, error: AgentError) -> Status:
        secrets = self._tools.outlets.secrets
        return replace(
            status,
            state="failed",
            code=error.code,
            reason=plain(redact(error.reason, secrets)),
            hint=plain(redact(error.hint, secrets)),
            finished_at=utc_now(),
        )


def _of_manifest(manifest: Manifest) -> Status:
    return Status(
        "checking",
        node=manifest.node,
        generation=manifest.generation,
        card_id=manifest.card_id,
        image_digest=manifest.image_digest,
        pi_serial=board.serial(),
        pi_model=board.model(),
    )
