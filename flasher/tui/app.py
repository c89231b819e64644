"""The technician's wizard: a thin Textual application over the same engine as the command line.

What it does not need for its first screen is loaded while that is looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import SystemCommand
from textual.binding import Binding
from textual.reactive import reactive
from textual.screen import Screen

from flasher.errors import FlasherError
from flasher.events import CancelFlag, Event, StepAdvanced
from flasher.tui.attempt import attempt
from flasher.tui.images import (
    ImageStatus,
    ImageTrouble,
    LookingForImage,
    NoImage,
    OpeningImage,
)
from flasher.tui.messages import (
    EngineEvent,
    ImageSettled,
    ProfileChosen,
    SiteChosen,
    WorkplaceOpened,
)
from flasher.tui.plain_app import PlainApp
from flasher.tui.screens.scanner import ScannerScreen
from flasher.tui.words import _

if TYPE_CHECKING:
    from flasher.rig.profile import Profile
    from flasher.tui.screens.bench import BenchScreen
    from flasher.tui.workplace import Workplace


def run(*, practice: bool, image: Path | None = None) -> int:
    """Open the wizard and stay until the person quits; the exit status.

    Args:
        practice: write cards that are files instead of real ones.
        image: the base image; without it, the newest one on this computer.

    Raises:
        FlasherError: there is no bench to be had.
    """

    def open_bench() -> Workplace:
        from flasher.tui.workplace import open_workplace

        return open_workplace(practice=practice, image=image)

    return FlasherApp(open_bench, practice=practice).stay()


class FlasherApp(PlainApp):
    """Leads from screen to screen, opens the base image, and asks before it closes.

    Args:
        open_workplace: gives the outside world; called in a thread.
        practice: whether the cards are files.
    """

    CSS_PATH: ClassVar = ["app.tcss", "bench.tcss"]
    BINDINGS: ClassVar = [
        # The badge of the top line shows it, on every screen alike.
        Binding("f8", "practice_desk", _("Practice desk"), show=False),
    ]

    image_status: reactive[ImageStatus] = reactive[ImageStatus](LookingForImage())

    def __init__(self, open_workplace: Callable[[], Workplace], *, practice: bool) -> None:
        super().__init__()
        self._open_workplace, self._practice = open_workplace, practice
        self._opening = False
        self._opened = asyncio.Event()
        self._workplace: Workplace | None = None
        self._profile: Profile | None = None
        self._cancel_image = CancelFlag()

    def get_default_screen(self) -> Screen[None]:
        """The first screen."""
        return ScannerScreen(practice=self._practice)

    @on(ScannerScreen.Read)
    def _open_once(self) -> None:
        """Open the workplace while the first screen is looked at."""
        if not self._opening:
            self._opening = True
            self._open()

    @property
    def is_open(self) -> bool:
        """Whether the workplace is there."""
        return self._opened.is_set()

    @property
    def workplace(self) -> Workplace:
        """The outside world, once it is opened."""
        assert self._workplace is not None
        return self._workplace

    @work(thread=True, exit_on_error=False, group="workplace")
    def _open(self) -> None:
        self.post_message(WorkplaceOpened(attempt(self._open_workplace)))
        # So that nobody waits for them later.
        import flasher.tui.screens.bench
        import flasher.tui.screens.site  # noqa: F401

    @on(WorkplaceOpened)
    def _settle_workplace(self, message: WorkplaceOpened) -> None:
        opened = message.outcome
        if isinstance(opened, FlasherError):
            self.trouble = opened
            self.exit()
            return
        self._workplace = opened
        self._opened.set()
        for screen in self.screen_stack:
            if isinstance(screen, ScannerScreen):
                screen.follow(opened.ledger)
        if path := opened.image:
            self.image_status = OpeningImage(path)
            self._open_image(path)
        else:
            self.image_status = NoImage()

    def get_system_commands(self, screen: Screen[object]) -> Iterator[SystemCommand]:
        """The desk too, where one practises."""
        yield from super().get_system_commands(screen)
        if self._practice:
            words = _("Key: {key}").format(key="F8")
            yield SystemCommand(_("Practice desk"), words, self.action_practice_desk)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """There is a desk only where one practises."""
        return action != "practice_desk" or self._practice

    def action_practice_desk(self) -> None:
        """Put practice cards into readers, pull them, break them."""
        from flasher.tui.screens.practice import PracticeScreen

        if self._workplace and (desk := self._workplace.desk):
            self.push_screen(PracticeScreen(desk))

    @work(thread=True, exit_on_error=False, group="image")
    def _open_image(self, path: Path) -> None:
        from flasher.image.source import open_image

        def emit(event: Event) -> None:
            self.post_message(EngineEvent(event))

        opened = attempt(lambda: open_image(path, emit=emit, cancel=self._cancel_image))
        self.post_message(ImageSettled(opened))

    @on(EngineEvent)
    def _follow_image(self, message: EngineEvent) -> None:
        event, status = message.event, self.image_status
        if isinstance(event, StepAdvanced) and isinstance(status, OpeningImage) and event.total:
            self.image_status = OpeningImage(status.path, event.done / event.total)

    @on(ImageSettled)
    def _settle_image(self, message: ImageSettled) -> None:
        opened = message.outcome
        self.image_status = ImageTrouble(opened) if isinstance(opened, FlasherError) else opened

    @on(ProfileChosen)
    def _go_to_site(self, message: ProfileChosen) -> None:
        from flasher.tui.screens.site import SiteScreen

        self._profile = message.profile
        self.push_screen(SiteScreen(message.profile, practice=self._practice))

    @on(SiteChosen)
    @work(exclusive=True, exit_on_error=False, group="bench")
    async def _go_to_bench(self, message: SiteChosen) -> None:
        await self._opened.wait()
        bench = attempt(lambda: self._set_up(message))
        if isinstance(bench, FlasherError):
            from flasher.tui.trouble import in_words

            title = _("This bench cannot be set up")
            self.notify(in_words(bench), title=title, severity="error", markup=False)
        else:
            self.push_screen(bench)

    def _set_up(self, chosen: SiteChosen) -> BenchScreen:
        from flasher.rig.rigmap import lay_out
        from flasher.tui.screens.bench import BenchScreen

        assert self._profile is not None
        rig = lay_out(self._profile, chosen.site, chosen.secrets)
        if desk := self.workplace.desk:
            desk.lay_out(rig)
        return BenchScreen(self.workplace, rig)

    def let_go(self) -> None:
        """The image need not be opened any further."""
        self._cancel_image.set()
