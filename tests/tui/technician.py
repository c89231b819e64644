"""The person in front of the wizard: presses keys, waits for what must come, reads the screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import TypeVar

from textual.pilot import Pilot
from textual.screen import Screen
from textual.strip import Strip

from flasher.image.source import ImageFile
from flasher.rig.ledger import Entry
from flasher.tui.app import FlasherApp
from flasher.tui.screens.bench import BenchScreen
from flasher.tui.screens.confirm import ConfirmScreen
from flasher.tui.screens.site import SiteScreen
from flasher.tui.screens.writing import WritingScreen
from flasher.tui.widgets.drive_list import DriveList

S = TypeVar("S", bound="Screen[object]")


class GatedImage(ImageFile):
    """An image on a disk that can be made to wait."""

    def __init__(self, image: ImageFile, gate: Event) -> None:
        vars(self).update(vars(image))
        self.gate = gate

    def read(self, offset: int, length: int) -> bytes:
        self.gate.wait()
        return ImageFile.read(self, offset, length)

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

    async def go_to_bench(self) -> BenchScreen:
        """Choose the first scanner and the first site, and wait for the readers."""
        await self.press("enter")
        await self.see(SiteScreen)
        await self.press("enter")
        bench = await self.see(BenchScreen)
        await self.until(lambda: bench.query_one(DriveList).drives is not None)
        return bench

    async def go_to_confirm(self) -> ConfirmScreen:
        """Choose the first drive for the next card, and wait for its plan."""
        await self.press("enter")
        confirm = await self.see(ConfirmScreen)
        await self.until(lambda: not confirm.query_one("#write").disabled)
        return confirm

    async def write(self) -> WritingScreen:
        """Confirm with a deliberate move."""
        await self.press("tab", "enter")
        return await self.see(WritingScreen)

    async def make_card(self) -> WritingScreen:
        """From the bench to the end of a card, however it ends."""
        await self.go_to_confirm()
        writing = await self.write()
        await self.until(lambda: not writing.busy)
        return writing

    def move_image_behind(self, gate: Event) -> None:
        """Put the image onto a disk that answers only while the gate is open."""
        image = self.app.image_status
        assert isinstance(image, ImageFile)
        self.app.image_status = GatedImage(image, gate)

    def drive(self, number: int = 1) -> Path:
        """The virtual card of this number."""
        return self.app.workplace.ledger.path.with_name(f"card-{number}.img")

    def ledger(self) -> tuple[Entry, ...]:
        return self.app.workplace.ledger.entries()
