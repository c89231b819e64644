"""What of a rig's life goes into the ledger: turning points, never a line for every report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from flasher.fleet.board.heard import Heard
from flasher.fleet.board.model import Board
from flasher.rig.entry import Entry, nanoseconds_of
from flasher.rig.ledger import Ledger
from flasher.rig.sightings import LIVES, Sight, sighting

# A rig that is switched off at night is no news: a node is, that is away while others are there.
LONG_MISSING = timedelta(minutes=10)
# A card that lives and fails by turns fills no ledger: no more lines than these in so long.
SPELL, MOST_IN_A_SPELL = timedelta(hours=1), 6


@dataclass(frozen=True, slots=True)
class Turn:
    """A turning point in the life of a card; `generation` is the one that it is about."""

    card_id: str
    generation: int
    sight: Sight
    when: datetime
    reason: str = ""


def turns(before: Board, after: Board) -> tuple[Turn, ...]:
    """What happened between two states that is worth a line. Pure."""
    changed = (
        (before.heard_of.get(card), heard)
        for card, heard in after.heard_of.items()
        if heard is not before.heard_of.get(card)
    )
    spoken = (turn for old, new in changed if (turn := _turn(old, new)))
    return (*spoken, *_copied(before, after), *_gone(before, after))


def unheard(board: Board) -> Board:
    """The same before anybody of those who are there spoke, for the first `turns` after a start.

    So what was put off when the program ended is told; `History` drops what the ledger has already.
    """
    away = {card: h for card, h in board.heard_of.items() if board.now - h.at >= LONG_MISSING}
    return replace(board, heard_of=away)


class History:
    """Adds turning points to a ledger, each once, also over restarts.

    Of a card that lives and fails again and again, what it came to is added once a line may be.

    Args:
        ledger: is read whole at first, and then only added to.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lines: dict[str, list[Entry]] | None = None
        self._put_off: dict[str, Turn] = {}

    def add(self, points: Iterable[Turn], now: datetime) -> tuple[Entry, ...]:
        """Add the lines that are new, and give them back; blocks for some milliseconds each.

        Args:
            points: that were reached since the last time.
            now: UTC.

        Raises:
            FlasherError: ``ledger-unusable``, ``ledger-newer``.
        """
        due = [turn for turn in self._put_off.values() if not self._is_restless(turn, now)]
        return tuple(self._recorded((*due, *points), now))

    def forget(self) -> None:
        """Read the ledger anew the next time: others added to it."""
        self._lines = None

    def _recorded(self, points: Iterable[Turn], now: datetime) -> Iterator[Entry]:
        for turn in points:
            lines = self._of(turn.card_id)
            if self._is_restless(turn, now):
                self._put_off[turn.card_id] = turn
                continue
            line = sighting(
                lines,
                turn.card_id,
                turn.generation,
                turn.sight,
                turn.when.astimezone(UTC),
                reason=turn.reason,
            )
            if line:
                recorded = self._ledger.record(line)
                lines.append(recorded)
                yield recorded
            if turn.sight in LIVES:
                self._put_off.pop(turn.card_id, None)

    def _is_restless(self, turn: Turn, now: datetime) -> bool:
        """Whether enough was told of this card's life with this generation for now.

        Lines of the future are of a clock that was put back since.
        """
        lives = [line for line in self._of(turn.card_id) if line.result in LIVES]
        times = [nanoseconds_of(e.written_at) for e in lives if e.generation == turn.generation]
        since, until = (round(at.timestamp() * 10**9) for at in (now - SPELL, now))
        return turn.sight in LIVES and sum(since < t <= until for t in times) >= MOST_IN_A_SPELL

    def _of(self, card_id: str) -> list[Entry]:
        if self._lines is None:
            self._lines = {}
            for line in self._ledger.entries():
                self._lines.setdefault(line.card_id, []).append(line)
        return self._lines.setdefault(card_id, [])


def _turn(before: Heard | None, after: Heard) -> Turn | None:
    new, old = after.report, before.report if before else None
    is_back = before is not None and after.at - before.at >= LONG_MISSING
    if old and not is_back and (old.state, old.generation) == (new.state, new.generation):
        return None
    if new.state == "done":
        return Turn(new.card_id, new.generation, "alive", after.at)
    if new.state == "rolled-back":
        generation = new.failed_generation or new.generation
        return Turn(new.card_id, generation, "rolled-back", after.at, new.reason)
    if new.state == "failed":
        return Turn(new.card_id, new.generation, "unwell", after.at, new.reason)
    return None


def _copied(before: Board, after: Board) -> Iterator[Turn]:
    """Cards with whose key another computer speaks; of the generation that the ledger knows."""
    for card in after.cards.values():
        twin = after.twins.get(card.card_id)
        if twin and card.card_id not in before.twins:
            words = f"Another computer reported with its key, from {twin.address}."
            yield Turn(card.card_id, card.wanted, "copied", after.now, words)


def _gone(before: Board, after: Board) -> Iterator[Turn]:
    """Those that are away for long while most of the rig is there."""
    cards = [card.card_id for card in after.cards.values()]
    known = [heard for card in cards if (heard := after.heard_of.get(card))]
    gone = [heard for heard in known if after.now - heard.at >= LONG_MISSING]
    if 2 * len(gone) >= len(known):
        return
    for heard in gone:
        if before.now - heard.at < LONG_MISSING:
            words = f"Its last word: {heard.report.state}."
            yield Turn(heard.report.card_id, heard.report.generation, "missing", after.now, words)
