"""The account databases changed all together or not at all.

The programs that change them write one file after the other: a power cut in between leaves half an
account, locks and drafts. So the files are kept before and put back when an attempt was cut short.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from autosetup.system import System, sync_folder

_FILES = ("passwd", "shadow", "group", "gshadow", "subuid", "subgid")
_KEPT = "/var/lib/autosetup/accounts"
_DRAFT = f"{_KEPT}.draft"
_HOMES = "homes"


def is_open(system: System) -> bool:
    """Whether an attempt was cut short and waits to be undone, or its copies to be removed."""
    return any(system.path(path).exists() for path in (_KEPT, _DRAFT))


@contextmanager
def all_or_nothing(system: System, homes: tuple[str, ...]) -> Iterator[None]:
    """Keep what the block changes, and put it back if it fails, now or after a power cut.

    Args:
        system: the node.
        homes: the home folders that the block may make; those that are there already stay.
    """
    _undo(system)
    _keep(system, homes)
    try:
        yield
    except BaseException:
        _undo(system)
        raise
    _forget(system)


def _keep(system: System, homes: tuple[str, ...]) -> None:
    """Copy under a name that does not count yet, then rename."""
    shutil.rmtree(system.path(_DRAFT), ignore_errors=True)
    for name in _FILES:
        _copy(system, f"/etc/{name}", f"{_DRAFT}/{name}")
    new = [home for home in homes if not system.path(home).exists()]
    system.write(f"{_DRAFT}/{_HOMES}", "\n".join(new).encode())
    system.path(_DRAFT).chmod(0o700)
    _rename(system, _DRAFT, _KEPT)


def _undo(system: System) -> None:
    """Put everything back as it was kept; may itself be cut short and is then done again."""
    if not system.path(_KEPT).exists():
        return
    for home in system.read(f"{_KEPT}/{_HOMES}").decode().split("\n"):
        if home:
            shutil.rmtree(system.path(home), ignore_errors=True)
    for name in _FILES:
        _remove_litter(system, name)
        _copy(system, f"{_KEPT}/{name}", f"/etc/{name}")
    _forget(system)


def _remove_litter(system: System, name: str) -> None:
    """Locks and drafts of a program that is dead: its number may belong to another one now."""
    for pattern in (f"{name}.lock", f"{name}.[0-9]*", f"{name}+"):
        for path in system.path("/etc").glob(pattern):
            path.unlink()


def _forget(system: System) -> None:
    """One rename ends it, once all effects are on disk; the copies hold hashes and go at once."""
    os.sync()
    shutil.rmtree(system.path(_DRAFT), ignore_errors=True)
    _rename(system, _KEPT, _DRAFT)
    shutil.rmtree(system.path(_DRAFT))


def _copy(system: System, source: str, target: str) -> None:
    path = system.path(source)
    if path.exists():
        found = path.stat()
        system.write(
            target,
            path.read_bytes(),
            mode=found.st_mode & 0o7777,
            uid=found.st_uid,
            gid=found.st_gid,
        )


def _rename(system: System, old: str, new: str) -> None:
    system.path(old).rename(system.path(new))
    sync_folder(system.path(new).parent)
