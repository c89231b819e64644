"""The agent's own record, where it survives every boot: the payload at work and how far it is.

A step is recorded only after its effect is on disk, so after a power cut the record never promises
too much. The folder is open to root alone.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from autosetup.errors import AgentError, free_bytes, no_room
from autosetup.faults import Faulty
from autosetup.manifest import LARGEST, MANIFEST, read_manifest
from autosetup.payload import read_folder
from autosetup.record import STATE_FILE, Record, read_record
from autosetup.scrub import scrub
from autosetup.secrets_file import SECRETS
from autosetup.strict_json import reading_json
from autosetup.system import replace_file, sync_folder

_VALUES = "values.json"
_STAGED = "staged"
# Folders of a payload whose files are run.
_PROGRAMS = ("scripts/", "health/")
_BLOCK = 4096  # of ext4: files end at one


@dataclass(frozen=True, slots=True)
class Journal:
    """The record and the payloads in `folder`."""

    folder: Path

    def load(self) -> Record | None:
        """The record; None where no payload was ever accepted. A spoiled one raises `Faulty`."""
        try:
            raw = (self.folder / STATE_FILE).read_bytes()
        except FileNotFoundError:
            return None
        return read_record(raw)

    def save(self, record: Record) -> None:
        """Record what was reached, after making every effect so far durable."""
        os.sync()
        replace_file(self.folder / STATE_FILE, record.to_json())

    def set_aside(self) -> None:
        """Put a spoiled record out of the way."""
        (self.folder / STATE_FILE).replace(self.folder / f"{STATE_FILE}.spoiled")

    def payload_folder(self, generation: int) -> Path:
        """Where the copy of a payload lies."""
        return self.folder / "generations" / str(generation)

    def keep(self, generation: int, raw: Mapping[str, bytes]) -> None:
        """Copy a payload: it is there as a whole, or not at all. Scripts can be run from there."""
        self._put(self.payload_folder(generation), raw)

    def stage(self, raw: Mapping[str, bytes]) -> None:
        """Keep a payload that did not come by the card, whole or not at all, for the next run."""
        self._put(self.folder / _STAGED, raw)

    def staged(self) -> dict[str, bytes]:
        """The files of a payload that waits for the next run; empty where there is none."""
        return _files_of(self.folder / _STAGED)

    def drop_staged(self) -> None:
        """Forget it, for it was taken or is not wanted."""
        _remove(self.folder / _STAGED)

    def _put(self, target: Path, raw: Mapping[str, bytes]) -> None:
        partial = target.with_name(f"{target.name}.part")
        for folder in (partial, target):
            _remove(folder)
        for parent in (self.folder, target.parent, partial):
            parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)  # an image may bring it
        try:
            _fill(partial, raw)
        except (AgentError, OSError):
            _remove(partial)
            raise
        os.sync()
        partial.rename(target)
        sync_folder(target.parent)

    def payload(self, generation: int) -> dict[str, bytes]:
        """The files of a payload's copy; empty where there is none."""
        return _files_of(self.payload_folder(generation))

    def card_of(self, generation: int) -> str:
        """The id of the card that a payload's copy came with; empty where that cannot be read."""
        try:
            return read_manifest((self.payload_folder(generation) / MANIFEST).read_bytes()).card_id
        except (OSError, Faulty):
            return ""

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

    def forget(self, *, but: Collection[int]) -> None:
        """Erase every payload's copy, its secrets first, but those of these generations."""
        for folder in (self.folder / "generations").glob("*"):
            if folder.name not in map(str, but):
                _remove(folder)
        self.drop_staged()


def _fill(folder: Path, raw: Mapping[str, bytes]) -> None:
    """Write files into an empty folder, if there is room for all."""
    needed = sum(len(data) + _BLOCK for data in raw.values())
    if free_bytes(folder) < needed:
        raise no_room("The payload is to be copied there.", str(folder), needed)
    for name, data in raw.items():
        path = folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o700 if name.startswith(_PROGRAMS) else 0o600)


def _files_of(folder: Path) -> dict[str, bytes]:
    return read_folder(folder) if (folder / MANIFEST).exists() else {}


def _remove(folder: Path) -> None:
    """Remove a copy; without its manifest, which goes first, it counts as none."""
    if folder.exists():
        scrub(folder / SECRETS)
        (folder / MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
