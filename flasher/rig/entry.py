"""A line of the ledger: what happened to a card, with an id that its own contents make.

Lines are never changed, and two that are equal have one id: that is why ledgers of several laptops
can be put together in any order and in any parts, and why a line that was edited is found out.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Literal, get_args

from flasher.image.ranges import ByteRange

# How writing it ended; or what was seen of a card that had been verified: see `sightings`.
# In a rig: a newer generation was `released` for it, perhaps as another node; it failed on its node
# (`unwell`), or was taken back (`rolled-back`); its node is `missing` for long; another computer
# spoke with its key (`copied`).
Result = Literal[
    "verified",
    "failed",
    "cancelled",
    "rehearsed",
    "alive",
    "released",
    "unwell",
    "rolled-back",
    "missing",
    "copied",
]
RESULTS: tuple[Result, ...] = get_args(Result)

# What a terminal obeys, and what turns the order of a line's letters round; \t and \n do no harm.
COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# In place of a digest.
NO_ROOT = "none"
_UNIT = 4096
_TIME_DIGITS = _HASH_DIGITS = 16
_LAST = 2**64 - 2**32


@dataclass(frozen=True, slots=True)
class Entry:
    """One card written, or seen. New columns come last and have a default: old ledgers lack them.

    Attributes:
        written_at: when it was begun, or seen; UTC, ISO 8601.
        generation, card_id: as in the payload's manifest.
        drive, serial: path and serial of the drive; USB readers report their own serial.
        image_digest: sha256 of the raw base image.
        bytes_written, seconds: of all the work on the card together.
        reason: one sentence; empty where nothing went wrong, unless a card was mended.
        host_key: the node's public SSH host key, where the card brought one.
        entry_id: 32 hex digits: nanoseconds since 1970 when it was recorded, then the head of a
            digest of all other columns; the ledger gives it.
        laptop: name of the computer that wrote it; the ledger gives it.
        finished_at: as `written_at`.
        payload_digest: sha256 of the payload's manifest, which names all its files by digest.
        image_name: file name of the image, for people.
        bytes_kept: that were on the card already as they must be.
        bytes_verified: read back past every cache and found right; those kept are among them.
        ranges: where these are, see `pack_ranges`.
        write_speed, read_speed: MB/s (10⁶ bytes); 0 where nothing was measured.
        reader_port: where the reader is plugged in, as the drive tells it.
        drive_model: what the reader says of itself.
        cid: the card's own id, 32 hex digits; built-in readers tell it, USB readers do not.
        role: of the node.
        address: its fixed address, without a prefix; empty where the network gives it one.
        user: who logs in there.
        replaces: id of our card that was overwritten; empty where there was none.
        tool: the program and its version; the ledger gives it.
        sealing_key, report_key: public halves of the card's own keys, 32 bytes in base64: what is
            sealed for the node, and what it signs; empty for cards that have none.
        update_root: digest of the root of the repository whose releases its image takes; `NO_ROOT`
            where it takes none; empty where nobody looked.
        reached_from: name of the node through which people come to it by SSH; empty where they come
            straight to it, or not with keys of their own.
    """

    written_at: str
    profile: str
    site: str
    node: str
    position: str
    generation: int
    card_id: str
    drive: str
    serial: str
    image_digest: str
    bytes_written: int
    seconds: float
    result: Result
    reason: str
    host_key: str = ""
    entry_id: str = ""
    laptop: str = ""
    finished_at: str = ""
    payload_digest: str = ""
    image_name: str = ""
    bytes_kept: int = 0
    bytes_verified: int = 0
    ranges: str = ""
    write_speed: float = 0.0
    read_speed: float = 0.0
    reader_port: str = ""
    drive_model: str = ""
    cid: str = ""
    role: str = ""
    address: str = ""
    user: str = ""
    replaces: str = ""
    tool: str = ""
    sealing_key: str = ""
    report_key: str = ""
    update_root: str = ""
    reached_from: str = ""


COLUMNS = tuple(field.name for field in fields(Entry))
# What a line of an earlier version has in a column that it lacks.
DEFAULTS: dict[str, str | int | float] = {
    field.name: field.default
    for field in fields(Entry)
    if isinstance(field.default, str | int | float)
}


def stamp(entry: Entry, nanoseconds: int) -> Entry:
    """The entry with its id; the same contents and time give the same. Pure.

    Args:
        nanoseconds: since 1970, below 2⁶⁴: when it is recorded, so that ids are in that order.
    """
    head = f"{nanoseconds:0{_TIME_DIGITS}x}"
    return replace(entry, entry_id=head + _digest(entry, head))


def nanoseconds_in(entry_id: str) -> int:
    """When a line was recorded, by its id; at most what leaves room for later ones."""
    return min(int(entry_id[:_TIME_DIGITS], 16), _LAST)


def storable(entry: Entry) -> Entry:
    """The entry with all its texts as UTF-8 and fit for a terminal: file names may be neither."""
    texts = {name: value for name in COLUMNS if isinstance(value := getattr(entry, name), str)}
    return replace(entry, **{name: _clean(text) for name, text in texts.items()})  # type: ignore[arg-type]


def _clean(text: str) -> str:
    text = text.encode(errors="backslashreplace").decode()
    return COMMANDS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def is_genuine(entry: Entry) -> bool:
    """Whether the contents are those that the id was made from."""
    head = entry.entry_id[:_TIME_DIGITS]
    return entry.entry_id == head + _digest(entry, head)


def nanoseconds_of(written_at: str) -> int:
    """A time of the ledger in nanoseconds since 1970; 0 for what is none."""
    try:
        return max(int(datetime.fromisoformat(written_at).timestamp()), 0) * 10**9
    except ValueError:
        return 0


def standing(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The lines of verified cards, in their order, without those that were overwritten later."""
    return tuple(entry for entry in not_replaced(entries) if entry.result == "verified")


def not_replaced(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The lines, in their order, without those of cards that were overwritten later."""
    lines = tuple(entries)
    replaced = {line.replaces for line in lines} - {""}
    return tuple(line for line in lines if line.card_id not in replaced)


def pack_ranges(ranges: Iterable[ByteRange]) -> str:
    """Ranges as text: first block and number of blocks of 4 KiB, such as ``0+256 2048+131072``.

    The last block may be cut off by the image's end.
    """
    return " ".join(f"{each.offset // _UNIT}+{-(-each.length // _UNIT)}" for each in ranges)


def unpack_ranges(text: str) -> tuple[ByteRange, ...]:
    """The ranges that `pack_ranges` wrote; raises `ValueError` for other text."""
    pairs = (word.split("+", 1) for word in text.split())
    return tuple(ByteRange(int(first) * _UNIT, int(count) * _UNIT) for first, count in pairs)


def _digest(entry: Entry, head: str) -> str:
    """Columns as they are by default are left out: a later version's new ones change nothing."""
    values = {name: getattr(entry, name) for name in COLUMNS if name != "entry_id"}
    told = {name: value for name, value in values.items() if value != DEFAULTS.get(name)}
    text = json.dumps([head, told], ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]
