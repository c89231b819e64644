"""The agents that updates have brought, beside the image's own: which one starts, and on trial.

Nothing is ever written over an agent that runs. In their folder lie::

    VERSION/autosetup/   the package of one agent, whole
    current -> VERSION   the one that is wanted
    good -> VERSION      the last one that was proven good on this node
    tries                how often the current one has begun and was not proven
    bad/VERSION          why that one is not wanted any more

Each change is one rename, and on disk before the next begins, so a power cut leaves either agent.
"""

from __future__ import annotations

import compileall
import os
import py_compile
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autosetup import __version__
from autosetup.errors import AgentError, free_bytes, no_room
from autosetup.places import state_folder
from autosetup.status import Status, Warned, with_warning
from autosetup.system import System, replace_file, sync_folder

PACKAGE = "autosetup"
# Names the file that a run makes at its end; between an image's launcher and every agent to come.
PROOF_NAME = "AUTOSETUP_PROOF"
# Runs that were cut short by chance; an agent that brings the node down gets no further either.
MOST_TRIES = 3
_VERSION = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}){0,3}")
_CURRENT, _GOOD, _TRIES, _BAD = "current", "good", "tries", "bad"
_BLOCK = 4096


def prove_agent() -> None:
    """Tell the launcher that this agent's run came to its end; it takes that as its proof."""
    if place := os.environ.get(PROOF_NAME):
        Path(place).touch()


def agents_of(system: System) -> Agents:
    """Those of a node; its people may read them, unlike the agent's record beside them."""
    return Agents(system.path(f"{state_folder(system)}-agents"))


def with_bad_agent(system: System, status: Status) -> Status:
    """The status, warning of a newer agent that this node has given up."""
    own = order_of(__version__) or ()
    bad = [(o, v) for v in agents_of(system).bad() if (o := order_of(v)) and o > own]
    if not bad:
        return with_warning(status, "agent-refused", None)
    version = max(bad)[1]
    why = agents_of(system).bad()[version].strip()
    what = f"The newer agent {version} did not prove itself: {why} {__version__} goes on."
    warned = Warned("agent-refused", what, "Release a newer one that was tried.")
    return with_warning(status, "agent-refused", warned)


def order_of(version: str) -> tuple[int, ...] | None:
    """What versions are compared by: their numbers; None for a text that is no version."""
    if not _VERSION.fullmatch(version):
        return None
    numbers = tuple(map(int, version.split(".")))
    return (*numbers, *(0,) * (4 - len(numbers)))


@dataclass(frozen=True, slots=True)
class Agents:
    """The agents in `folder`, which need not be there."""

    folder: Path

    def current(self) -> str | None:
        """The version that shall start; None for the image's own."""
        return next((v for name in (_CURRENT, _GOOD) if (v := self._named(name))), None)

    def is_on_trial(self, version: str) -> bool:
        """Whether it was never proven good on this node."""
        return self._named(_GOOD) != version

    def place(self, version: str) -> Path:
        """The folder that its package lies in."""
        return self.folder / version

    def bad(self) -> Mapping[str, str]:
        """The versions that are not wanted any more, and why."""
        return {p.name: p.read_text(errors="replace") for p in self._bad.glob("[0-9]*")}

    def put(self, version: str, files: Mapping[str, bytes]) -> None:
        """Lay an agent down, compiled and on disk; it is not wanted yet.

        Args:
            version: see `order_of`.
            files: by their paths in the package.

        Raises:
            AgentError: ``agent-refused``, a module of it cannot be compiled; or there is no room.
        """
        self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._tidy()
        needed = sum(2 * len(data) + 2 * _BLOCK for data in files.values())
        if free_bytes(self.folder) < needed:
            raise no_room("A newer agent is to lie there.", str(self.folder), needed)
        draft = self.folder / f"{version}.part"
        for name, data in files.items():
            path = draft / PACKAGE / name
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            path.write_bytes(data)
        if not compileall.compile_dir(
            draft, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH
        ):
            shutil.rmtree(draft)
            what = f"The agent {version} is no program that this node can run."
            raise AgentError("agent-refused", what, "Release one that was tried.")
        os.sync()
        draft.rename(self.place(version))
        sync_folder(self.folder)

    def want(self, version: str) -> None:
        """Have this one start from now on, on trial."""
        (self.folder / _TRIES).unlink(missing_ok=True)
        self._link(_CURRENT, version)

    def begin_try(self) -> int:
        """Count one more start of the current agent, durably; gives how many there were."""
        try:
            tries = int((self.folder / _TRIES).read_bytes())
        except (OSError, ValueError):
            tries = 0
        self._count(tries + 1)
        return tries + 1

    def forgive(self, tries: int) -> None:
        """The last of so many starts does not count: it was ended from outside."""
        self._count(tries - 1)

    def prove(self, version: str) -> None:
        """The current agent is good; the one before is not needed any more."""
        self._link(_GOOD, version)
        (self.folder / _TRIES).unlink(missing_ok=True)
        self._tidy()

    def give_up(self, version: str, why: str) -> None:
        """Want an agent no more, and go back to the good one, or to the image's own.

        One that was good once is spoiled by now: it may come again, and is not called bad.
        """
        if self.is_on_trial(version):
            self._bad.mkdir(mode=0o755, parents=True, exist_ok=True)
            replace_file(self._bad / version, f"{why}\n".encode())
            sync_folder(self.folder)
        good = self._named(_GOOD)
        if good and good != version:
            self._link(_CURRENT, good)
        else:
            for name in (_CURRENT, _GOOD):
                (self.folder / name).unlink(missing_ok=True)
            sync_folder(self.folder)
        self._tidy()

    @property
    def _bad(self) -> Path:
        return self.folder / _BAD

    def _named(self, name: str) -> str | None:
        """The version that a link names, if it can be started."""
        try:
            version = str((self.folder / name).readlink())
        except OSError:
            return None
        is_there = (self.folder / version / PACKAGE / "__main__.py").is_file()
        is_bad = (self._bad / version).exists()
        return version if order_of(version) and is_there and not is_bad else None

    def _link(self, name: str, version: str) -> None:
        draft = self.folder / f".{name}.autosetup"
        draft.unlink(missing_ok=True)
        draft.symlink_to(version)
        draft.replace(self.folder / name)
        sync_folder(self.folder)

    def _count(self, tries: int) -> None:
        replace_file(self.folder / _TRIES, str(tries).encode())

    def _tidy(self) -> None:
        """Remove every agent that no link names, and what a power cut has left of others."""
        wanted = {self._named(_CURRENT), self._named(_GOOD)}
        for path in self.folder.glob("[0-9]*"):
            if path.name not in wanted:
                shutil.rmtree(path, ignore_errors=True)
