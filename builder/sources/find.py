"""From what a recipe starts with to a file on this computer, checked, and how it is known."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from builder.lock import LockedBase
from builder.recipe import Origin
from builder.release.pack import digest_file
from builder.sources import raspios
from builder.sources.card_image import open_card_image
from builder.sources.fetch import fetch, require_digest
from builder.sources.unpack import newest_entry
from flasher.errors import BadInput
from flasher.events import CancelFlag, Emit
from flasher.image.blocks import FileBlocks
from flasher.image.source import open_image


@dataclass(frozen=True, slots=True)
class Found:
    """A source on this computer.

    Attributes:
        form: ``image``, ``rootfs`` or ``oci``.
        file: unpacked, if it is an image.
        digest: SHA-256 (hex) of what is in it, however it is packed.
        epoch: when it was made, as it says itself; seconds since 1970.
    """

    form: str
    file: Path
    digest: str
    epoch: int
    locked: LockedBase


@dataclass(frozen=True, slots=True)
class Finder:
    """Where files are looked for and kept.

    Attributes:
        folder: keeps downloads by digest.
        architecture: Debian's name of the one that is built for.
    """

    folder: Path
    architecture: str
    emit: Emit
    cancel: CancelFlag

    def find(self, origin: Origin, before: LockedBase | None) -> Found:
        """Find the source of a recipe.

        Args:
            origin: as the recipe has it.
            before: what it was at the last build; a system named without its release stays that.

        Raises:
            BadInput: there is no such file, or it is not what it should be.
            FlasherError: it could not be fetched.
        """
        kept = before if before and before.origin == str(origin) else None
        if origin.form == "raspios":
            return self._image(origin, *self._raspios(origin, kept))
        if "://" in origin.place:
            file = fetch(origin.place, origin.sha256, self.folder, self.emit, self.cancel)
            name = origin.place
        else:
            file = Path(origin.folder, origin.place)
            name = file.name
        if origin.form == "build":
            file = find_build(file, self.architecture)
            name = file.name
        if not file.is_file():
            raise BadInput("no-source", f"{file} is not there.", "Correct `from` in the recipe.")
        if origin.form in ("image", "build"):
            return self._image(origin, file, name)
        return self._archive(origin, file, name)

    def _image(self, origin: Origin, file: Path, name: str) -> Found:
        image = open_image(file, emit=self.emit, cancel=self.cancel)
        packed = image.digest if image.path == file else digest_file(file)
        if origin.sha256 and origin.sha256 not in (packed, image.digest):
            require_digest(file, origin.sha256, name)
        with FileBlocks(image.path) as blocks:
            card = open_card_image(blocks)
        locked = _locked(origin, file, name, packed)
        locked = replace(locked, disk_id=card.disk_id)
        return Found("image", image.path, image.digest, card.root.written, locked)

    def _archive(self, origin: Origin, file: Path, name: str) -> Found:
        require_digest(file, origin.sha256, name)
        digest = digest_file(file)
        epoch = newest_entry(origin.form, file, self.architecture)
        return Found(origin.form, file, digest, epoch, _locked(origin, file, name, digest))

    def _raspios(self, origin: Origin, kept: LockedBase | None) -> tuple[Path, str]:
        uri, sha256 = (
            (kept.uri, kept.sha256) if kept else raspios.resolve(origin, self.architecture)
        )
        return fetch(uri, sha256, self.folder, self.emit, self.cancel), uri


def find_build(folder: Path, architecture: str) -> Path:
    """The image of an earlier build of ours.

    Args:
        folder: of the set, or its manifest.
        architecture: that it must be for.

    Raises:
        BadInput: there is no set, or more than one, or it is for another architecture.
    """
    manifests = [folder] if folder.is_file() else sorted(folder.glob("*.manifest.json"))
    if len(manifests) != 1:
        what = f"{folder} holds {len(manifests) or 'no'} builds, one is needed."
        raise BadInput("no-build", what, "Name the .manifest.json of the one that is meant.")
    told = json.loads(manifests[0].read_bytes())
    if told["architecture"] != architecture:
        what = f"{manifests[0]} is of a build for {told['architecture']}, not for {architecture}."
        raise BadInput("architecture-differs", what, "Set `architecture` in the recipe to match.")
    beside = (manifests[0].with_name(name) for name in _images(told["files"]))
    there = [file for file in beside if file.is_file()]
    if not there:
        raise BadInput("no-build", f"The image of {manifests[0]} is gone.", "Build it again.")
    require_digest(there[0], told["files"][there[0].name]["sha256"], str(there[0]))
    return there[0]


def _images(files: Iterable[str]) -> list[str]:
    """The raw one first: it need not be unpacked."""
    forms = (".img", ".img.zst", ".img.xz", ".zip")
    return [name for form in forms for name in files if name.endswith(form)]


def _locked(origin: Origin, file: Path, name: str, sha256: str) -> LockedBase:
    uri = name if urlsplit(name).scheme else os.path.basename(name)  # noqa: PTH119
    return LockedBase(str(origin), uri, file.stat().st_size, sha256)
