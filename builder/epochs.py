"""The time of each group of packages, the same for as long as the group stays what it is.

A store remembers times by digest, so that a lock resolved anew, beside another image or for
another recipe, gives equal packages the time that their layers bear.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from builder.lock import Lock, LockedGroup
from flasher.errors import EnvironmentLacks
from flasher.files import write_atomic


def epochs_of(lock: Lock) -> dict[str, int]:
    """The time of each group of a lock, by the digest of it and all below it."""
    return dict(zip(_digests(lock), (group.epoch for group in lock.groups), strict=True))


def with_epochs(lock: Lock, known: Mapping[str, int]) -> Lock:
    """A lock whose groups have the times that are known for them; the others keep theirs."""
    groups: list[LockedGroup] = [
        replace(group, epoch=known.get(digest, group.epoch))
        for group, digest in zip(lock.groups, _digests(lock), strict=True)
    ]
    *layers, twins, tools = groups
    return replace(lock, layers=tuple(layers), twins=twins, tools=tools)


def recall_epochs(memory: Path) -> dict[str, int]:
    """What was remembered; nothing where there is no memory, or where it does not read."""
    with suppress(OSError, ValueError):
        told = json.loads(memory.read_bytes())
        if isinstance(told, dict):
            return {str(digest): epoch for digest, epoch in told.items() if type(epoch) is int}
    return {}


def remember_epochs(memory: Path, lock: Lock) -> None:
    """Add the times of a lock's groups to what is remembered."""
    before = recall_epochs(memory)
    after = {**before, **epochs_of(lock)}
    if after != before:
        write_atomic(memory, json.dumps(after, indent=0) + "\n")


def require_clock(epoch: int) -> None:
    """Refuse to build where files would be made before the time that they are to bear.

    Raises:
        EnvironmentLacks: ``clock-behind``.
    """
    if time.time() < epoch:
        raise EnvironmentLacks(
            "clock-behind",
            "This computer's clock is behind: the lock was made later than now.",
            "Set the clock and run the same command again.",
        )


def _digests(lock: Lock) -> Iterator[str]:
    below = f"{lock.suite} {lock.architecture}{f' {lock.base.sha256}' if lock.base else ''}"
    for group in lock.layers:
        below = _digest(below, group)
        yield below
    yield _digest("twins", lock.twins)
    yield _digest("tools", lock.tools)


def _digest(below: str, group: LockedGroup) -> str:
    told = "\n".join([below, *(package.sha256 for package in group.packages)])
    return hashlib.sha256(told.encode()).hexdigest()
