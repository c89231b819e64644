"""On the node: another payload than the card's, and back to the one before."""

from __future__ import annotations

from collections.abc import Mapping

from autosetup import rollback
from autosetup.accept import checked
from autosetup.card import digest_of
from autosetup.decide import decide, is_unfinished
from autosetup.errors import AgentError, conflict
from autosetup.faults import Fault, Faulty
from autosetup.manifest import MANIFEST, read_manifest
from autosetup.offer import Offer
from autosetup.record import Record
from autosetup.run import Tools


def stage_payload(tools: Tools, raw: Mapping[str, bytes]) -> None:
    """Have the agent's next run apply this payload, also after a power cut.

    What the node has in force, or is at work on, already is left to that run as it is.

    Args:
        tools: of the node.
        raw: the payload's files; the rules for one on the card hold for it too.

    Raises:
        Faulty: with everything that is wrong with it.
        AgentError: ``older``, ``conflict``, or what else keeps it from being applied.
    """
    if MANIFEST not in raw:
        what = "There is no payload here: this file is missing."
        raise Faulty([Fault(MANIFEST, 0, 0, what, "Give the folder autosetup of a card.")])
    record = tools.journal.load()
    offer = Offer(raw, read_manifest(raw[MANIFEST]), digest_of(raw[MANIFEST]))
    generation = offer.manifest.generation if offer.manifest else 0
    action = decide(record, offer.manifest, offer.digest)
    if action == "apply":
        checked(tools, offer, record)
        tools.journal.stage(raw)
    elif action == "conflict":
        raise conflict(generation)
    elif record and (generation, offer.digest) != (record.generation, record.digest):
        what = f"Generation {generation} is not newer than {record.newest[0]}, which was tried."
        raise AgentError("older", what, "Prepare the payload again: it gets a new generation.")


def take_back(tools: Tools, how: str = "by hand") -> None:
    """Have the agent's next run apply the good generation before the one in force.

    Where a way back is under way already, that run goes on with it.

    Args:
        tools: of the node.
        how: it was taken back, for people.

    Raises:
        AgentError: ``no-way-back``, there is none.
    """
    record = tools.journal.load()
    if record and _is_on_the_way(record):
        return
    back = _before(tools, record, how) if record else None
    if back is None:
        what = "This node knows no good generation before the one that it has."
        raise AgentError("no-way-back", what, "Give it a new payload.")
    tools.journal.save(back)


def has_way_back(tools: Tools) -> bool:
    """Whether `take_back` has a good generation to go to, or is under way already."""
    record = tools.journal.load()
    return record is not None and (_is_on_the_way(record) or bool(_before(tools, record, "")))


def _is_on_the_way(record: Record) -> bool:
    return record.fallen is not None and is_unfinished(record)


def _before(tools: Tools, record: Record, how: str) -> Record | None:
    """The record with which the good generation before is applied again; None for none."""
    what = f"Generation {record.generation} was taken back {how}."
    error = AgentError("taken-back", what, "Give the node a new payload.")
    targets = [good.generation for good in record.good if good.generation != record.generation]
    return rollback.begin(tools.journal, record, targets, rollback.fallen(record, error, ()))
