"""Which base image the wizard writes, and how far it is with opening it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from flasher.errors import FlasherError

if TYPE_CHECKING:
    from flasher.image.source import ImageFile


@dataclass(frozen=True, slots=True)
class LookingForImage:
    """Nobody has looked yet."""


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


# As text: the first screen does not wait for what reads images.
ImageStatus: TypeAlias = "LookingForImage | NoImage | OpeningImage | ImageFile | ImageTrouble"
