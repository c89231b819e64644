"""Run commands as an ordinary user whom this computer does not have, without changing it.

In a mount namespace of its own the command sees tables of users with one line more, and may reach
the program's own folders even where they lie in another user's home.
"""

from __future__ import annotations

import os
import shlex
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

USER, LENT = 4242, 700000
PROJECT = Path(__file__).resolve().parents[3]
_TABLES = {
    "passwd": "builder:x:{user}:{user}::{home}:/bin/sh",
    "group": "builder:x:{user}:",
    "subuid": "builder:{lent}:65536",
    "subgid": "builder:{lent}:65536",
}


def as_user(place: Path, *argv: str, lent: int = LENT) -> list[str]:
    """The command line that runs another one as the user.

    Args:
        place: an empty or earlier used folder; ``home`` in it is the user's.
        argv: program and arguments.
        lent: the first of the ids lent to the user.
    """
    home = place / "home"
    home.mkdir(parents=True, exist_ok=True)
    place.chmod(0o755)
    os.chown(home, USER, USER)
    folders = {"HOME": home, "FLASHER_CACHE": home / "cache", "FLASHER_DATA": home / "data"}
    identity = ("--reuid", str(USER), "--regid", str(USER), "--clear-groups")
    # The change of user takes the leash off: it is put on again.
    drop = ("setpriv", *identity, "--pdeathsig", "KILL", "env")
    settings = (f"{name}={folder}" for name, folder in folders.items())
    lines = (
        *_bind_tables(place, lent),
        *open_ways(place),
        "exec " + shlex.join([*drop, *settings, *argv]),
    )
    return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", "\n".join(lines)]


def _bind_tables(place: Path, lent: int) -> Iterator[str]:
    for name, line in _TABLES.items():
        host, own = Path("/etc", name), place / name
        text = host.read_text() if host.exists() else ""
        own.write_text(f"{text}{line.format(user=USER, home=place / 'home', lent=lent)}\n")
        own.chmod(0o644)
        yield f"mount --bind {own} {host}"


def open_ways(place: Path) -> Iterator[str]:
    """Put an open folder over each closed one, with nothing in it but what the user needs."""
    wanted = (PROJECT, Path(sys.base_prefix).resolve(), place)
    yield "mount -t tmpfs -o mode=755 tmpfs /mnt"
    for closed in dict.fromkeys(filter(None, map(_closed, wanted))):
        kept = Path(f"/mnt{closed}")
        yield f"mkdir -p {kept}; mount --rbind {closed} {kept}"
        yield f"mount -t tmpfs -o mode=755 tmpfs {closed}"
        for path in wanted:
            if path.is_relative_to(closed):
                yield f"mkdir -p {path}; mount --rbind {kept / path.relative_to(closed)} {path}"
    yield f"cd {PROJECT}"


def _closed(path: Path) -> Path | None:
    """The topmost folder on the way to a path that other users may not pass."""
    ways = reversed((path, *path.parents))
    return next((way for way in ways if not way.stat().st_mode & stat.S_IXOTH), None)
