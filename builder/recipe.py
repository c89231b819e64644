"""Recipes: what a base image is made of, as people write it in TOML.

format = 1
name = "base"
title = "Debian 13 for the Raspberry Pi"
from = "debian:trixie"
architecture = "arm64"

[image]
boot_size_mib = 256

[release]
url = "https://example.org/images/"     # where the files will be found, for Raspberry Pi Imager

[[layer]]
name = "system"
packages = ["openssh-server"]
packages_for.arm64 = ["linux-image-arm64"]      # beside the others, in images for arm64
packages_for.armhf = ["linux-image-armmp"]

[[layer.file]]
path = "/etc/motd"
lines = ["Hello."]

[[layer.file]]
path = "/etc/default/old-boards"
architectures = ["armhf"]                       # in images for these only
lines = []

[[layer]]
uses = "agent"          # a layer that ships with the program
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from autosetup.faults import Faulty
from autosetup.strict import Table, pattern, reading
from builder.emulation import MACHINES
from flasher.errors import BadDocument, BadInput
from flasher.firmware.boards import BOARDS, Board
from flasher.paths import assets

FORMAT = 1
T = TypeVar("T")
_NAME = pattern(r"[a-z0-9][a-z0-9-]{0,39}", "lower-case letters, digits and hyphens")
_SOURCE = pattern(r"debian:[a-z][a-z0-9-]*", "a Debian suite: debian:trixie")
_PACKAGE = pattern(r"[a-z0-9][a-z0-9+.-]+", "a Debian package name")
_PATH = pattern(r"(?!.*(/\.{1,2}(/|$)|//))/[^\0]*[^/\0]", "an absolute path: /etc/motd")
_MODE = pattern(r"0[0-7]{3,4}", 'an octal mode: "0644"')
_LABEL = pattern(r"[A-Za-z0-9_-]{1,11}", "a label of up to 11 letters, digits, - and _")
_UNIT = pattern(r"[\w@.\\-]+\.(service|socket|timer|path|target|mount)", "a unit: ssh.service")
_LINK = pattern(r"https?://\S+", "an address: https://example.org/logo.png")
_BASE = pattern(r"https?://\S+/", "the address of a folder: https://example.org/images/")
_MODULE = pattern(r"[a-z_]\w*", "a Python package name")
_BOARD = pattern("|".join(map(re.escape, BOARDS)), f"one of {', '.join(BOARDS)}")
_ARCHITECTURE = pattern("|".join(MACHINES), f"one of {', '.join(MACHINES)}")


@dataclass(frozen=True, slots=True)
class RecipeFile:
    """A file to put into the image, owned by root."""

    path: str
    data: bytes
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class LayerRecipe:
    """One layer: packages first, then files, Python packages, and services to enable.

    Attributes:
        python: packages that ship with this program, copied for the node's system Python.
        enable: systemd units, by name.
    """

    name: str
    packages: tuple[str, ...] = ()
    files: tuple[RecipeFile, ...] = ()
    python: tuple[str, ...] = ()
    enable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """The partitions: FAT32 for the firmware, ext4 for the rest; sizes in MiB.

    Attributes:
        boards: the Pis that must boot it, by their names in `flasher.firmware.boards`; None stands
            for all that can run the architecture.
    """

    boot_label: str = "bootfs"
    root_label: str = "rootfs"
    boot_size_mib: int = 256
    root_slack_mib: int = 400
    boards: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ReleaseSettings:
    """What Raspberry Pi Imager is told of the image.

    Attributes:
        description: a line below the title; by default its suite and architecture.
        url: of the folder where the files will be found, with its slash; "" for beside the list.
        icon: address of a picture of 40 × 40 pixels.
        website: address of a page about the image.
    """

    description: str = ""
    url: str = ""
    icon: str = ""
    website: str = ""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A base image, from its Debian suite to its layers, lowest first.

    Attributes:
        updates: False for the suite as it was last released, without later fixes.
    """

    name: str
    title: str
    suite: str
    architecture: str
    image: ImageSettings
    layers: tuple[LayerRecipe, ...]
    release: ReleaseSettings = ReleaseSettings()
    updates: bool = True

    @property
    def boards(self) -> tuple[Board, ...]:
        """The Pis that must boot the image; none of them for an architecture of PCs."""
        if self.image.boards is not None:
            return tuple(BOARDS[name] for name in self.image.boards)
        wide = {"arm64": (True,), "armhf": (True, False)}.get(self.architecture, ())
        return tuple(board for board in BOARDS.values() if board.wide in wide)


def load_recipe(path: Path, architecture: str | None = None) -> Recipe:
    """Read a recipe and the files that it names.

    Args:
        path: of the TOML file; sources in it are relative to its folder.
        architecture: replaces the recipe's own.

    Raises:
        BadInput: there is no such file, or no such architecture.
        BadDocument: it has faults.
    """
    if architecture not in (None, *MACHINES):
        raise BadInput(
            "architecture-unknown",
            f"{architecture} is no architecture that can be built.",
            f"Choose one of: {', '.join(MACHINES)}.",
        )
    return _read(path, "recipe", lambda top: _recipe(top, path.parent, architecture))


