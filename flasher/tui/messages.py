"""What the parts of the wizard tell one another. Threads post these and do nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from flasher.drives.model import Drive
from flasher.errors import FlasherError
from flasher.events import Event, StepAdvanced
from flasher.image.source import ImageFile
from flasher.prepare import CardResult, NodeCard
from flasher.rig.profile import Profile
from flasher.rig.site import Site, SiteSecrets


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
class ImageSettled(Message):
    """The base image is open, or cannot be opened."""

    outcome: ImageFile | FlasherError


@dataclass
class DrivesListed(Message):
    """The drives that are there now, or why they cannot be listed."""

    outcome: tuple[Drive, ...] | FlasherError


@dataclass
class CardPlanned(Message):
    """A node's card is planned, or cannot be."""

    outcome: NodeCard | FlasherError


@dataclass
class CardSettled(Message):
    """A card was written and read back, or was not."""

    outcome: CardResult | FlasherError


def _same_step(waiting: Event, later: Event) -> bool:
    return (
        isinstance(waiting, StepAdvanced)
        and isinstance(later, StepAdvanced)
        and (waiting.subject, waiting.step) == (later.subject, later.step)
    )
