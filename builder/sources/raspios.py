"""Raspberry Pi OS by name, looked up in a list as Raspberry Pi Imager reads it.

The list is JSON: ``os_list`` of entries, each an image (``url``, ``image_download_sha256``,
``release_date``) or a folder of more (``subitems``); see the schema that Imager publishes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builder.recipe import Origin
from flasher.errors import BadInput, FlasherError

ENVIRONMENT = "FLASHER_OS_LIST"
_TIMEOUT_SECONDS = 30

# The words of `raspios:lite-arm64` that must stand in the name of the file, and must not.
_EDITIONS = {"lite": ("-lite",), "full": ("-full",), "desktop": ()}
_ARCHITECTURES = ("arm64", "armhf")


def resolve(origin: Origin, architecture: str) -> tuple[str, str]:
    """Address and SHA-256 (hex) of the newest image of a name.

    Args:
        origin: ``raspios:EDITION-ARCHITECTURE``; its list, else the one that the environment names.
        architecture: that the recipe is for.

    Raises:
        BadInput: no list is named, there is no such image in it, or it is for another architecture.
        FlasherError: the list cannot be fetched.
    """
    edition, _, wanted = origin.place.partition("-")
    if edition not in _EDITIONS or wanted not in _ARCHITECTURES:
        raise BadInput(
            "raspios-unknown",
            f"{origin} names no edition of Raspberry Pi OS.",
            "Write raspios:lite-arm64, or desktop, full; armhf.",
        )
    if wanted != architecture:
        what = f"{origin} is for {wanted}, and the recipe is for {architecture}."
        raise BadInput("architecture-differs", what, "Set `architecture` in the recipe to match.")
    place = origin.os_list or os.environ.get(ENVIRONMENT, "")
    if not place:
        raise BadInput(
            "no-os-list",
            f"It is not said where {origin} is to be looked up.",
            f"Name Raspberry Pi's os_list in the recipe (os_list = …) or in {ENVIRONMENT}.",
        )
    return choose(json.loads(_read(place, origin.folder)), edition, wanted, place)


def choose(told: dict[str, Any], edition: str, architecture: str, place: str) -> tuple[str, str]:
    """The newest image of an edition in a list; arguments and errors as of `resolve`."""
    fitting = [
        entry for entry in _images(told["os_list"]) if _fits(entry["url"], edition, architecture)
    ]
    if not fitting:
        what = f"{place} names no Raspberry Pi OS {edition} for {architecture}."
        raise BadInput("raspios-unknown", what, "Name the list that Raspberry Pi publishes.")
    newest = max(fitting, key=lambda entry: str(entry.get("release_date", "")))
    return newest["url"], newest["image_download_sha256"]


def _images(entries: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for entry in entries:
        yield from _images(entry.get("subitems", []))
        if "url" in entry and "image_download_sha256" in entry:
            yield entry


def _fits(url: str, edition: str, architecture: str) -> bool:
    """Files are called ``2025-10-01-raspios-trixie-arm64-lite.img.xz``; older suites say so."""
    name = url.rpartition("/")[2]
    others = [word for words in _EDITIONS.values() for word in words]
    wanted = _EDITIONS[edition]
    return (
        "-raspios-" in name
        and "legacy" not in url
        and "oldstable" not in url
        and f"-{architecture}" in name
        and all(word in name for word in wanted)
        and not any(word in name for word in others if word not in wanted)
    )


def _read(place: str, folder: str) -> bytes:
    if "://" not in place:
        try:
            return Path(folder, place).read_bytes()
        except OSError as error:
            what = f"The list {place} cannot be read: {error.strerror}."
            raise BadInput("no-os-list", what, "Correct os_list in the recipe.") from None
    import requests

    try:
        got = requests.get(place, timeout=_TIMEOUT_SECONDS)
        got.raise_for_status()
    except requests.RequestException as error:
        what = f"The list {place} cannot be fetched: {error}."
        raise FlasherError("network-down", what, "Check the network, or name a file.") from error
    return got.content
