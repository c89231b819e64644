"""From a recipe to a lock: which packages, in which version, each layer adds.

The newest that the archive has are taken, each layer upon what the layers below it hold. A lock
that fits a recipe is not resolved anew: see `builder.wanted`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path

from builder.archive import Archive
from builder.catalogue import Catalogue, Offer
from builder.diagnosis import StepFailed
from builder.epochs import (
    epochs_of,
    recall_epochs,
    remember_epochs,
    require_clock,
    with_epochs,
)
from builder.lock import Lock, LockedGroup, format_lock, read_lock
from builder.recipe import Recipe
from builder.sources.apt_sources import TreeArchive
from builder.sources.bottom import BASE, Bottom
from builder.wanted import (
    BOTTOM,
    MERGED,
    TOOLS,
    TOOLS_SUITE,
    Native,
    Wanted,
    find_misfit,
    wanted_groups,
)
from flasher.errors import BadInput
from flasher.events import CancelFlag, Emit, step
from flasher.files import write_atomic
from flasher.paths import hand_over


@dataclass(frozen=True, slots=True)
class Desk:
    """Where resolving is done.

    Attributes:
        folder: keeps the archive's lists for the next time.
        log: hears apt's lines, and `log_path` is where they can be read.
    """

    folder: Path
    log: Callable[[str], None]
    log_path: Path
    emit: Emit
    cancel: CancelFlag
    archive: Archive

    @property
    def memory(self) -> Path:
        """Where the times of groups are remembered."""
        return self.folder / "epochs.json"

    def open(self, suite: str, architecture: str, archive: Archive | None = None) -> Catalogue:
        """What a suite has now for an architecture, in its own archive by default."""
        chosen = archive or self.archive
        told = f"-{sha256(chosen.described.encode()).hexdigest()[:12]}" if chosen.described else ""
        catalogue = Catalogue(
            self.folder / f"{suite}-{architecture}{told}",
            suite,
            architecture,
            chosen,
            cancel=self.cancel,
            log=self.log,
            log_path=self.log_path,
        )
        catalogue.update()
        return catalogue

    def open_base(self, bottom: Bottom) -> Catalogue:
        """What the sources of a system of others have now, for that system."""
        if not bottom.inventory.offers:
            raise BadInput(
                "no-packages",
                f"{bottom.recipe.origin} has no Debian packages, so none can be added.",
                "Take `packages` out of the recipe's layers; scripts and files can be added.",
            )
        name = f"{BASE}-{bottom.recipe.architecture}"
        scratch, more = self.folder / f"{name}-keys", self.archive.more
        archive = TreeArchive(tree=bottom.tree, scratch=scratch, more=more)
        desk = replace(self, archive=archive, folder=self.folder / bottom.locked.sha256[:20])
        return desk.open(bottom.recipe.suite, bottom.recipe.architecture)


class _Shelf(ExitStack):
    """The catalogues of one resolving: each is opened when it is first asked for."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._opened: dict[tuple[str, str, Archive], Catalogue] = {}

    def find(self, suite: str, architecture: str, archive: Archive) -> Catalogue:
        """What an archive has now."""
        what = (suite, architecture, archive)
        if what not in self._opened:
            self._opened[what] = self.enter_context(closing(self._desk.open(*what)))
        return self._opened[what]

    def below(self, recipe: Recipe, bottom: Bottom | None) -> Catalogue:
        """What there is for the layers of a recipe."""
        if bottom:
            return self.enter_context(closing(self._desk.open_base(bottom)))
        return self.find(recipe.suite, recipe.architecture, self._desk.archive)


def resolve(
    recipe: Recipe, native: Native, desk: Desk, *, now: int, bottom: Bottom | None = None
) -> Lock:
    """Choose the newest packages for a recipe.

    Args:
        recipe: what is wanted.
        native: the building computer.
        desk: where the archive's lists lie.
        now: seconds since 1970, UTC: the epoch of every group.
        bottom: what the packages come upon, where that is the system of others.

    Raises:
        StepFailed: the archive cannot be reached or trusted, or has no such packages.
        EnvironmentLacks: apt, or the archive's keys, are missing.
    """
    wanted, archive = wanted_groups(recipe), desk.archive
    total = len(wanted) + 2
    with step(desk.emit, recipe.name, "resolve", total) as progress, _Shelf(desk) as shelf:
        advance = partial(progress.advance, 1)
        layers = _resolve_layers(lambda: shelf.below(recipe, bottom), wanted, now, advance, bottom)
        of_twins = (recipe.suite, native.architecture, archive.of_twins())
        of_tools = (TOOLS_SUITE, native.architecture, archive.of_tools())
        twins = _resolve_native("twins", native.twins, lambda: shelf.find(*of_twins), now)
        advance()
        tools = _resolve_native("tools", TOOLS, lambda: shelf.find(*of_tools), now)
        advance()
    system = recipe.suite, recipe.architecture
    return Lock(
        suite=recipe.suite,
        architecture=recipe.architecture,
        sources=bottom.inventory.sources if bottom else archive.sources(*system),
        layers=layers,
        native_architecture=native.architecture,
        twins=twins,
        tools=tools,
        base=bottom.locked if bottom else None,
        archive=archive.described or None,
    )


