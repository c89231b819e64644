"""A rig of the size that people have, in the middle of an update, with all there is to be seen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from autosetup.report import Report
from flasher.errors import FlasherError
from flasher.fleet.board.model import Board
from flasher.fleet.board.places import board_of
from flasher.fleet.board.view import BoardView, RolloutView
from flasher.rig.profile import Profile, load_profile
from flasher.rig.rigmap import nodes_of

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
OLD, NEW = 1795233590, 1795240000
SECOND = timedelta(seconds=1)


class Holder(NamedTuple):
    card_id: str
    node: str
    role: str
    position: str
    generation: int


def cards(profile: Profile) -> list[Holder]:
    """A card for every node but the last two."""
    return [
        Holder(f"{number:032x}", node.name, node.role, node.position, NEW)
        for number, node in enumerate(nodes_of(profile)[:-2], 1)
    ]


def quiet(profile: Profile | None = None) -> Board:
    """Every node is done, and has the newest generation."""
    profile = profile or load_profile("body-16x7")
    holders = cards(profile)
    board = board_of("studio", holders, NOON - 60 * SECOND, profile)
    for number, holder in enumerate(holders):
        board = board.heard(report(holder, number), f"10.20.0.{number % 250 + 1}", NOON - SECOND)
    return board.at(NOON)


def report(holder: Holder, number: int, **told: object) -> Report:
    said = Report(
        holder.card_id,
        holder.node,
        number,
        "done",
        generation=NEW,
        agent_version="0.1.0",
        image_digest="5" * 64,
        serial=f"10000000{number:08x}",
        model="Raspberry Pi 4 Model B Rev 1.4",
        uptime_seconds=86_400,
        time_ms=round((NOON - SECOND).timestamp() * 1000),
        temperature_c=48,
        card_wear_percent=10,
        free_bytes=24_000_000_000,
        addresses=(f"10.20.0.{number % 250 + 1}",),
        update="idle",
    )
    return replace(said, **told)  # type: ignore[arg-type]


def lively(profile: Profile | None = None) -> Board:
    """In the middle of an update, with nodes in every state and warnings of every kind."""
    profile = profile or load_profile("body-16x7")
    holders = cards(profile)
    board = board_of("studio", holders, NOON - 90 * SECOND, profile)
    told: dict[int, dict[str, object]] = {
        5: {
            "state": "failed",
            "step": "scripts",
            "step_number": 8,
            "step_count": 9,
            "code": "script-failed",
            "reason": "50-calibrate ended with 3.",
            "hint": "See log.txt on the card.",
        },
        9: {
            "state": "rolled-back",
            "generation": OLD,
            "failed_generation": NEW,
            "code": "unhealthy",
        },
        20: {"temperature_c": 84},
        21: {"time_ms": round((NOON - 5 * SECOND).timestamp() * 1000)},
        33: {"card_wear_percent": 90, "free_bytes": 120_000_000},
        40: {"state": "checking"},
        41: {"state": "waiting", "generation": 0},
    }
    step = {"state": "applying", "step": "packages", "step_number": 5, "step_count": 9}
    waits, silent = {"generation": OLD, "update": "waiting for its turn"}, 60
    last_word = report(holders[silent], silent, **waits)
    board = board.heard(last_word, f"10.20.0.{silent + 1}", NOON - 75 * SECOND)
    board = board.refused("f" * 32, holders[3].node, "10.20.3.99", NOON - 4 * SECOND)
    for number, holder in enumerate(holders):
        changes = told.get(number, {})
        if 50 <= number < 54:
            changes = {**step, "step_number": number - 47}
        if 54 <= number < 70:
            changes = dict(waits)
        if number in (12, 100, silent):
            continue
        said = report(holder, number, **changes)
        board = board.heard(said, f"10.20.0.{number + 1}", NOON - SECOND)
    return board.at(NOON).with_rollout(RolloutView(NEW, "running"))


class HeldBoard:
    """A board in memory, for screens to follow.

    Attributes:
        asked: cards that were asked to blink, in their order.
    """

    def __init__(self, view: BoardView) -> None:
        self._news: BoardView | FlasherError = view
        self._changed = asyncio.Event()
        self.asked: list[str] = []

    def tell(self, news: BoardView | FlasherError) -> None:
        """Have everybody who follows hear this."""
        self._news = news
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def follow(self) -> AsyncIterator[BoardView | FlasherError]:
        """As `BoardFeed.follow`; what follows faster than it is heard is passed over."""
        while True:
            changed = self._changed
            yield self._news
            await changed.wait()

    async def blink(self, card_id: str) -> None:
        """Note that a node was asked."""
        self.asked.append(card_id)
