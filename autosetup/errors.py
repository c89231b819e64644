"""The agent's one error: what happened, and what to do about it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

_FULL = {errno.ENOSPC, errno.EDQUOT}
_MAY_BE_FULL = ("/", "/var", "/tmp", "/data", "/boot/firmware", "/boot")  # noqa: S108
_MB = 1_000_000
_LONGEST_REASON = 4000


class AgentError(Exception):
    """Something that ends a run as failed.

    Args:
        code: stable kebab-case word, such as ``script-failed``.
        reason: the fact.
        hint: the remedy.
    """

    def __init__(self, code: str, reason: str, hint: str) -> None:
        super().__init__(f"{reason} {hint}")
        self.code, self.reason, self.hint = code, reason, hint


def plain(text: str) -> str:
    """One line without control characters, of a length that people can read."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line[:_LONGEST_REASON]


def conflict(generation: int) -> AgentError:
    """Two payloads with one generation."""
    what = f"Generation {generation} was applied already, but with another content."
    return AgentError("conflict", what, "Prepare the card again: it gets a new generation.")


def as_agent_error(error: Exception) -> AgentError:
    """Any error in the agent's words: its own, the medium's, or a defect of the agent."""
    if isinstance(error, AgentError):
        return error
    if isinstance(error, OSError):
        return _of_medium(error)
    what = f"The agent itself stumbled: {type(error).__name__}: {error}"
    return AgentError("internal-error", what, "Send log.txt to a developer.")


def no_room(doing: str, place: str = "", needed: int = 0) -> AgentError:
    """A file system is full.

    Args:
        doing: a sentence about what was to be done.
        place: a path on it; without one the fullest file system is named.
        needed: bytes; 0 where nobody knows.
    """
    mount, free, size = _fullest([place] if place else [*filter(os.path.isdir, _MAY_BE_FULL)])
    wanted = f" It takes {_in_mb(needed)}." if needed else ""
    what = f"The file system of {mount} is full: {_in_mb(free)} of {_in_mb(size)} are free."
    hint = "Free some room on the node, or take a larger card."
    return AgentError("no-space", f"{what} {doing}{wanted}", hint)


def free_bytes(place: Path) -> int:
    """What root can still write to the file system of a path that is there, or will be."""
    return _fullest([str(place)])[1]


def _of_medium(error: OSError) -> AgentError:
    where = str(error.filename) if error.filename else ""
    if error.errno in _FULL:
        return no_room(f"{where or 'A file'} could not be written.", where)
    if error.errno == errno.EROFS:
        what = f"{where or 'A file'} could not be written: its file system is read-only."
        return AgentError("read-only", what, "The card may have locked itself: change it.")
    what = f"{where}: {error.strerror}." if where else f"{error}."
    hint = "The card may be worn out: change it if a new start does not help."
    return AgentError("system-error", what, hint)


def _fullest(places: list[str]) -> tuple[str, int, int]:
    """Mount point, free bytes and size of the fullest of the file systems of some paths."""
    found = []
    for place in places:
        mount = Path(place)
        while not mount.is_mount() and mount != mount.parent:
            mount = mount.parent
        sizes = os.statvfs(mount)
        free = max(sizes.f_bfree - _kept_by_ext4(mount), 0) * sizes.f_frsize
        found.append((str(mount), free, sizes.f_blocks * sizes.f_frsize))
    return min(found, key=lambda entry: entry[1])


def _kept_by_ext4(mount: Path) -> int:
    """Blocks that ext4 keeps for its own bookkeeping: free, and nobody's (fs/ext4/super.c)."""
    device = mount.stat().st_dev
    name = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve().name
    try:
        return int(Path(f"/sys/fs/ext4/{name}/reserved_clusters").read_text())
    except (OSError, ValueError):
        return 0


def _in_mb(size: int) -> str:
    return f"{size / _MB:.1f} MB"
