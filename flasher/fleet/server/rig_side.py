"""A site's side of a server: its cards as the ledger has them, its plan, its board, its memory."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autosetup.site_key import SiteKey
from flasher.errors import BadInput
from flasher.fleet.board.history import History
from flasher.fleet.board.keeping import folder_of
from flasher.fleet.board.places import board_of
from flasher.fleet.server.app import RigDesk, now
from flasher.fleet.server.desk import Cards, Desk, cards_in
from flasher.fleet.server.guard import Guard
from flasher.fleet.server.keeping import Keeper, Running, began
from flasher.fleet.server.shelf import Shelf
from flasher.fleet.server.signed_plan import PlanReader
from flasher.rig.ledger import Ledger
from flasher.rig.profile import Profile, load_profile


@dataclass(frozen=True, slots=True)
class RigSide:
    """What a server does for one site, beside the repository.

    Attributes:
        desk: with its guard.
        keeper: remembers it.
        history: gets the turning points.
        look: the cards as the ledger has them; None where nothing changed since.
        plans: the site's plan; None without a key or a repository.
        running: for this person's other programs.
    """

    desk: RigDesk
    keeper: Keeper
    history: History
    look: Callable[[], Cards | None]
    plans: PlanReader | None
    running: Running


@dataclass(frozen=True, slots=True)
class Whose:
    """The site that is served.

    Attributes:
        name: its name.
        key: the public half of its key; None for a site without.
        profile: lays its nodes out; None for the one that most cards are of, if it is here.
        ledger: knows its cards.
        at_once: see `Desk`.
    """

    name: str
    key: SiteKey | None
    ledger: Ledger
    profile: Profile | None = None
    at_once: int = 0


def rig_side(whose: Whose, guard: Guard, url: str, authority: str, shelf: Shelf | None) -> RigSide:
    """Everything as it was when the last server ended, and as the ledger is now.

    Raises:
        FlasherError: ``ledger-unusable``, ``state-unreadable``.
    """
    lines = whose.ledger.entries()
    cards = cards_in(lines, whose.name)
    keeper = Keeper(folder_of(whose.name))
    profile = whose.profile or _profile_of(cards)
    board = board_of(whose.name, cards.current.values(), now(), profile, cards.replaced)
    desk = Desk(keeper.board(board), cards, keeper.sequences(), keeper.turns(), whose.at_once)
    process = os.getpid()
    return RigSide(
        desk=RigDesk(desk, guard),
        keeper=keeper,
        history=History(whose.ledger),
        look=_watcher(whose),
        plans=_plans(whose, shelf, keeper.plan_version()),
        running=Running(url, guard.token, authority, process, began(process)),
    )


def _plans(whose: Whose, shelf: Shelf | None, seen: int) -> PlanReader | None:
    return PlanReader(shelf, whose.name, whose.key, seen) if shelf and whose.key else None


def _watcher(whose: Whose) -> Callable[[], Cards | None]:
    """Looks whether the ledger has grown; SQLite writes to the log beside it first."""
    path = whose.ledger.path
    files = (path, path.with_name(f"{path.name}-wal"))
    seen: list[object] = [None]

    def look() -> Cards | None:
        marks = tuple(map(_mark, files))
        if marks == seen[0]:
            return None
        cards = cards_in(whose.ledger.entries(), whose.name)
        seen[0] = marks
        return cards

    return look


def _mark(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _profile_of(cards: Cards) -> Profile | None:
    names = Counter(card.profile for card in cards.current.values())
    with suppress(BadInput):  # then the board shows the nodes in rows
        return load_profile(names.most_common(1)[0][0]) if names else None
    return None
