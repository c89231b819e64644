"""What the parts of the wizard tell one another. Threads post these and do nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from flasher.errors import FlasherError
from flasher.events import Event, StepAdvanced

if TYPE_CHECKING:
    from flasher.bench.model import BenchState
    from flasher.image.source import ImageFile
    from flasher.rig.profile import Profile
    from flasher.rig.site import Site, SiteSecrets
    from flasher.tui.workplace import Workplace


@dataclass
class WorkplaceOpened(Message):
    """Readers, ledger and all are there, or why they cannot be had."""

    outcome: Workplace | FlasherError


@dataclass
class ProfileChosen(Message):
    """A scanner was chosen."""

    profile: Profile


@dataclass
class SiteChosen(Message):
    """A site was chosen. The secrets have no `repr`."""

    site: Site
    secrets: SiteSecrets


@dataclass
class EngineEvent(Message):
    """What the engine emitted, carried from its thread to the screen."""

    event: Event

    def can_replace(self, message: Message) -> bool:
        """An advance that still waits may be skipped for a later one of the same step."""
        return isinstance(message, EngineEvent) and _same_step(self.event, message.event)


@dataclass
class BenchChanged(Message):
    """The bench is in another state."""

    state: BenchState

    def can_replace(self, message: Message) -> bool:
        """A state that still waits is no longer true."""
        return isinstance(message, BenchChanged)


@dataclass
class ImageSettled(Message):
    """The base image is open, or cannot be opened."""

    outcome: ImageFile | FlasherError


def _same_step(waiting: Event, later: Event) -> bool:
    return (
        isinstance(waiting, StepAdvanced)
        and isinstance(later, StepAdvanced)
        and (waiting.subject, waiting.step) == (later.subject, later.step)
    )
