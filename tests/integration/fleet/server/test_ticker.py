"""The clock of a server that runs for long, whatever happens to its disk."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace

from flasher.events import Event, Noted
from flasher.fleet.server.desk import Cards
from flasher.fleet.server.guard import Guard
from flasher.fleet.server.rig_side import RigSide, Whose, rig_side
from flasher.fleet.server.ticker import Ticker
from flasher.rig.ledger import Ledger
from flasher.rig.rigmap import RigMap


def side_of(rig: RigMap) -> RigSide:
    whose = Whose(rig.site.name, None, Ledger())
    return rig_side(whose, Guard(frozenset({"http://a"})), "", "", None)


async def test_a_disk_that_takes_nothing_is_told_once_and_what_was_to_be_kept_is_kept_later(
    rig: RigMap,
) -> None:
    side, told = side_of(rig), list[Event]()
    looked: asyncio.Queue[None] = asyncio.Queue()

    def look() -> Cards | None:
        looked.put_nowait(None)
        return None

    ticker = Ticker(replace(side, look=look), told.append, seconds=0.001)
    shutil.rmtree(side.keeper.folder)
    side.keeper.folder.write_text("in the way")
    await ticker.begin()
    for _ in range(6):
        await looked.get()
    assert len(told) == 1
    side.keeper.folder.unlink()
    await ticker.end()
    assert (side.keeper.folder / "board.json").exists()
    assert len(told) == 1


async def test_a_mistake_in_what_is_looked_at_does_not_stop_the_clock(rig: RigMap) -> None:
    told: asyncio.Queue[Event] = asyncio.Queue()
    looked: asyncio.Queue[None] = asyncio.Queue()

    def look() -> Cards | None:
        looked.put_nowait(None)
        raise KeyError("a mistake")

    ticker = Ticker(replace(side_of(rig), look=look), told.put_nowait, seconds=0.001)
    await ticker.begin()
    for _ in range(4):
        await looked.get()
    await ticker.end()
    event = told.get_nowait()
    assert isinstance(event, Noted)
    assert "a mistake" in event.text
    assert told.empty()
