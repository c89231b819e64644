"""Units that are to start anew as a file of theirs was changed: once, when all files are in place.

What is asked for is kept where a restart of the node forgets it: then they start anew anyhow.
"""

from __future__ import annotations

from collections.abc import Sequence

from autosetup.system import System

_ASKED = "/run/autosetup/restarts"


def ask_restarts(system: System, units: Sequence[str]) -> None:
    """Have units restarted by `restart_asked`; said before their file is changed."""
    for unit in units:
        path = system.path(_ASKED) / unit
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def asked_restarts(system: System) -> list[str]:
    """The units that wait for it."""
    folder = system.path(_ASKED)
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def restart_asked(system: System) -> None:
    """Start those anew that run; the others read the new file whenever they are started."""
    if units := asked_restarts(system):
        system.must(["systemctl", "try-restart", *units])
        for unit in units:
            (system.path(_ASKED) / unit).unlink()
