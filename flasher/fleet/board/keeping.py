"""What is known of all nodes, kept over a restart of the server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from autosetup.report import Report
from flasher import paths
from flasher.errors import FlasherError
from flasher.fleet.board.heard import Heard
from flasher.fleet.board.model import Board
from flasher.fleet.board.view import BoardView, read_board

FORMAT = 1
BOARD = "board.json"
_LISTS = ("warnings", "addresses")


def folder_of(site: str) -> Path:
    """Where what is known of a site's rig is kept."""
    return paths.data() / "fleet" / site


def last_board(site: str) -> BoardView | None:
    """What a server on this computer wrote down last; None where there is nothing to be read."""
    with suppress(OSError, FlasherError):
        return read_board((folder_of(site) / BOARD).read_bytes())
    return None


def kept(board: Board) -> bytes:
    """What `restored` reads: a JSON document of some hundred bytes a node."""
    cards = {card: _words(heard) for card, heard in board.heard_of.items()}
    return (json.dumps({"format": FORMAT, "cards": cards}) + "\n").encode()


def restored(board: Board, raw: bytes) -> Board:
    """The board with what was kept; a file that cannot be read counts as empty.

    Nodes that do not speak again are missing from their last word on, as ever. No word was said
    later than now, whatever the clock was then.
    """
    try:
        top = json.loads(raw)
        found = {str(card): _heard(words, board.now) for card, words in top["cards"].items()}
        is_ours = top["format"] == FORMAT
    except (ValueError, KeyError, TypeError, AttributeError):
        return board
    return replace(board, heard_of={**found, **board.heard_of}) if is_ours else board


def _words(heard: Heard) -> dict[str, object]:
    at, since = heard.at.isoformat(), heard.since.isoformat()
    return {"at": at, "since": since, "address": heard.address, "report": asdict(heard.report)}


def _heard(words: Mapping[str, Any], now: datetime) -> Heard:
    names = {each.name for each in fields(Report)}
    values = {key: value for key, value in words["report"].items() if key in names}
    report = Report(**{**values, **{key: tuple(values[key]) for key in _LISTS}})
    at, since = (min(datetime.fromisoformat(words[name]), now) for name in ("at", "since"))
    return Heard(report, str(words["address"]), at, since)
