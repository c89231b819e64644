"""The agent's own record, where it survives every boot: the payload at work and how far it is.

A step is recorded only after its effect is on disk, so after a power cut the record never promises
too much. The folder is open to root alone.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autosetup.faults import Faulty
from autosetup.manifest import LARGEST, MANIFEST
from autosetup.payload import read_folder
from autosetup.scrub import scrub
from autosetup.secrets_file import SECRETS
from autosetup.status import Status, read_status
from autosetup.strict_json import reading_json
from autosetup.system import replace_file, sync_folder

_STATE = "state.json"
_VALUES = "values.json"


@dataclass(frozen=True, slots=True)
class Record:
    """How far the latest accepted payload is.

    Attributes:
        digest: SHA-256 (hex) of its manifest.
        status: what was last reached.
        scripts: keys of the scripts that ever finished on this node.
    """

    digest: str
    status: Status
    scripts: tuple[str, ...] = ()


def read_record(raw: bytes) -> Record:
    """Read the bytes of a record; raises `Faulty`."""
    with reading_json(_STATE, raw) as top:
        return Record(
            top.string("digest"), read_status(top.table("status")), top.strings("scripts")
        )


@dataclass(frozen=True, slots=True)
class Journal:
    """The record and the payloads in `folder`."""

    folder: Path

    def load(self) -> Record | None:
        """The record; None where no payload was ever accepted. A spoiled one raises `Faulty`."""
        try:
            raw = (self.folder / _STATE).read_bytes()
        except FileNotFoundError:
            return None
        return read_record(raw)

    def save(self, record: Record) -> None:
        """Record what was reached, after making every effect so far durable."""
        os.sync()
        values = {
            "digest": record.digest,
            "status": json.loads(record.status.to_json()),
            "scripts": record.scripts,
        }
        replace_file(self.folder / _STATE, json.dumps(values, indent=2).encode())

    def set_aside(self) -> None:
        """Put a spoiled record out of the way."""
        (self.folder / _STATE).replace(self.folder / f"{_STATE}.spoiled")

    def payload_folder(self, generation: int) -> Path:
        """Where the copy of a payload lies."""
        return self.folder / "generations" / str(generation)

    def keep(self, generation: int, raw: Mapping[str, bytes]) -> None:
        """Copy a payload: it is there as a whole, or not at all. Scripts can be run from there."""
        target = self.payload_folder(generation)
        partial = target.with_name(f"{generation}.part")
        for folder in (partial, target):
            scrub(folder / SECRETS)
            shutil.rmtree(folder, ignore_errors=True)
        for parent in (self.folder, target.parent, partial):
            parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)  # an image may bring it
        for name, data in raw.items():
            path = partial / name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_bytes(data)
            path.chmod(0o700 if name.startswith("scripts/") else 0o600)
        os.sync()
        partial.rename(target)
        sync_folder(target.parent)

    def payload(self, generation: int) -> dict[str, bytes]:
        """The files of a payload's copy; empty where there is none."""
        folder = self.payload_folder(generation)
        return read_folder(folder) if (folder / MANIFEST).exists() else {}

    def values(self, generation: int) -> dict[str, str]:
        """What was set on the node since this generation was applied; spoiled, it is nothing."""
        try:
            raw = (self.folder / _VALUES).read_bytes()
            with reading_json(_VALUES, raw) as top:
                table = top.table("values")
                values = {name: table.string(name) for name in table.names()}
                applied = top.integer("generation", low=1, high=LARGEST)
        except (OSError, Faulty):
            return {}
        return values if applied == generation else {}

    def set_values(self, generation: int, values: Mapping[str, str]) -> None:
        """Keep what is set on the node, for as long as this generation is the one applied."""
        content = {"generation": generation, "values": dict(values)}
        replace_file(self.folder / _VALUES, json.dumps(content, indent=2).encode())

    def forget_secrets(self, *, except_of: int) -> None:
        """Erase the secrets of every other generation; the last good one stays whole."""
        for folder in (self.folder / "generations").glob("*"):
            if folder.name != str(except_of):
                scrub(folder / SECRETS)
