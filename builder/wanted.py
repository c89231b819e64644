"""Which packages a recipe asks for, group by group, and whether a lock was made for these."""

from __future__ import annotations

from dataclasses import dataclass

from builder.archive import archive_of, has_updates
from builder.lock import Lock
from builder.recipe import Recipe
from builder.sources.bottom import BASE

BOTTOM = "debian"
_UPDATES = "-updates "  # in the names of suites, as sources.list has them

Wanted = tuple[tuple[str, tuple[str, ...]], ...]

# What apt and dpkg themselves need, as mmdebstrap's variant "minbase" has it; then what the
# maintainer scripts and the agent of every image need, whatever else it holds. Names that a suite
# does not have are left out.
MINIMUM = (
    "?essential",
    "?priority(required)",
    "apt",
    "ca-certificates",
    "dbus",
    "kmod",
    "python3",
    "systemd-sysv",
    "udev",
    "zstd",
)

# Says that programs and libraries lie in /usr alone, as they do in every tree here from its
# beginning; apt would else take the package that moves them there.
MERGED = ("usr-is-merged",)

# The image is assembled by the programs of one suite, whatever the image and the computer run:
# mke2fs keeps the time of the build out of its file systems since 1.47.1.
TOOLS_SUITE = "trixie"
TOOLS = ("dosfstools", "e2fsprogs", "mtools")


@dataclass(frozen=True, slots=True)
class Native:
    """The building computer.

    Attributes:
        architecture: Debian's name of it.
        twins: packages whose programs run in place of emulated ones; none where nothing is
            emulated.
    """

    architecture: str
    twins: tuple[str, ...] = ()


def wanted_groups(recipe: Recipe) -> Wanted:
    """The groups of a recipe, lowest first: name, and the packages asked for."""
    layers = tuple((layer.name, layer.packages) for layer in recipe.layers if layer.packages)
    return ((BASE, (str(recipe.origin),)) if recipe.origin else (BOTTOM, MINIMUM), *layers)


def find_misfit(lock: Lock, recipe: Recipe, native: Native) -> str:
    """Why a lock is not one of this recipe and this computer, as a sentence; "" where it is."""
    return (
        _misfit_of_system(lock, recipe)
        or _misfit_of_packages(lock, recipe)
        or _misfit_of_computer(lock, native)
    )


def _misfit_of_system(lock: Lock, recipe: Recipe) -> str:
    if (lock.base.origin if lock.base else "") != str(recipe.origin or ""):
        return f"It starts from {lock.base.origin if lock.base else 'a Debian suite'}."
    if (lock.archive or "") != archive_of(recipe).described:
        return "It takes packages from other sources than the recipe names."
    if (lock.suite, lock.architecture) != (recipe.suite, recipe.architecture):
        return (
            f"It is for {lock.suite} on {lock.architecture}, "
            f"and the recipe is for {recipe.suite} on {recipe.architecture}."
        )
    updates = recipe.updates and has_updates(recipe.suite)
    if not recipe.origin and not recipe.archive.key and (_UPDATES in lock.sources) != updates:
        return "Only one of it and the recipe takes updates of the suite."
    return ""


def _misfit_of_packages(lock: Lock, recipe: Recipe) -> str:
    wanted = tuple((name, tuple(sorted(names))) for name, names in wanted_groups(recipe))
    locked = tuple((group.name, group.requested) for group in lock.layers)
    for asked, held in zip(wanted, locked, strict=False):
        if asked != held:
            return f"Its layer {held[0]} has not the packages of the recipe's layer {asked[0]}."
    if len(wanted) != len(locked):
        return f"It has {len(locked)} layers with packages, and the recipe has {len(wanted)}."
    return ""


def _misfit_of_computer(lock: Lock, native: Native) -> str:
    if lock.native_architecture != native.architecture:
        return (
            f"It was made to build on {lock.native_architecture}, "
            f"and this computer is {native.architecture}."
        )
    if (lock.twins.requested, lock.tools.requested) != (
        tuple(sorted(native.twins)),
        tuple(sorted(TOOLS)),
    ):
        return "It was made by a version of this program that builds with other native programs."
    return ""
