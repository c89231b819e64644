"""Which base image a command works with."""

from __future__ import annotations

from pathlib import Path

from flasher import paths
from flasher.errors import BadInput

SUFFIXES = (".img", ".img.zst", ".img.xz", ".img.gz")


def image_folder() -> Path:
    """Where `build-base` puts images, and where the other commands look for them."""
    return paths.data() / "images"


def choose_image(named: Path | None) -> Path:
    """The image named, else the newest one built.

    Raises:
        BadInput: it is not there, or none was ever built.
    """
    if named:
        if not named.is_file():
            raise BadInput("no-image", f"There is no image {named}.", "Check the path.")
        return named
    built = [p for p in image_folder().glob("*") if p.name.endswith(SUFFIXES)]
    if not built:
        raise BadInput(
            "no-image",
            f"No base image lies in {image_folder()}.",
            "Build one with `flasher build-base`, or name one with --image.",
        )
    # Of an image and its compressed twin the raw one is quicker to read.
    return max(built, key=lambda path: (path.stat().st_mtime_ns // 10**9, path.suffix == ".img"))
