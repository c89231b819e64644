"""The person in front of the wizard: presses keys, waits for what must come, reads the screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event
from types import UnionType
from typing import TypeVar

from textual.pilot import Pilot
from textual.screen import Screen
from textual.strip import Strip

from flasher.bench.model import Failed, Lane, Ready, Stage
from flasher.image.source import ImageFile
from flasher.rig.ledger import Entry
from flasher.tui.app import FlasherApp
from flasher.tui.screens.bench import BenchScreen
from flasher.tui.screens.confirm import ConfirmScreen
from flasher.tui.screens.site import SiteScreen

S = TypeVar("S", bound="Screen[object]")


class GatedImage(ImageFile):
    """An image on a disk that can be made to wait; cards can be planned all the same."""

    def __init__(self, image: ImageFile, gate: Event) -> None:
        vars(self).update(vars(image))
        self.gate = gate

    def read_into(self, offset: int, buffer: memoryview) -> None:
        if offset:  # the head is read before the card is touched
            self.gate.wait()
        ImageFile.read_into(self, offset, buffer)


class Technician:
    """Walks through the wizard as its keys allow."""

    def __init__(self, app: FlasherApp, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def press_once_heard(self, key: str) -> None:
        """Wait until the screen listens to a key, and press it."""
        await self.until(
            lambda: (
                (found := self.app.screen.active_bindings.get(key)) is not None and found.enabled
            )
        )
        await self.press(key)

    async def until(self, condition: Callable[[], bool], turns: int = 1000) -> None:
        """Let the wizard work until the condition holds."""
        for _ in range(turns):
            await self.pilot.pause()
            if condition():
                return
            await self.pilot.pause(0.01)
        raise AssertionError(f"It never came; on the screen:\n{self.read()}")

    async def see(self, kind: type[S]) -> S:
        """Wait until a screen of this kind is on top."""
        await self.until(lambda: isinstance(self.app.screen, kind) and self.app.screen.is_mounted)
        assert isinstance(self.app.screen, kind)
        return self.app.screen

    def read(self) -> str:
        """What is on the screen, in words, without the frames."""
        update = self.app.screen._compositor.render_full_update(simplify=True)
        lines = [Strip.join(strips).text for strips in update.strips]
        return " ".join("".join(c if c not in "│╭╮╰╯─" else " " for c in " ".join(lines)).split())

    def told(self) -> str:
        """What was told in passing, over the screen, and can still be read."""
        return " ".join(notice.message for notice in self.app._notifications)

    async def go_to_bench(self) -> BenchScreen:
        """Choose the first scanner and the first site, and wait for the cards in the readers."""
        await self.press("enter")
        await self.see(SiteScreen)
        await self.press("enter")
        bench = await self.see(BenchScreen)
        expected = len(self.app.workplace.catalog.drives())
        await self.until(lambda: len(bench.bench.lanes) == expected)
        await self.until(lambda: bench.lane is not None or not expected)
        return bench

    @property
    def bench(self) -> BenchScreen:
        """The bench, whatever is open over it."""
        return next(s for s in self.app.screen_stack if isinstance(s, BenchScreen))

    def lane(self, number: int = 1) -> Lane:
        """The lane of this number, as the screen knows it."""
        return self.bench.bench.lanes[number - 1]

    async def until_lane(self, kind: type[object] | UnionType, number: int = 1) -> Lane:
        """Wait until a lane is in this phase, and its node's state is shown."""
        await self.until(lambda: isinstance(self.lane(number).phase, kind))
        await self.pilot.pause()
        return self.lane(number)

    async def put_in(self, card: str, number: int = 1) -> Lane:
        """Put a card of the practice box into a reader, in place of what is in it."""
        desk = self.app.workplace.desk
        assert desk
        before = self.lane(number).drive if len(self.bench.bench.lanes) >= number else None
        desk.pull(number)
        desk.insert(number, card)
        await self.until(
            lambda: (
                len(self.bench.bench.lanes) >= number
                and self.lane(number).drive not in (before, None)
            )
        )
        return self.lane(number)

    async def take_out(self, number: int = 1) -> str | None:
        """Pull a card; its name in the practice box."""
        desk = self.app.workplace.desk
        assert desk
        return desk.pull(number)

    async def go_to_confirm(self) -> ConfirmScreen:
        """Press Enter on a card that asks, and wait for what would be lost."""
        await self.press("enter")
        confirm = await self.see(ConfirmScreen)
        await self.until(lambda: not confirm.query_one("#write").disabled)
        return confirm

    async def until_stage(self, stage: Stage, number: int = 1) -> None:
        """Wait until a lane's work has come so far."""
        await self.until(lambda: getattr(self.lane(number).phase, "stage", None) == stage)

    async def make_card(self, number: int = 1) -> Lane:
        """From the bench to the end of a card, however it ends."""
        await self.press(str(number), "enter")
        return await self.until_lane(Ready | Failed, number)

    def move_image_behind(self, gate: Event) -> None:
        """Put the image onto a disk that answers only while the gate is open."""
        image = self.app.image_status
        assert isinstance(image, ImageFile)
        self.app.image_status = GatedImage(image, gate)

    def drive(self, number: int = 1) -> Path:
        """The practice reader of this number, with its card."""
        return self.app.workplace.ledger.path.with_name("readers") / f"reader-{number}"

    def ledger(self) -> tuple[Entry, ...]:
        return self.app.workplace.ledger.entries()
