"""The agent: one run from a payload to a node, safe against a power cut at any moment.

Check everything; copy the payload to the root file system; apply the steps, each recorded once its
effect is on disk; publish; and only after success erase the secrets on the card.

`offer` reads what the card has, `accept` checks and keeps it, `run` applies it, `finish` ends it.
"""

from __future__ import annotations

from dataclasses import replace

from autosetup import rollback
from autosetup.accept import accept, checked, prepare, status_of
from autosetup.card import missing_boot
from autosetup.decide import decide, is_unfinished
from autosetup.errors import AgentError, conflict
from autosetup.faults import Faulty
from autosetup.finish import end, end_failed, explained, fail, refuse, start_again, stay
from autosetup.offer import Offer, load_record, note, read_offer
from autosetup.payload import Payload, unpack
from autosetup.record import Record
from autosetup.run import Run, Tools, at_next_step, open_payload
from autosetup.sealing import is_sealed, reopen
from autosetup.settings import Manifest
from autosetup.status import Status, begun_again
from autosetup.weigh import weigh


class Agent:
    """One run, with the tools given."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._status = Status("waiting")  # of what an error is told of

    def run(self) -> Status:
        """Do what this boot calls for; gives the state that was reached."""
        try:
            record = load_record(self._tools)
            offer = read_offer(self._tools, record)
            return self._act(record, weigh(self._tools, offer, record))
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
                ended = "failed" if record.status.state == "failed" else "was cut short"
                self._tools.outlets.log(f"The last run {ended}; it goes on where it was.")
                return self._resume(record, offer)
            case "conflict", _, Manifest() as manifest:
                self._status = status_of(manifest)
                raise conflict(manifest.generation)
            case ("nothing" | "ignore") as action, Record(), _:
                note(self._tools, offer, is_older=action == "ignore")
                return stay(self._tools, record, offer)
        if place := missing_boot(self._tools.system):
            what = f"The boot partition, which has the payload, is not mounted at {place}."
            raise AgentError("no-boot-partition", what, "Prepare the card again, or change it.")
        if offer.raw:
            unpack(offer.raw)  # which lacks its manifest, and says so
        self._tools.outlets.announce(self._status)
        return self._status

    def _accept(self, offer: Offer, manifest: Manifest, record: Record | None) -> Status:
        """Check a payload; only if nothing is wrong with it, keep it and apply it."""
        self._status = status_of(manifest)
        self._tools.outlets.announce(self._status)
        try:
            whole, payload = checked(self._tools, offer, record)
        except (Faulty, AgentError) as error:
            self._tools.journal.drop_staged()
            if record is None or not is_unfinished(record):
                raise
            self._tools.outlets.log(f"Refused, while another payload is at work: {error}")
            return self._resume(record, replace(offer, manifest=None))
        if is_sealed(self._tools.system):
            return self._reopen()
        prepare(self._tools, manifest.flashed_at)
        return self._apply(
            payload, accept(self._tools, whole, payload, self._status, record), offer
        )

    def _resume(self, record: Record, offer: Offer) -> Status:
        """Go on with a run from the copy; where that is spoiled, from the card."""
        if record.status.state == "failed":
            status = begun_again(record.status)
            record = replace(record, status=replace(status, attempt=status.attempt + 1), starts=0)
        self._status = record.status
        if is_sealed(self._tools.system):
            return self._reopen()
        if rollback.is_stuck(record):
            return self._fall(at_next_step(record), rollback.stuck(), offer)
        prepare(self._tools, record.status.started_at)
        try:
            payload = open_payload(self._tools, self._tools.journal.payload(record.generation))
        except Faulty:
            manifest = offer.manifest
            if manifest is None or manifest.generation < record.generation or record.fallen:
                raise
            return self._accept(offer, manifest, record)
        return self._apply(payload, replace(record, starts=record.starts + 1), offer)

    def _reopen(self) -> Status:
        reopen(self._tools.system)
        self._tools.outlets.log("The node is sealed, and is opened for changes.")
        return start_again(self._tools, self._status)

    def _apply(self, payload: Payload, record: Record, offer: Offer) -> Status:
        self._tools.journal.save(record)
        run = Run(self._tools, payload, record)
        try:
            if not run.apply_all():
                self._tools.journal.save(replace(run.record, starts=0))
                return start_again(self._tools, run.record.status)
            addresses = run.go_online()
            if lost := rollback.lost_address(run.record, addresses):
                raise lost
        except Exception as error:  # whatever it is, the card must tell
            return self._fall(run.record, explained(self._tools, error), offer)
        return end(self._tools, run.record, addresses)

    def _fall(self, record: Record, error: AgentError, offer: Offer) -> Status:
        """A payload at work failed: back to the last good one, if there is one."""
        fallen = rollback.fallen(record, error, self._tools.outlets.secrets)
        targets = rollback.ways_back(record)
        back = rollback.begin(self._tools.journal, record, targets, fallen)
        if back is None:
            return end_failed(self._tools, record, error)
        self._tools.outlets.log(f"Generation {record.generation} failed: {error}")
        self._tools.outlets.log(f"The node goes back to generation {back.generation}.")
        self._tools.journal.save(back)
        return self._resume(back, offer)
