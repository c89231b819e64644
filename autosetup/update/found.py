"""What a source has for this card; and its bytes, when they are wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from autosetup.agent_package import NAME
from autosetup.errors import AgentError, free_bytes, no_room
from autosetup.letter import Letter, open_secrets
from autosetup.manifest import record as record_of
from autosetup.rollout_plan import RolloutPlan
from autosetup.secrets_file import SECRETS
from autosetup.update.client import refused
from autosetup.update.fetch import Wanted
from autosetup.update.here import Ground
from autosetup.update.store import Store
from autosetup.update.supply import Supply

# Bytes.
_BLOCK, _TELL_EVERY = 4096, 4 << 20

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Found:
    """What a source has for a card; all of it verified.

    Attributes:
        supply: the source, and those after it, for as long as `looking` goes on.
        plan: of the rollout; None where the site has published none.
        letter: of the card; None where it has none.
        agent: the package of the agent that the node is to run; None for the one that it has, also
            where the repository lacks the one that the plan names.
    """

    ground: Ground
    supply: Supply
    plan: RolloutPlan | None
    letter: Letter | None
    agent: Wanted | None

    @property
    def store(self) -> Store:
        """The source that told of it."""
        return self.supply.first

    @property
    def is_newer(self) -> bool:
        """Whether there is a generation that this node has not tried, and that may be tried."""
        if self.letter is None or (self.plan and self.plan.takes_back(self.letter.told.generation)):
            return False
        return self.letter.told.generation > self.ground.newest

    @property
    def takes_back(self) -> bool:
        """Whether the node must go back from what it has."""
        return self.plan is not None and self.plan.takes_back(self.ground.generation)

    @property
    def has_news(self) -> bool:
        """Whether there is anything for this node to do."""
        return self.is_newer or self.takes_back or self.agent is not None

    @property
    def newer_agent(self) -> str:
        """The version of `agent`; empty where there is none."""
        return version_in(self.plan) if self.agent else ""

    @property
    def missing(self) -> list[Wanted]:
        """The files of the letter's payload that must be fetched, each once."""
        records = self.letter.told.files if self.letter else {}
        blobs = {
            record.sha256: Wanted(_blob(record.sha256), record.size, record.sha256)
            for name, record in records.items()
            if name != SECRETS and record.sha256 not in self.ground.held
        }
        return [blob for blob in blobs.values() if not self.ground.blobs.holds(blob)]

    def fetch(self, progress: Progress = lambda _number, _count: None) -> None:
        """Have every file of the letter's payload on this node, and secrets that it can open.

        Args:
            progress: called before each file that must be fetched, and after every 4 MiB of it: its
                number from 1 on, and how many there are.

        Raises:
            AgentError: ``source-failed``, ``update-refused``, ``not-sealed-for-us``, ``no-space``.
            Faulty: the secrets are not those of the manifest.
        """
        self._with_secrets()
        self._fetch_all(progress)

    def payload(self, progress: Progress = lambda _number, _count: None) -> dict[str, bytes]:
        """Every file of the letter's payload, by its path in it; what is missing is fetched.

        Together they may be large. Whoever stages them checks the site's signature, as for a
        payload on the card. As for the rest, see `fetch`.
        """
        files, records = self._with_secrets(), self.letter.told.files if self.letter else {}
        self._fetch_all(progress)
        for name, record in records.items():
            if name != SECRETS:
                files[name] = self._whole(name, _blob(record.sha256), record.size, record.sha256)
        return files

    def fetch_agent(self) -> Path:
        """The package of the agent, fetched; raises `AgentError` as `payload` does."""
        if self.agent is None:
            raise refused(f"{self.store.name} has no other agent.")
        return self.supply.fetch(self.ground.letters, self.agent, "targets")

    def forget(self) -> None:
        """Erase what was fetched of payloads, for it was staged."""
        self.ground.blobs.forget()

    def _with_secrets(self) -> dict[str, bytes]:
        """The small files, which the letter itself brings."""
        if self.letter is None:
            raise refused(f"{self.store.name} has no letter for this card.")
        return {**self.letter.payload, SECRETS: open_secrets(self.letter, self._key())}

    def _key(self) -> str:
        if not self.ground.sealing_key:
            what = "This card has no key to which secrets could be sealed."
            raise AgentError("not-sealed-for-us", what, "Prepare the card again.")
        return self.ground.sealing_key

    def _fetch_all(self, progress: Progress) -> None:
        fetched, missing = self.ground.blobs, self.missing
        records = self.letter.told.files.values() if self.letter else ()
        fetched.forget(but=frozenset(record.sha256 for record in records))
        needed = sum(blob.size - fetched.has_of(blob) + _BLOCK for blob in missing)
        if missing and free_bytes(self.ground.folder) < needed:
            raise no_room("An update is to be fetched.", str(self.ground.folder), needed)
        for number, blob in enumerate(missing, 1):
            progress(number, len(missing))
            heard = _now_and_then(progress, number, len(missing))
            self.supply.fetch(fetched, blob, progress=heard)

    def _whole(self, name: str, path: str, size: int, digest: str) -> bytes:
        held = self.ground.held.get(digest)
        if held is not None and record_of(held).sha256 == digest:
            return held
        found = self.ground.blobs.get(digest)
        if found is None:  # it was here, and is spoiled: the card's fault
            place = self.supply.fetch(self.ground.blobs, Wanted(path, size, digest))
            found = place.read_bytes()
        if len(found) != size:
            raise refused(f"{name} is not as long as the letter says.")
        return found


def version_in(plan: RolloutPlan | None) -> str:
    """The version of the agent that a plan names; empty for none."""
    named = NAME.fullmatch(plan.agent.rpartition("/")[2]) if plan else None
    return named[1] if named else ""


def _now_and_then(progress: Progress, number: int, count: int) -> Callable[[int], None]:
    """Hears of bytes that came, and tells of them every few MiB."""
    came = 0

    def heard(size: int) -> None:
        nonlocal came
        came += size
        if came >= _TELL_EVERY:
            came = 0
            progress(number, count)

    return heard


def _blob(digest: str) -> str:
    return f"blobs/{digest[:2]}/{digest}"
