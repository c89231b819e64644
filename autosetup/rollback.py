"""Back to the last good generation: which one, why, and the record with which it begins.

The record is the whole transaction. Saved once, it names the generation to be applied again and the
one that fell; from then on every run, cut short or not, goes on with the way back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from autosetup import board
from autosetup.accept import status_of
from autosetup.card import digest_of
from autosetup.errors import AgentError, plain
from autosetup.faults import Faulty
from autosetup.journal import Journal
from autosetup.manifest import MANIFEST
from autosetup.payload import unpack
from autosetup.record import Fallen, Good, Record
from autosetup.scrub import redact
from autosetup.steps import RETURNING

# A run that was cut by chance gets as far as this; one that a payload brings down never will.
MOST_STARTS = 3
_MOST_GOOD = 2


def ways_back(record: Record) -> tuple[int, ...]:
    """The generations to return to when the one at work fails, newest first; empty for none.

    A generation that was good once is not taken back: what it fails for is not its own doing.
    """
    good = tuple(good.generation for good in record.good)
    return () if record.fallen or record.generation in good else good


def is_stuck(record: Record) -> bool:
    """Whether so many runs ended in the same step, without a word, that it cannot be by chance."""
    return record.starts >= MOST_STARTS and bool(ways_back(record))


def stuck() -> AgentError:
    """What to say of it."""
    what = f"{MOST_STARTS} runs in a row were cut short at this step."
    return AgentError("cut-short", what, "Look in log.txt, and mend the payload.")


def lost_address(record: Record, addresses: tuple[str, ...]) -> AgentError | None:
    """A payload that leaves the node without an address, where the last good one gave it one."""
    had = bool(ways_back(record)) and record.good[0].reached
    if not had or board.is_reachable(addresses):
        return None
    what = f"The node has no address; with generation {record.good[0].generation} it had one."
    return AgentError("no-address", what, "Compare the networks of the two payloads.")


def begin(
    journal: Journal, record: Record, targets: Sequence[int], fallen: Fallen
) -> Record | None:
    """The record with which a good generation is applied again in place of the one at work.

    Args:
        targets: the generations to choose from; the first whose copy is whole is taken.
        fallen: the one at work, and why it is taken back.

    Returns:
        None where no copy is whole.
    """
    for target in targets:
        raw = journal.payload(target)
        try:
            manifest = unpack(raw).manifest
        except Faulty:
            continue
        status = replace(status_of(manifest), state="applying", step_count=len(RETURNING))
        known = next((good for good in record.good if good.generation == target), None)
        status = replace(status, trust=known.trust, signer=known.signer) if known else status
        good = tuple(good for good in record.good if good.generation != record.generation)
        new = replace(record, digest=digest_of(raw[MANIFEST]), status=status, starts=1)
        new = replace(new, restarts=0, stops=0)
        return replace(new, good=good, fallen=fallen)
    return None


def fallen(record: Record, error: AgentError, secrets: tuple[str, ...]) -> Fallen:
    """The generation at work as one that is taken back, so that none up to it is tried again.

    Args:
        error: why.
        secrets: texts that must not be told.
    """
    return Fallen(
        *record.newest,
        record.status.step or "",
        error.code,
        plain(redact(error.reason, secrets)),
        plain(redact(error.hint, secrets)),
    )


def proven(record: Record, *, reached: bool) -> tuple[Good, ...]:
    """The good generations now that the one at work is one of them."""
    others = (good for good in record.good if good.generation != record.generation)
    new = Good(record.generation, reached, record.status.trust, record.status.signer)
    return (new, *others)[:_MOST_GOOD]
