"""Recipes, read from their files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from autosetup.strict import Table, pattern
from builder.emulation import MACHINES
from builder.recipe.archive import read_archive, read_sources
from builder.recipe.layers import NAME, Place, read_layer
from builder.recipe.model import (
    ArchiveRecipe,
    ImageSettings,
    LayerRecipe,
    Origin,
    Recipe,
    ReleaseSettings,
)
from builder.recipe.shipped import FORMAT, load_shipped_layer, read_document, shipped_names
from builder.recipe.trust import read_trust
from flasher.errors import BadInput
from flasher.firmware.boards import BOARDS

_SOURCE = pattern(
    r"(?:debian|apt|raspios):[a-z][a-z0-9-]*|(?:image|rootfs|oci|build):\S(?:.*\S)?",
    "debian:SUITE, apt:SUITE, image:FILE, rootfs:FILE, oci:FILE, build:FOLDER or raspios:NAME",
)
_FORMS = f"Write {_SOURCE.wanted}."
_SUITES = ("debian", "apt")
_DIGEST = pattern(r"[0-9a-f]{64}", "a SHA-256: 64 hex digits")
_LABEL = pattern(r"[A-Za-z0-9_-]{1,11}", "a label of up to 11 letters, digits, - and _")
_LINK = pattern(r"https?://\S+", "an address: https://example.org/logo.png")
_BASE = pattern(r"https?://\S+/", "the address of a folder: https://example.org/images/")
_CAMERA = pattern(r"[a-z0-9][a-z0-9-]*", "the name of a camera: imx219")
_BOARD = pattern("|".join(map(re.escape, BOARDS)), f"one of {', '.join(BOARDS)}")


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
    return read_document(path, "recipe", lambda top: _recipe(top, path.parent, architecture))


def start_from(recipe: Recipe, source: str, sha256: str = "") -> Recipe:
    """The recipe upon something else than it names itself.

    Args:
        source: as `from` in a recipe; paths start where this process works.
        sha256: of the file, needed for an address.

    Raises:
        BadInput: there is no such form, or a checksum is missing or none.
    """
    fault = _SOURCE.complain(source) or (_DIGEST.complain(sha256) if sha256 else None)
    if fault:
        raise BadInput("source-unknown", f"--from {source} --sha256 {sha256}: {fault}", _FORMS)
    form, _, place = source.partition(":")
    if form in _SUITES:
        return replace(recipe, suite=place, origin=None, archive=_archive_for(recipe, form))
    if "://" in place and not sha256:
        what = f"What comes from {place} must be known by its checksum."
        raise BadInput("checksum-missing", what, "Give it beside, with --sha256.")
    archive = ArchiveRecipe(proxy=recipe.archive.proxy)
    origin = Origin(form, place, sha256, folder=str(Path.cwd()))
    return replace(recipe, suite="", origin=origin, archive=archive)


def _archive_for(recipe: Recipe, form: str) -> ArchiveRecipe:
    """What counts of a recipe's archive for another suite than its own."""
    own = recipe.archive
    if form == "apt" and own.key is None:
        what = "An archive that is not Debian's must be known by its public key."
        raise BadInput("keyring-missing", what, "Name it in a recipe: keyring, below [archive].")
    return (
        replace(own, suites=())
        if (form == "apt") == bool(own.key)
        else ArchiveRecipe(proxy=own.proxy)
    )


def _recipe(top: Table, folder: Path, asked: str | None) -> Recipe:
    top.integer("format", low=FORMAT, high=FORMAT)
    own = top.string("architecture", default="arm64", choices=tuple(MACHINES))
    source = top.string("from", form=_SOURCE)
    place = Place(folder, asked or (own if own in MACHINES else next(iter(MACHINES))), source)
    layers = (*_stack(top, place), *read_trust(top.table("trust"), folder))
    form, _, suite = source.partition(":")
    suite = suite if form in _SUITES else ""
    return Recipe(
        name=top.string("name", form=NAME),
        title=top.string("title", default=""),
        suite=suite,
        origin=_origin(top, source, folder),
        updates=top.boolean("updates", default=True),
        architecture=place.architecture,
        image=_image(top.table("image"), layers),
        layers=layers,
        release=_release(top.table("release")),
        archive=read_archive(top.table("archive"), folder, form),
        sources=read_sources(top.tables("apt"), folder, suite),
    )


def _origin(top: Table, source: str, folder: Path) -> Origin | None:
    form, _, place = source.partition(":")
    if form in _SUITES:
        return None
    sha256 = top.string("sha256", default="", form=_DIGEST) if top.has("sha256") else ""
    os_list = top.string("os_list", default="") if form == "raspios" else ""
    if "://" in place and not sha256:
        top.fault(
            "from",
            "What comes from an address must be known by its checksum.",
            'Give it beside: sha256 = "…", from where the file is announced.',
        )
    return Origin(form, place, sha256, os_list, str(folder.absolute()))


def _release(table: Table) -> ReleaseSettings:
    return ReleaseSettings(
        description=table.string("description", default=""),
        url=table.string("url", default="", form=_BASE),
        icon=table.string("icon", default="", form=_LINK),
        website=table.string("website", default="", form=_LINK),
    )


def _image(table: Table, layers: Iterable[LayerRecipe]) -> ImageSettings:
    default = ImageSettings()
    data = table.integer("data_size_mib", default=0, low=0, high=1 << 16)
    return ImageSettings(
        boot_label=table.string("boot_label", default=default.boot_label, form=_LABEL),
        root_label=table.string("root_label", default=default.root_label, form=_LABEL),
        boot_size_mib=table.integer(
            "boot_size_mib", default=default.boot_size_mib, low=64, high=2048
        ),
        root_slack_mib=table.integer(
            "root_slack_mib", default=default.root_slack_mib, low=16, high=1 << 16
        ),
        data_size_mib=max((data, *(layer.data_size_mib for layer in layers))),
        boards=table.strings("boards", form=_BOARD) if table.has("boards") else None,
        cameras=table.strings("cameras", default=(), form=_CAMERA),
    )


def _stack(top: Table, place: Place) -> tuple[LayerRecipe, ...]:
    """All layers, lowest first; each finds what it needs below it."""
    layers: list[LayerRecipe] = []
    for table in top.tables("layer"):
        below = {layer.name for layer in layers}
        added = _layers(table, place)
        for need in (name for layer in added for name in layer.needs if name not in below):
            what = f"This layer needs the layer {need} below it."
            table.fault("uses", what, f'Write [[layer]] uses = "{need}" before it.')
        layers += added
    return tuple(layers)


def _layers(table: Table, place: Place) -> tuple[LayerRecipe, ...]:
    """The layers that one table stands for."""
    if table.has("pi_gen"):
        from builder.formats.pi_gen.recipe import read_layers  # which makes layers of our model

        name = table.string("name", form=NAME)
        return read_layers(table, name, place.folder, place.architecture)
    if table.has("pi_image2"):
        from builder.formats.pi_image2.recipe import read_layers as read_customization

        name = table.string("name", form=NAME)
        return read_customization(table, name, place.folder, place.source)
    if table.has("pi_builder"):
        from builder.formats.pi_builder import recipe as pi_builder  # likewise

        name = table.string("name", form=NAME)
        return pi_builder.read_layers(table, name, place.folder, place.architecture)
    if not table.has("uses"):
        return (read_layer(table, table.string("name", form=NAME), place),)
    shipped = shipped_names()
    name = table.string("uses", choices=shipped)
    return (load_shipped_layer(name, place.architecture),) if name in shipped else ()