def load_shipped_layer(name: str, architecture: str) -> LayerRecipe:
    """Read a layer that ships with the program: ``assets/layers/<name>/layer.toml``."""
    folder = assets() / "layers" / name

    def read(top: Table) -> LayerRecipe:
        top.integer("format", low=FORMAT, high=FORMAT)
        return _layer_body(top, name, _Place(folder, architecture))

    return _read(folder / "layer.toml", "layer", read)


def _read(path: Path, what: str, interpret: Callable[[Table], T]) -> T:
    try:
        with reading(path.name, path.read_bytes()) as top:
            result = interpret(top)
    except OSError as error:
        raise BadInput(
            f"{what}-unreadable",
            f"The {what} {path} cannot be read: {error.strerror}.",
            "Name a file that exists; those that ship lie in assets/recipes.",
        ) from None
    except Faulty as faulty:
        raise BadDocument(what, faulty.faults) from None
    return result


@dataclass(frozen=True, slots=True)
class _Place:
    """What a layer is read for: its folder, and the architecture of the image."""

    folder: Path
    architecture: str


def _recipe(top: Table, folder: Path, asked: str | None) -> Recipe:
    top.integer("format", low=FORMAT, high=FORMAT)
    own = top.string("architecture", default="arm64", choices=tuple(MACHINES))
    place = _Place(folder, asked or own)
    return Recipe(
        name=top.string("name", form=_NAME),
        title=top.string("title", default=""),
        suite=top.string("from", form=_SOURCE).removeprefix("debian:"),
        updates=top.boolean("updates", default=True),
        architecture=place.architecture,
        image=_image(top.table("image")),
        layers=tuple(_layer(table, place) for table in top.tables("layer")),
        release=_release(top.table("release")),
    )


def _release(table: Table) -> ReleaseSettings:
    return ReleaseSettings(
        description=table.string("description", default=""),
        url=table.string("url", default="", form=_BASE),
        icon=table.string("icon", default="", form=_LINK),
        website=table.string("website", default="", form=_LINK),
    )


def _image(table: Table) -> ImageSettings:
    default = ImageSettings()
    return ImageSettings(
        boot_label=table.string("boot_label", default=default.boot_label, form=_LABEL),
        root_label=table.string("root_label", default=default.root_label, form=_LABEL),
        boot_size_mib=table.integer(
            "boot_size_mib", default=default.boot_size_mib, low=64, high=2048
        ),
        root_slack_mib=table.integer(
            "root_slack_mib", default=default.root_slack_mib, low=16, high=1 << 16
        ),
        boards=table.strings("boards", form=_BOARD) if table.has("boards") else None,
    )


def _layer(table: Table, place: _Place) -> LayerRecipe:
    if not table.has("uses"):
        return _layer_body(table, table.string("name", form=_NAME), place)
    layers = assets() / "layers"
    shipped = tuple(sorted(path.parent.name for path in layers.glob("*/layer.toml")))
    name = table.string("uses", choices=shipped)
    return load_shipped_layer(name, place.architecture) if name in shipped else LayerRecipe(name)


def _layer_body(table: Table, name: str, place: _Place) -> LayerRecipe:
    files = [_file(entry, place) for entry in table.tables("file")]
    return LayerRecipe(
        name=name,
        packages=_packages(table, place.architecture),
        files=tuple(file for file in files if file),
        python=table.strings("python", default=(), form=_MODULE),
        enable=table.strings("enable", default=(), form=_UNIT),
    )


def _packages(table: Table, architecture: str) -> tuple[str, ...]:
    """Those for every image, then those for this architecture; the others' are checked as well."""
    own = table.table("packages_for")
    of = {each: own.strings(each, default=(), form=_PACKAGE) for each in MACHINES}
    return (*table.strings("packages", default=(), form=_PACKAGE), *of[architecture])


def _file(table: Table, place: _Place) -> RecipeFile | None:
    path = table.string("path", form=_PATH)
    mode = table.string("mode", default="0644", form=_MODE)
    only = table.strings("architectures", default=(), form=_ARCHITECTURE)
    file = RecipeFile(path, _data(table, place.folder), int(mode, 8) if mode.isdigit() else 0)
    return file if not only or place.architecture in only else None


def _data(table: Table, folder: Path) -> bytes:
    if table.has("source") == table.has("lines"):
        table.fault("path", "A file needs its content.", "Give either source or lines.")
    lines = table.strings("lines", default=())
    source = table.string("source", default="")
    if not source:
        return "".join(f"{line}\n" for line in lines).encode()
    try:
        return (folder / source).read_bytes()
    except OSError as error:
        table.fault("source", f"{source} cannot be read: {error.strerror}.", "Name a file here.")
        return b""
