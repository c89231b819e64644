"""The technician's wizard: a thin Textual application over the same engine as the command line."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import App
from textual.binding import Binding
from textual.reactive import reactive

from flasher.errors import ExitCode, FlasherError
from flasher.events import CancelFlag, Event, StepAdvanced
from flasher.image.source import ImageFile, open_image
from flasher.rig.profile import Profile
from flasher.rig.rigmap import lay_out
from flasher.tui.attempt import attempt
from flasher.tui.images import ImageStatus, ImageTrouble, NoImage, OpeningImage
from flasher.tui.messages import EngineEvent, ImageSettled, ProfileChosen, SiteChosen
from flasher.tui.screens.base import WizardScreen
from flasher.tui.screens.bench import BenchScreen
from flasher.tui.screens.question import QuestionScreen
from flasher.tui.screens.scanner import ScannerScreen
from flasher.tui.screens.site import SiteScreen
from flasher.tui.screens.writing import WritingScreen
from flasher.tui.themes import DARK, LIGHT
from flasher.tui.workplace import Workplace, open_workplace


def run(*, practice: bool, image: Path | None = None) -> int:
    """Open the wizard and stay until the person quits; the exit status.

    Args:
        practice: write cards that are files instead of real ones.
        image: the base image; without it, the newest one on this computer.
    """
    app = FlasherApp(open_workplace(practice=practice, image=image))
    app.run()
    return app.return_code or ExitCode.DONE


class FlasherApp(App[None]):
    """Leads from screen to screen, opens the base image, and asks before it closes.

    Args:
        workplace: the outside world.
    """

    TITLE = "Flasher"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar = [
        Binding("ctrl+t", "change_theme", "Dark or light", show=False, priority=True),
        Binding("ctrl+q", "quit", "Quit", priority=True),
    ]

    image_status: reactive[ImageStatus] = reactive[ImageStatus](NoImage())

    def __init__(self, workplace: Workplace) -> None:
        super().__init__()
        self.workplace = workplace
        self._profile: Profile | None = None
        self._cancel_image = CancelFlag()

    def on_mount(self) -> None:
        """Show the first screen and open the image meanwhile."""
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name
        self.push_screen(ScannerScreen(practice=self.workplace.practice))
        if path := self.workplace.image:
            self.image_status = OpeningImage(path)
            self._open_image(path)

    def action_change_theme(self) -> None:
        """From dark to light and back."""
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name

    @work(thread=True, exit_on_error=False, group="image")
    def _open_image(self, path: Path) -> None:
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
        self.image_status = opened if isinstance(opened, ImageFile) else ImageTrouble(opened)

    @on(ProfileChosen)
    def _go_to_site(self, message: ProfileChosen) -> None:
        self._profile = message.profile
        self.push_screen(SiteScreen(message.profile, practice=self.workplace.practice))

    @on(SiteChosen)
    def _go_to_bench(self, message: SiteChosen) -> None:
        assert self._profile is not None
        profile = self._profile
        rig = attempt(lambda: lay_out(profile, message.site, message.secrets))
        if isinstance(rig, FlasherError):
            words = f"{rig.message} {rig.hint}"
            self.notify(words, title="This rig cannot be laid out", severity="error", markup=False)
        else:
            self.push_screen(BenchScreen(self.workplace, rig))

    async def action_quit(self) -> None:
        """Close, but not over something that could be lost."""
        self._ask_and_quit()

    @work(exclusive=True, exit_on_error=False, group="quit")
    async def _ask_and_quit(self) -> None:
        for screen in reversed(self.screen_stack):
            question = screen.farewell() if isinstance(screen, WizardScreen) else None
            if question and not await self.push_screen_wait(
                QuestionScreen(question, yes="Quit", no="Stay")
            ):
                return
            if isinstance(screen, WritingScreen) and screen.busy:
                await screen.stop()
        self._cancel_image.set()
        self.exit()
