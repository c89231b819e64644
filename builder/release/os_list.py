"""The image's entry in a list of Raspberry Pi Imager.

The form is that of ``doc/json-schema/os-list-schema.json`` in Imager's sources.
"""

from __future__ import annotations

import json

from builder.recipe import Recipe
from builder.release.files import Release
from builder.release.subject import Subject

# Imager's tags of boards, and its names of architectures.
_DEVICES = {
    "arm64": ("pi4-64bit", "pi3-64bit"),
    "armhf": ("pi4-32bit", "pi3-32bit", "pi2-32bit"),
}
_ARCHITECTURES = {"arm64": "armv8", "armhf": "armhf"}


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
        "website": told.website,
        "url": told.url + release.compressed.name,
        "bmap_url": told.url + release.bmap.name,
        "release_date": subject.time[:10],
        "extract_size": sizes[0],
        "extract_sha256": subject.sha256,
        "image_download_size": sizes[1],
        "image_download_sha256": digest,
        "devices": [*(told.devices or _DEVICES.get(recipe.architecture, ()))],
        "init_format": "none",  # the payload of a card does what Imager would ask for
    }
    if recipe.architecture in _ARCHITECTURES:
        entry["architecture"] = _ARCHITECTURES[recipe.architecture]
    if not told.website:
        del entry["website"]
    return json.dumps({"os_list": [entry]}, indent=2, ensure_ascii=False) + "\n"


def _describe(recipe: Recipe) -> str:
    return f"Debian {recipe.suite} for {recipe.architecture}"
