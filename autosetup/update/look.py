"""What a repository has for this card, looked up and verified.

A source may be anybody: what it says counts by its signatures alone, and where one is frozen,
faulty or gone, or has not all that it tells of, the next one is asked.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TypeVar

from autosetup import __version__, forms
from autosetup.agents import agents_of, order_of
from autosetup.errors import AgentError
from autosetup.faults import Faulty
from autosetup.letter import LARGEST_LETTER, Letter, read_letter
from autosetup.rollout_plan import FILE as PLAN
from autosetup.rollout_plan import RolloutPlan, read_plan
from autosetup.settings import Update
from autosetup.system import System
from autosetup.time_floor import TimeFloor, floor_of_server, keep_floor, mend_clock, read_floor
from autosetup.update.client import Client, opened, refused
from autosetup.update.fetch import Wanted
from autosetup.update.found import Found, version_in
from autosetup.update.here import METADATA, Ground
from autosetup.update.sources import sources
from autosetup.update.store import Store
from autosetup.update.supply import Supply

# Bytes; a plan of ten thousand cards has 400 KB.
_LARGEST_PLAN, _LARGEST_AGENT = 4 << 20, 64 << 20
# Of what went wrong, the first of these is what people must hear.
_WORST = ("no-updater", "update-refused", "frozen", "source-failed")

T = TypeVar("T")
Sources = Callable[[System, Update], Generator[Store, None, None]]


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
    folder = ground.folder / METADATA / digest[:16]  # another root begins anew
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
    version = version_in(plan)
    if plan is None or plan.takes_back(plan.generation) or not _is_newer(ground, version):
        return None
    found = client.find(plan.agent)
    return found if found and found.size <= _LARGEST_AGENT else None


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
