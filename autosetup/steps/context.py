"""What a step gets to work with, and what it must offer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from autosetup.before import Before
from autosetup.mustache import Value
from autosetup.settings import NodeSettings, Secrets
from autosetup.system import System
from autosetup.templates import variables_of


@dataclass(frozen=True, slots=True)
class Context:
    """A payload at work.

    Attributes:
        system: the node.
        settings, secrets, files, generation: of the payload.
        folder: the payload's copy, from which scripts are run.
        finished_scripts: keys of the scripts that must not run again; grows.
        finish_script: records one more of them, durably.
        log: takes one line or several; secrets are redacted on the way.
        before: keeps how things were which a step is about to change.
    """

    system: System
    settings: NodeSettings
    secrets: Secrets
    files: Mapping[str, bytes]
    generation: int
    folder: Path
    finished_scripts: Collection[str]
    finish_script: Callable[[str], None]
    log: Callable[[str], None]
    before: Before

    @property
    def environment(self) -> dict[str, str]:
        """What programs of the payload are told beside their arguments."""
        return {
            "NODE_NAME": self.settings.name,
            "NODE_ROLE": self.settings.role,
            "NODE_POSITION": self.settings.position,
            "NODE_GENERATION": str(self.generation),
            "NODE_FOLDER": str(self.folder),
        }

    @property
    def variables(self) -> dict[str, Value]:
        """What templates can name."""
        return variables_of(self.settings, self.generation)


class Step(Protocol):
    """A module of this package. `apply` may be cut short anywhere and is then run again."""

    NAME: str

    def check(self, context: Context, /) -> bool:
        """Whether everything is already as the payload wants it."""

    def apply(self, context: Context, /) -> None:
        """Make it so; raises `AgentError` where that cannot be done."""
