"""What the ledger knows of readers: whether a slow card is slow itself, or what it was in. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from flasher.rig.entry import Entry

# MB/s: what the SD Association's speed class 4 guarantees.
SLOW = 4.0
# So few bytes say nothing of a card's speed.
_ENOUGH = 16 << 20
_RECENT, _FEWEST = 5, 3


def judge_reader(entries: Sequence[Entry], latest: Entry) -> str:
    """One sentence about a slow card and its reader.

    Args:
        entries: of the ledger, oldest first; `latest` may be among them.
        latest: the card that was just written.

    Returns:
        whether to blame the reader; empty where the card was fast, or too little is known.
    """
    if not latest.reader_port or not _is_telling(latest) or latest.write_speed >= SLOW:
        return ""
    reader = (latest.laptop, latest.reader_port)
    alike = [
        entry
        for entry in entries
        if (entry.laptop, entry.reader_port) == reader
        and entry.entry_id != latest.entry_id
        and _is_telling(entry)
    ]
    recent = [*alike[1 - _RECENT :], latest]
    slow = sum(entry.write_speed < SLOW for entry in recent)
    if len(recent) < _FEWEST:
        return ""
    if slow == len(recent):
        what = f"The last {slow} cards in this reader ({latest.reader_port}) were all slow"
        return f"{what}: it is the reader, its cable or its port. Try another."
    if slow == 1:
        what = f"The {len(recent) - 1} cards before it in this reader ({latest.reader_port})"
        return f"{what} were faster: it is this card."
    return ""


def _is_telling(entry: Entry) -> bool:
    return entry.result == "verified" and entry.bytes_written >= _ENOUGH and entry.write_speed > 0
