"""The agent: one run from a payload to a node, safe against a power cut at any moment.

Check everything; copy the payload to the root file system; apply the steps, each recorded once its
effect is on disk; publish; and only after success erase the secrets on the card.

`offer` reads what the card has, `accept` checks and keeps it, `run` applies it, `finish` ends it.
"""

from __future__ import annotations

from autosetup.accept import accept, checked, prepare, status_of
from autosetup.decide import decide
from autosetup.errors import conflict
from autosetup.faults import Faulty
from autosetup.finish import end_done, end_failed, explained, fail, refuse, start_again, stay
from autosetup.journal import Record
from autosetup.offer import Offer, load_record, note, read_offer
from autosetup.payload import Payload
from autosetup.run import Run, Tools, open_payload
from autosetup.sealing import is_sealed, reopen
from autosetup.settings import Manifest
from autosetup.status import Status


class Agent:
    """One run, with the tools given."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._status = Status("waiting")  # of what an error is told of

    def run(self) -> Status:
        """Do what this boot calls for; gives the state that was reached."""
        try:
            record = load_record(self._tools)
            return self._act(record, read_offer(self._tools, record))
        except Faulty as faulty:
            return refuse(self._tools, self._status, faulty.faults)
        except Exception as error:  # whatever it is, the card must tell
            return fail(self._tools, self._status, explained(self._tools, error))
        finally:
            self._tools.ready()

    def _act(self, record: Record | None, offer: Offer) -> Status:
        match decide(record, offer.manifest, offer.digest), record, offer.manifest:
            case "apply", _, Manifest() as manifest:
                return self._accept(offer, manifest, record)
            case "resume", Record(), _:
                return self._resume(record, offer)
            case "conflict", _, Manifest() as manifest:
                self._status = status_of(manifest)
                raise conflict(manifest.generation)
            case ("nothing" | "ignore") as action, Record(), _:
                note(self._tools, offer, is_older=action == "ignore")
                return stay(self._tools, record, offer)
        self._tools.outlets.announce(self._status)
        return self._status

    def _accept(self, offer: Offer, manifest: Manifest, record: Record | None) -> Status:
        """Check a payload; only if nothing is wrong with it, keep it and apply it."""
        self._status = status_of(manifest)
        self._tools.outlets.announce(self._status)
        whole, payload = checked(self._tools, offer, record)
        if is_sealed(self._tools.system):
            return self._reopen()
        prepare(self._tools, manifest.flashed_at)
        return self._apply(payload, accept(self._tools, whole, self._status, record))

    def _resume(self, record: Record, offer: Offer) -> Status:
        """Go on where the power was cut, from the copy; where that is spoiled, from the card."""
        self._status = record.status
        if is_sealed(self._tools.system):
            return self._reopen()
        self._tools.outlets.log("The last run was cut short; it goes on where it was.")
        prepare(self._tools, record.status.started_at)
        try:
            copy = self._tools.journal.payload(record.status.generation or 0)
            payload = open_payload(self._tools, copy)
        except Faulty:
            if offer.manifest is None:
                raise
            return self._accept(offer, offer.manifest, record)
        return self._apply(payload, record)

    def _reopen(self) -> Status:
        reopen(self._tools.system)
        self._tools.outlets.log("The node is sealed, and is opened for changes.")
        return start_again(self._tools, self._status)

    def _apply(self, payload: Payload, record: Record) -> Status:
        self._tools.journal.save(record)
        run = Run(self._tools, payload, record)
        try:
            is_whole = run.apply_all()
        except Exception as error:  # whatever it is, the card must tell
            return end_failed(self._tools, run.record, explained(self._tools, error))
        if not is_whole:
            return start_again(self._tools, run.record.status)
        return end_done(self._tools, run.record)
