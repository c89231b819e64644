"""A card, a release for it, and the node's side of both."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from autosetup import hpke
from autosetup.errors import AgentError
from autosetup.letter import make_letter, write_letter
from autosetup.manifest import SEAL
from autosetup.rollout_plan import RolloutPlan, write_plan
from autosetup.secrets_file import SECRETS
from autosetup.settings import Update
from autosetup.system import System
from autosetup.update.here import Ground
from autosetup.update.look import Sources, looking
from autosetup.update.sources import sources
from autosetup.update.store import Store
from autosetup.update.web import Patience
from tests.integration.autosetup.releases import ROLE, SITE, Repository
from tests.unit.autosetup.sample_payloads import (
    CARD_ID,
    FILES,
    GENERATION,
    SETTINGS,
    packed,
    sealed,
)

PRIVATE = bytes(range(64, 96))
KEY = base64.b64encode(PRIVATE).decode()
PUBLIC = base64.b64encode(hpke.public_half(PRIVATE)).decode()
NEXT = GENERATION + 100
LETTER = f"{SITE}/{ROLE}/{CARD_ID}.json"
PLAN = f"{SITE}/rollout.json"
# Far less than nodes have; only for servers that hold back.
IMPATIENT = Patience(answer_seconds=0.6, window_seconds=0.3, window_bytes=4096)
MOTD = b"welcome to the next generation\n" * 2000


def payload(generation: int = NEXT, motd: bytes = MOTD) -> dict[str, bytes]:
    """The files of a released payload, with its site's signature."""
    settings = dataclasses.replace(SETTINGS, update=Update(site=SITE))
    return sealed(packed(settings, files={**FILES, "files/motd": motd}, generation=generation))


def release(repository: Repository, raw: dict[str, bytes], **plan: object) -> None:
    """Publish a payload for the card; `plan` as `RolloutPlan` has it."""
    letter = make_letter(SITE, raw, PUBLIC)
    repository.targets[f"{SITE}.{ROLE}"][LETTER] = write_letter(letter)
    rollout = RolloutPlan(SITE, letter.told.generation, "2026-11-21T05:00:00Z", (CARD_ID,))
    changed = dataclasses.replace(rollout, **plan)  # type: ignore[arg-type]
    repository.targets[SITE][PLAN] = write_plan(changed)
    for name, data in raw.items():
        if name not in (*SEAL, SECRETS, "manifest.json"):
            repository.blob(data)
    repository.publish()


@dataclass(slots=True)
class Card:
    """A node with its first generation in force, that was given a repository's root.

    Attributes:
        folder: the updater's.
        past: times that are known to be over.
        is_timed: whether a server of time keeps the node's clock.
        update: what the node was told.
    """

    folder: Path
    anchor: bytes
    update: Update
    past: tuple[str, ...] = ()
    generation: int = GENERATION
    held: dict[str, bytes] = field(default_factory=dict)
    key: str = KEY
    card_id: str = CARD_ID
    is_timed: bool = False

    @property
    def ground(self) -> Ground:
        return Ground(
            System(self.folder.parent / "root"),
            self.folder,
            self.anchor,
            self.update,
            ROLE,
            self.card_id,
            self.generation,
            self.generation,
            self.key,
            self.past,
            self.is_timed,
            self.held,
        )

    def holds(self, raw: dict[str, bytes]) -> None:
        """Have these files be of the payload in force."""
        self.held = {hashlib.sha256(data).hexdigest(): data for data in raw.values()}


def asked(system: System, update: Update) -> Generator[Store, None, None]:
    """The sources of a node with no stick in it."""
    return sources(system, update, partitions=lambda _: [])


def impatient(system: System, update: Update) -> Generator[Store, None, None]:
    """The same, of a node that waits for nobody."""
    return sources(system, update, patience=IMPATIENT, partitions=lambda _: [])


def offered(card: Card, asked: Sources = asked) -> int | None:
    """The generation of the card's letter; None where it has none."""
    with looking(card.ground, asked) as found:
        return found.letter.told.generation if found.letter else None


def code_of(card: Card, asked: Sources = asked) -> str:
    """Why the node takes nothing."""
    with pytest.raises(AgentError) as raised:
        offered(card, asked)
    return raised.value.code
