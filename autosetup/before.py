"""How the node was before payloads changed it, kept to be put back when none wants the change.

Steps keep what they are about to change; the step `leftovers` puts it back. Each thing is kept
once, in a file of its own, whole and on disk before the change begins.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from stat import S_IMODE
from typing import cast

from autosetup.system import System, replace_file, sync_folder

Values = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Kept:
    """Things of one kind, by name, in `folder`; each with values that JSON can hold."""

    folder: Path

    def keep(self, name: str, values: Values) -> None:
        """Keep a thing, durably, unless it is kept already."""
        place = self._place(name)
        if not place.exists():
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (place.parent.parent, place.parent.parent.parent):
                sync_folder(folder)
            replace_file(place, json.dumps({"name": name, **values}).encode(), 0o600, (0, 0))

    def all(self) -> dict[str, Values]:
        """The values of each by its name; a spoiled one is lost."""
        found = {}
        for path in self.folder.glob("[0-9a-f]*"):
            with suppress(ValueError, KeyError, TypeError):
                values = json.loads(path.read_bytes())
                found[str(values["name"])] = cast("Values", values)
        return dict(sorted(found.items()))

    def forget(self, name: str) -> None:
        """Keep it no longer; to be called once it is put back on disk."""
        self._place(name).unlink()

    def _place(self, name: str) -> Path:
        return self.folder / hashlib.sha256(name.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Before:
    """All that is kept of the node, below `folder`."""

    system: System
    folder: Path

    @property
    def files(self) -> Kept:
        """By path; see `keep_file`."""
        return Kept(self.folder / "files")

    @property
    def units(self) -> Kept:
        """By name, each with its ``state`` as systemctl(1) is-enabled says it."""
        return Kept(self.folder / "units")

    @property
    def accounts(self) -> Kept:
        """By name, each with its password ``hash``; None for one that was not there."""
        return Kept(self.folder / "accounts")

    def keep_file(self, path: str) -> None:
        """Keep a file or a link as it is; or that it is not there, nor the folders above it."""
        place = self.system.path(path)
        values: dict[str, object] = {"kind": "none"}
        if place.is_symlink():
            values = {"kind": "link", "target": str(place.readlink())}
        elif place.is_file():
            found = place.stat()
            values = {
                "kind": "file",
                "mode": S_IMODE(found.st_mode),
                "uid": found.st_uid,
                "gid": found.st_gid,
                "data": base64.b64encode(place.read_bytes()).decode(),
            }
        above = map(str, Path(path).parents)
        missing = [folder for folder in above if not self.system.path(folder).exists()]
        self.files.keep(path, {**values, "folders": missing})

    def put_back(self, path: str, values: Values) -> None:
        """Make a path as `keep_file` found it; done twice, the same."""
        place = self.system.path(path)
        if values["kind"] == "file":
            mode, uid, gid = (cast("int", values[key]) for key in ("mode", "uid", "gid"))
            data = base64.b64decode(cast("str", values["data"]))
            self.system.write(path, data, mode=mode, uid=uid, gid=gid)
            return
        if values["kind"] == "link" and place.parent.is_dir():
            draft = place.with_name(f".{place.name}.autosetup")
            draft.unlink(missing_ok=True)
            draft.symlink_to(cast("str", values["target"]))
            draft.replace(place)
            return
        if place.is_symlink() or not place.is_dir():
            place.unlink(missing_ok=True)
        for folder in cast("list[str]", values["folders"]):
            with suppress(OSError):  # others have put something there
                self.system.path(folder).rmdir()
