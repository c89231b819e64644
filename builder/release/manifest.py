"""The manifest: what a set was made from.

It tells no time but the packages' own, so that the same input gives the same manifest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict

from builder.layers import Layer, layer_key
from builder.lock import Lock, format_lock
from builder.recipe import ImageSettings, Recipe
from builder.release.files import Form
from builder.release.pack import packer_version
from builder.release.whole import Measure
from flasher import __version__

FORMAT = 2
IMAGE_VERSION = 3  # raised when the code makes another image from the same layers
SET_VERSION = 1  # raised when the code makes other papers of the same image


def image_key(top: str, settings: ImageSettings) -> str:
    """The key of an image: its topmost layer's key and the settings of its partitions."""
    return layer_key(top, "image", IMAGE_VERSION, asdict(settings))


def release_key(image: str, recipe: Recipe, lock: Lock, form: Form) -> str:
    """The key of a set: its image's key, and all that its papers tell."""
    told = {
        "recipe": recipe_digest(recipe),
        "lock": lock_digest(lock),
        "flasher": __version__,
        "packer": list(packer_version(form)),
    }
    return layer_key(image, "release", SET_VERSION, told)


def recipe_digest(recipe: Recipe) -> str:
    """SHA-256 (hex) of all that a recipe says, its files included; its comments are not."""
    told = asdict(recipe)
    if recipe.origin:
        del told["origin"]["folder"]  # where the recipe lies
    del told["archive"]["proxy"]
    return _sha256(json.dumps(told, sort_keys=True, default=_plain))


def lock_digest(lock: Lock) -> str:
    """SHA-256 (hex) of the lock file."""
    return _sha256(format_lock(lock))


def write_manifest(
    image: str,
    recipe: Recipe,
    lock: Lock,
    layers: tuple[Layer, ...],
    form: Form,
    files: Mapping[str, Measure],
) -> str:
    """The manifest as JSON.

    Args:
        image: from `image_key`.
        files: every file of the set but the manifest, by name.
    """
    packer, version = packer_version(form)
    tools = {package.name: package.version for package in lock.tools.packages}
    told = {
        "format": FORMAT,
        "key": release_key(image, recipe, lock, form),
        "name": recipe.name,
        "title": recipe.title,
        "suite": recipe.suite,
        "architecture": recipe.architecture,
        "agent": __version__ if recipe.has_agent else "none",
        "epoch": lock.epoch,
        "inputs": {
            "recipe": recipe_digest(recipe),
            "lock": lock_digest(lock),
            "image": image,
        },
        "layers": [{"name": layer.name, "key": layer.key} for layer in layers],
        "tools": {"flasher": __version__, packer: version, **tools},
        "files": files,
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> str:
    """Bytes in hexadecimal digits; the paths of files say nothing beside their digests."""
    return value.hex() if isinstance(value, bytes) else ""