def choose_lock(
    recipe: Recipe,
    native: Native,
    desk: Desk,
    path: Path,
    *,
    given: Path | None = None,
    update: bool = False,
    bottom: Bottom | None = None,
) -> Lock:
    """The lock to build from, which is then at `path`.

    Args:
        recipe, native, desk: as in `resolve`.
        path: of the lock that builds of this recipe keep; used where it fits, else resolved anew.
        given: another lock to build from, exactly.
        bottom: as in `resolve`.
        update: resolve anew also where the kept lock fits. Groups that stay what they were, upon
            what they were upon, keep their time, and so their layers.

    Raises:
        BadInput: a lock is faulty, or the given one is not this recipe's.
        StepFailed, EnvironmentLacks: as in `resolve`; also where the clock is behind the lock.
    """
    if given is not None:
        lock = read_lock(given)
        if misfit := find_misfit(lock, recipe, native) or _find_change(lock, bottom):
            raise BadInput(
                "lock-misfit",
                f"{given} is no lock of the recipe {recipe.name}. {misfit}",
                "Name the lock that was made with it, or build without one: a new one is written.",
            )
        return _keep(lock, path, desk)
    before = read_lock(path) if path.exists() else None
    fits = before and not find_misfit(before, recipe, native) and not _find_change(before, bottom)
    if before and fits and not update:
        return _keep(before, path, desk)
    known = recall_epochs(desk.memory) | (epochs_of(before) if before else {})
    lock = resolve(recipe, native, desk, now=int(time.time()), bottom=bottom)
    return _keep(with_epochs(lock, known), path, desk)


def _find_change(lock: Lock, bottom: Bottom | None) -> str:
    """Why a lock is not one of this source, as a sentence; "" where it is."""
    if bottom is None or lock.base == bottom.locked:
        return ""
    return f"{bottom.locked.uri} is another file than the one that it was made with."


def _keep(lock: Lock, path: Path, desk: Desk) -> Lock:
    require_clock(lock.epoch)
    remember_epochs(desk.memory, lock)
    text = format_lock(lock).encode()
    if not path.exists() or path.read_bytes() != text:
        write_atomic(path, text)
        hand_over(path)
    return lock


def _resolve_layers(
    open_catalogue: Callable[[], Catalogue],
    wanted: Wanted,
    now: int,
    advance: Callable[[], None],
    bottom: Bottom | None,
) -> tuple[LockedGroup, ...]:
    installed: tuple[Offer, ...] = ()
    groups: tuple[LockedGroup, ...] = ()
    if bottom:
        installed = bottom.inventory.offers
        groups = (_group(*wanted[0], installed, bottom.epoch),)
        wanted = wanted[1:]
    catalogue = open_catalogue() if wanted else None
    for name, names in wanted:
        assert catalogue is not None
        chosen = catalogue.known((*names, *MERGED)) if name == BOTTOM else names
        added = _closure(catalogue, name, chosen, installed)
        groups += (_group(name, names, added, now),)
        installed += added
        advance()
    return groups


def _resolve_native(
    name: str, names: Sequence[str], open_catalogue: Callable[[], Catalogue], now: int
) -> LockedGroup:
    """What runs on the building computer; of names that its archive lacks, nothing."""
    if not names:
        return _group(name, names, (), now)
    catalogue = open_catalogue()
    return _group(name, names, _closure(catalogue, name, catalogue.known(names), ()), now)


def _group(name: str, names: Sequence[str], added: tuple[Offer, ...], now: int) -> LockedGroup:
    packages = tuple(offer.package for offer in added)
    return LockedGroup(name, now, tuple(sorted(names)), packages)


def _closure(
    catalogue: Catalogue, layer: str, names: Sequence[str], installed: tuple[Offer, ...]
) -> tuple[Offer, ...]:
    try:
        return catalogue.closure(names, installed) if names else ()
    except StepFailed as failure:
        if failure.code not in ("package-unknown", "packages-conflict"):
            raise
        raise StepFailed(
            failure.code,
            f"The layer {layer} cannot have its packages from {catalogue.suite} for "
            f"{catalogue.architecture}: {failure.message}",
            failure.hint,
        ) from failure
