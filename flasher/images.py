"""Which base image cards are made from, unless a person names one."""

from __future__ import annotations

from pathlib import Path

from flasher import paths
from flasher.errors import BadInput
from flasher.events import NEVER, CancelFlag, Emit, ignore
from flasher.kits import kits

_SUFFIXES = (".img", ".img.zst", ".img.xz", ".img.gz", ".zip")


def image_folder() -> Path:
    """Where `build-base` puts images, and where all else looks for them."""
    return paths.data() / "images"


def found_image() -> Path | None:
    """The newest image of this computer; where it has none, of a kit that is plugged in."""
    folders = [image_folder(), *(kit / "images" for kit in kits())]
    return next(filter(None, map(newest_image, folders)), None)


def newest_image(folder: Path) -> Path | None:
    """The newest base image in a folder; None where there is none.

    A compressed image is passed over where the raw one lies beside it: they are the same.
    """
    found = [
        path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.name.endswith(_SUFFIXES) and path.is_file() and not _has_raw_twin(path)
    ]
    return max(found, key=lambda path: (path.stat().st_mtime_ns, path.name), default=None)


def image_place(text: str) -> Path | str:
    """An image as people name it: a path, or as it is an address in the network."""
    return text if text.startswith(("http://", "https://")) else Path(text)


def choose_image(
    named: Path | str | None, *, emit: Emit = ignore, cancel: CancelFlag = NEVER
) -> Path:
    """The image named, fetched if it is elsewhere; else the one found.

    Raises:
        BadInput: it is not there, or none was ever built.
        FlasherError: it cannot be fetched: `flasher.image.fetch`.
    """
    if isinstance(named, str):
        from flasher.image.fetch import fetch_image  # needs the network's library

        return fetch_image(named, emit=emit, cancel=cancel)
    chosen = named or found_image()
    if chosen is None:
        raise BadInput(
            "no-image",
            f"No base image lies in {image_folder()}.",
            "Build one with `flasher build-base`, name one with --image, or plug a kit in.",
        )
    if not chosen.is_file():
        what = "is a folder" if chosen.is_dir() else "is not there"
        raise BadInput("no-image", f"The image {chosen} {what}.", "Name a .img or .img.zst file.")
    return chosen


def _has_raw_twin(path: Path) -> bool:
    bare = path.with_suffix("")
    raw = bare if bare.suffix == ".img" else bare.with_name(f"{bare.name}.img")  # base.zip
    return path.suffix != ".img" and raw.is_file()
