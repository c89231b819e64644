"""Which files of other systems were taken over: kept, so that those alone are erased."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autosetup import forms
from autosetup.faults import Faulty
from autosetup.manifest import LARGEST
from autosetup.strict_json import reading_json
from autosetup.system import replace_file

_FILE = "imports.json"


@dataclass(frozen=True, slots=True)
class Taken:
    """The files that a generation was made of: SHA-256 (hex) by name."""

    generation: int = 0
    files: Mapping[str, str] = field(default_factory=dict)

    def has(self, name: str, data: bytes) -> bool:
        """Whether this file, as it is, was one of them."""
        return self.files.get(name) == _digest(data)


def read_taken(folder: Path) -> Taken:
    """What the agent's folder says; nothing where it is spoiled, or says nothing."""
    try:
        with reading_json(_FILE, (folder / _FILE).read_bytes()) as top:
            files = top.table("files")
            return Taken(
                top.integer("generation", low=1, high=LARGEST),
                {name: files.string(name, form=forms.SHA256) for name in files.names()},
            )
    except (OSError, Faulty):
        return Taken()


def write_taken(folder: Path, generation: int, files: Mapping[str, bytes]) -> None:
    """Keep of which files a generation is made, by the bytes of each."""
    values = {
        "generation": generation,
        "files": {name: _digest(data) for name, data in sorted(files.items())},
    }
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    replace_file(folder / _FILE, json.dumps(values, indent=2).encode())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
