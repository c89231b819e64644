"""What a repository has for this card, looked up and verified; and its bytes, when they are wanted.

A source may be anybody: what it says counts by its signatures alone, and where one is frozen,
faulty or gone, or has not all that it tells of, the next one is asked.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from autosetup import __version__, forms
from autosetup.agent_package import NAME
from autosetup.agents import agents_of, order_of
from autosetup.errors import AgentError, free_bytes, no_room
from autosetup.faults import Faulty
from autosetup.letter import LARGEST_LETTER, Letter, open_secrets, read_letter
from autosetup.manifest import record as record_of
from autosetup.rollout_plan import FILE as PLAN
from autosetup.rollout_plan import RolloutPlan, read_plan
from autosetup.secrets_file import SECRETS
from autosetup.settings import Update
from autosetup.system import System
from autosetup.time_floor import TimeFloor, floor_of_server, keep_floor, mend_clock, read_floor
from autosetup.update.client import Client, opened, refused
from autosetup.update.fetch import Wanted
from autosetup.update.here import Ground
from autosetup.update.sources import sources
from autosetup.update.store import Store
from autosetup.update.supply import Supply

# Bytes; a plan of ten thousand cards has 400 KB.
_LARGEST_PLAN, _LARGEST_AGENT = 4 << 20, 64 << 20
# Of what went wrong, the first of these is what people must hear.
_WORST = ("no-updater", "update-refused", "frozen", "source-failed")
_BLOCK = 4096
_TELL_EVERY = 4 << 20

T = TypeVar("T")
Progress = Callable[[int, int], None]
Sources = Callable[[System, Update], Generator[Store, None, None]]


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
        return _version_in(self.plan) if self.agent else ""

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

    def payload(self, progress: Progress = lambda _number, _count: None) -> dict[str, bytes]:
        """Every file of the letter's payload, by its path in it; what is missing is fetched.

        Whoever stages them checks the site's signature, as for a payload on the card.

        Args:
            progress: called before each file that must be fetched, and after every 4 MiB of it: its
                number from 1 on, and how many there are.

        Raises:
            AgentError: ``source-failed``, ``update-refused``, ``not-sealed-for-us``, ``no-space``.
            Faulty: the secrets are not those of the manifest.
        """
        if self.letter is None:
            raise refused(f"{self.store.name} has no letter for this card.")
        files = {**self.letter.payload, SECRETS: open_secrets(self.letter, self._key())}
        self._fetch_all(progress)
        for name, record in self.letter.told.files.items():
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


@contextmanager
def looking(ground: Ground, asked: Sources = sources) -> Iterator[Found]:
    """What there is for this card: at the first source with news, else at the first sound one.

    Args:
        ground: the node's.
        asked: the sources, in order.

    Raises:
        AgentError: ``no-updater``; ``no-source``, there is none; ``source-failed``, ``frozen``,
            ``update-refused``, by what is worst, where no source was sound.
    """
    mend_clock(ground.system, ground.folder, *ground.past)
    troubles: list[AgentError] = []
    idle: Found | None = None
    with closing(asked(ground.system, ground.update)) as stores:
        for store in stores:
            try:
                found = _look(ground, Supply(store, stores))
            except AgentError as error:
                troubles.append(error)
                continue
            if found.has_news:
                yield found
                return
            idle = idle or found
    if idle is None:
        raise _worst(troubles)
    yield idle


def _look(ground: Ground, supply: Supply) -> Found:
    """What one source has; what that tells of the time is kept."""
    clock = time.time()
    floor = read_floor(ground.folder).reached(clock)
    now = clock if ground.is_timed else floor.now(clock, *ground.past)
    try:
        found, ends = _verified(ground, supply, now)
    except AgentError as error:
        if error.code != "frozen" or ground.is_timed:
            raise
        told = _contradicted(ground, supply, floor)
        if told is None:
            raise
        floor, now = told, told.now(clock, *ground.past)
        found, ends = _verified(ground, supply, now)
    if ground.is_timed:
        floor = floor_of_server(clock, *ground.past)
    else:
        released = forms.seconds_of(found.plan.released_at) if found.plan else 0
        floor = replace(floor, at=max(int(now), min(released, int(ends))))
    keep_floor(ground.folder, floor)
    mend_clock(ground.system, ground.folder, *ground.past)
    return found


def _contradicted(ground: Ground, supply: Supply, floor: TimeFloor) -> TimeFloor | None:
    """What the time must be if a release has ended that is newer than all that this node has had.

    By what this node takes for past, that cannot be: the clock that told it ran ahead. None where
    it need not have.
    """
    # By its signatures alone; what is over must not keep the node from what is still in force.
    found, ends = _verified(ground, supply, 0.0, keep=False)
    if found.plan is None or found.plan.generation <= ground.newest:
        return None
    at = forms.seconds_of(found.plan.released_at)
    return floor.contradicted(at, ends, *ground.past)


def _verified(
    ground: Ground, supply: Supply, now: float, *, keep: bool = True
) -> tuple[Found, float]:
    """What a source has that is in force at a time; and when that ends, in seconds since 1970."""
    store, digest = supply.first, hashlib.sha256(ground.anchor).hexdigest()
    folder = ground.folder / "metadata" / digest[:16]  # another root begins anew
    site = ground.update.site
    with opened(folder, ground.anchor, store.below("metadata"), now, keep=keep) as client:
        client.refresh()
        wanted = [
            client.find(f"{site}/{PLAN}"),
            client.find(f"{site}/{ground.role}/{ground.card_id}.json"),
        ]
        plan, letter = _plan(ground, store, wanted[0]), _letter(ground, store, wanted[1])
        agent, ends = _agent(ground, client, plan), client.ends
    but = frozenset(found.digest for found in (*wanted, agent) if found)
    ground.letters.forget(but=but)
    return Found(ground, supply, plan, letter, agent), ends


def _plan(ground: Ground, store: Store, wanted: Wanted | None) -> RolloutPlan | None:
    if wanted is None:
        return None
    plan = _read(ground, store, wanted, _LARGEST_PLAN, read_plan)
    if plan.site != ground.update.site:
        raise refused(f"{store.name} has the plan of the site {plan.site} in this one's place.")
    return plan


def _letter(ground: Ground, store: Store, wanted: Wanted | None) -> Letter | None:
    if wanted is None:
        return None
    letter = _read(ground, store, wanted, LARGEST_LETTER, read_letter)
    if (letter.site, letter.told.card_id) != (ground.update.site, ground.card_id):
        raise refused(f"{store.name} has a letter for another card in this one's place.")
    return letter


def _agent(ground: Ground, client: Client, plan: RolloutPlan | None) -> Wanted | None:
    """The agent that is to run, if it is newer than the one that does.

    One that came with a release that was taken back goes no further: it may be what was wrong.
    """
    version = _version_in(plan)
    if plan is None or plan.takes_back(plan.generation) or not _is_newer(ground, version):
        return None
    found = client.find(plan.agent)
    return found if found and found.size <= _LARGEST_AGENT else None


def _version_in(plan: RolloutPlan | None) -> str:
    """The version of the agent that a plan names; empty for none."""
    named = NAME.fullmatch(plan.agent.rpartition("/")[2]) if plan else None
    return named[1] if named else ""


def _is_newer(ground: Ground, version: str) -> bool:
    """Whether an agent is newer than this one, and was not tried in vain."""
    numbers, ours = order_of(version), order_of(__version__)
    is_newer = numbers is not None and (ours is None or numbers > ours)
    return is_newer and version not in agents_of(ground.system).bad()


def _read(ground: Ground, store: Store, wanted: Wanted, most: int, read: Callable[[bytes], T]) -> T:
    """A small file of the repository, fetched unless it is here."""
    if wanted.size > most:
        raise refused(f"{store.name} has {wanted.path} with {wanted.size} bytes.")
    place = ground.letters.fetch(store.below("targets"), wanted)
    try:
        return read(place.read_bytes())
    except Faulty as faulty:
        raise refused(f"{store.name} has {wanted.path} with faults: {faulty}") from faulty


def _worst(troubles: list[AgentError]) -> AgentError:
    """What people must hear of all that went wrong."""
    if not troubles:
        what = "No repository was found: not on the network, and not on a stick."
        hint = "Name one in the site, start flasher serve, or plug in a stick."
        return AgentError("no-source", what, hint)
    return min(troubles, key=lambda error: _WORST.index(error.code) if error.code in _WORST else 0)


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
