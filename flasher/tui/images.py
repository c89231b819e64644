"""Which base image the wizard writes, and how far it is with opening it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from flasher import paths
from flasher.card.source import ImageFile
from flasher.errors import FlasherError

_SUFFIXES = (".img", ".img.zst")


@dataclass(frozen=True, slots=True)
class NoImage:
    """There is none on this computer."""


@dataclass(frozen=True, slots=True)
class OpeningImage:
    """It is being read or unpacked; `share` goes from 0 to 1, None where it cannot be known."""

    path: Path
    share: float | None = None


@dataclass(frozen=True, slots=True)
class ImageTrouble:
    """It cannot be used; `error` says why."""

    error: FlasherError


ImageStatus = NoImage | OpeningImage | ImageFile | ImageTrouble


def image_folders() -> tuple[Path, ...]:
    """Where base images are looked for: what `build-base` made, and what a person put there."""
    return (paths.cache() / "demo", paths.data() / "images")


def newest_image(folders: Iterable[Path]) -> Path | None:
    """The newest base image in the folders; None where there is none.

    A compressed image is passed over where the raw one lies beside it: they are the same.
    """
    found = [
        path
        for folder in folders
        if folder.is_dir()
        for path in folder.iterdir()
        if path.name.endswith(_SUFFIXES) and path.is_file() and not _has_raw_twin(path)
    ]
    return max(found, key=lambda path: (path.stat().st_mtime_ns, path.name), default=None)


def _has_raw_twin(path: Path) -> bool:
    return path.suffix != ".img" and path.with_suffix("").is_file()
