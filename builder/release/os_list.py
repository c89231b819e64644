"""The image's entry in a list of Raspberry Pi Imager.

The form is that of ``doc/json-schema/os-list-schema.json`` in Imager's sources.
"""

from __future__ import annotations

import json

from builder.recipe import Recipe
from builder.release.files import Release
from builder.release.subject import Subject

# Imager's names of architectures, and its tags of boards by the filters of config.txt.
_ARCHITECTURES = {"arm64": ("armv8", "64bit"), "armhf": ("armhf", "32bit")}
_TAGS = {"pi2": "pi2", "pi3": "pi3", "pi02": "pi3", "pi4": "pi4"}


def write_os_list(
    release: Release, recipe: Recipe, subject: Subject, sizes: tuple[int, int], digest: str
) -> str:
    """A list with this one image, as JSON.

    Args:
        sizes: bytes of the raw image and of the compressed one.
        digest: SHA-256 (hex) of the compressed one.
    """
    told = recipe.release
    entry: dict[str, object] = {
        "name": subject.title,
        "description": told.description or _describe(recipe),
        "icon": told.icon,
        "url": told.url + release.compressed.name,
        "bmap_url": told.url + release.bmap.name,
        "release_date": subject.time[:10],
        "extract_size": sizes[0],
        "extract_sha256": subject.sha256,
        "image_download_size": sizes[1],
        "image_download_sha256": digest,
        "devices": _devices(recipe),
        "init_format": "none",  # the payload of a card does what Imager would ask for
    }
    if recipe.architecture in _ARCHITECTURES:
        entry["architecture"] = _ARCHITECTURES[recipe.architecture][0]
    if told.website:
        entry["website"] = told.website
    return json.dumps({"os_list": [entry]}, indent=2, ensure_ascii=False) + "\n"


def _devices(recipe: Recipe) -> list[str]:
    """Tags of the boards that must boot the image, the newest first."""
    if recipe.architecture not in _ARCHITECTURES:
        return []
    width = _ARCHITECTURES[recipe.architecture][1]
    found = {_TAGS[model] for board in recipe.boards for model in board.models if model in _TAGS}
    return [f"{tag}-{width}" for tag in sorted(found, reverse=True)]


def _describe(recipe: Recipe) -> str:
    system = (
        f"{recipe.origin.place} ({recipe.suite})" if recipe.origin else f"Debian {recipe.suite}"
    )
    return f"{system} for {recipe.architecture}"
