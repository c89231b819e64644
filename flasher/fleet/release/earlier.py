"""Snapshots that a repository once had: by them it knows older copies and sticks for its own.

Those that were pruned leave their digests, in ``metadata/pruned.json``; no node asks for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import MetaFile

from flasher import paths
from flasher.files import write_atomic
from flasher.fleet.release import names
from flasher.fleet.release.store import sha256_of

_FILE, _INSIDE = f"{names.METADATA}/pruned.json", "snapshots"


def had_snapshot(folder: Path, pin: MetaFile) -> bool:
    """Whether a repository has, or had, the snapshot that a timestamp names.

    Args:
        folder: of the repository.
        pin: as the timestamp has it.
    """
    with suppress(OSError, RepositoryError):
        pin.verify_length_and_hashes((folder / _name(pin.version)).read_bytes())
        return True
    digest = (pin.hashes or {}).get("sha256")
    return digest is not None and _noted(folder).get(_name(pin.version)) == digest


def note_snapshots(folder: Path, gone: Iterable[str]) -> None:
    """Keep the digests of snapshots, durably, before they go.

    Args:
        folder: of the repository.
        gone: their paths in it.
    """
    fresh = {name: sha256_of(folder / name) for name in gone}
    if fresh:
        told = {_INSIDE: {**_noted(folder), **fresh}}
        write_atomic(folder / _FILE, json.dumps(told, indent=0) + "\n")
        paths.hand_over(folder / _FILE)


def _noted(folder: Path) -> dict[str, str]:
    with suppress(OSError, ValueError, KeyError, TypeError):
        return dict(json.loads((folder / _FILE).read_bytes())[_INSIDE])
    return {}


def _name(version: int) -> str:
    return names.versioned("snapshot", version)
