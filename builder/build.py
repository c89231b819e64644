"""From a recipe to a base image: every layer found or made, then the image, then its release."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from builder.agentless import python_of, without_agent
from builder.archive import archive_of
from builder.bench import Bench, Step
from builder.cameras import with_cameras
from builder.emulating import emulating
from builder.emulation import MACHINES, Emulation, Emulator, find_emulator
from builder.history import record_build
from builder.layers import Layer, Store, open_store
from builder.lint.boards import require_processors
from builder.lock import Lock, LockedGroup, read_lock, with_script, write_lock
from builder.log import Log, open_log
from builder.native_root import native_root
from builder.plan import plan_keys, plan_steps, require_records
from builder.pool import Pool
from builder.proxy import proxied
from builder.recipe import Origin, Recipe, load_recipe
from builder.release.files import Form, Release
from builder.release.make import has_release, make_release
from builder.release.publish import require_folder, require_own_sums, sign_sums
from builder.release.sign import Signer, load_signer
from builder.resolve import Desk, choose_lock
from builder.rights import require_rights
from builder.sources.bottom import Bottom, lay_bottom
from builder.sources.find import Finder
from builder.space import require_room_for_image, require_room_for_layers
from builder.twins import TWIN_PACKAGES
from builder.verifier import require_verifier
from builder.wanted import Native
from builder.workshop import LayerResult, Workshop, make_layers
from flasher.errors import EnvironmentLacks
from flasher.events import CancelFlag, Emit, Noted, ignore, step
from flasher.process import find_program

_PROGRAMS = (
    "mmdebstrap",
    "dpkg-deb",
    "setpriv",
)
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Built:
    """A base image with all that goes with it; see `builder.release.files`."""

    release: Release
    layers: tuple[LayerResult, ...]


@dataclass(frozen=True, slots=True)
class _Wish:
    """Of what a build is made; see `build_base`."""

    lock: Path | None
    update: bool
    twins: bool


class _Foundation(NamedTuple):
    """What a build stands on: the recipe as it is then, the computer, and the lowest layers."""

    recipe: Recipe
    native: Native
    bottom: Bottom | None
    results: tuple[LayerResult, ...]


def build_base(
    recipe: Path | Recipe,
    *,
    architecture: str | None = None,
    out: Path,
    store: Path,
    lock: Path | None = None,
    update: bool = False,
    twins: bool = True,
    compression: Form = "zst",
    packed_only: bool = False,
    sign_with: Path | None = None,
    emit: Emit = ignore,
    cancel: CancelFlag | None = None,
) -> Built:
    """Build a base image, making only what changed since the last time.

    Args:
        recipe: path of the TOML file, or what was read of it.
        architecture: Debian's name of it; the recipe's own by default.
        out: folder for ``<recipe name>.img`` and what goes with it.
        store: folder of the layers; one build at a time uses it.
        lock: the lock to build from, exactly; by default ``<recipe name>.lock`` in `out` is used
            where it fits the recipe, and written anew where it does not.
        update: resolve anew, to the newest packages.
        twins: run native programs in place of emulated ones.
        compression: of the image that is handed out.
        packed_only: keep no raw image beside it.
        sign_with: file of the Ed25519 key that signs the checksums; see `builder.release.sign`.
        emit: hears a step of 100 percent for every layer, and the lines of every program.
        cancel: ends the build at the next line or so; finished layers stay.

    Raises:
        BadInput: the recipe cannot be read, or has faults.
        EnvironmentLacks: root, a program or a kernel feature is missing.
        StepFailed: a layer could not be made, or the image would not be generic.
    """
    plan = recipe if isinstance(recipe, Recipe) else load_recipe(recipe, architecture)
    release = Release(out, plan.name, compression, packed_only)
    emulator, signer = _look_first(plan, release, sign_with, emit)
    flag = cancel or CancelFlag()
    with (
        proxied(plan.archive.proxy),
        open_store(store, emit=emit, cancel=flag) as opened,
        open_log(opened.root / "logs", emit) as log,
    ):
        room = Workshop(opened, lambda: nullcontext(Emulation()), log, emit, flag)
        built = _build(room, plan, release, emulator, _Wish(lock, update, twins))
    if signer:
        sign_sums(built.release, signer)
    return built


def _build(
    room: Workshop, recipe: Recipe, release: Release, emulator: Emulator, wish: _Wish
) -> Built:
    """Choose the packages, then make the layers and the image; in a room that emulates nothing."""
    store, log = room.store, room.log
    desk = Desk(store.root / "apt", log.write, log.path, room.emit, room.cancel, archive_of(recipe))
    kept = release.out / f"{recipe.name}.lock"
    plan, native, bottom, first = _lay_foundation(room, recipe, wish, kept)
    locked = choose_lock(
        plan, native, desk, kept, given=wish.lock, update=wish.update, bottom=bottom
    )
    release = replace(release, name=plan.image_name(locked.epoch))
    if not bottom:
        plan = without_agent(plan, python_of(locked), room.emit)
    lowest = bottom.steps if bottom else ()
    require_verifier(plan, locked)
    if wish.lock:
        require_records(plan_steps(plan, locked, lowest), wish.lock)
    begin = partial(emulating, twins=wish.twins, note=log.warn, cancel=room.cancel)
    begin = partial(begin, store, Pool(store.root / "pool", room.emit), locked, emulator)
    recorder = _Recorder(kept, locked)
    workshop = replace(room, emulating=begin, record=recorder.record)
    results = _make_all(workshop, plan, lowest, recorder, release)
    return Built(release, (*first, *results[len(first) :]))


def _lay_foundation(room: Workshop, recipe: Recipe, wish: _Wish, kept: Path) -> _Foundation:
    """Lay what the recipe starts from, where that is the system of others."""
    native = _native(recipe.architecture)
    bottom: Bottom | None = None
    results: tuple[LayerResult, ...] = ()
    if recipe.origin:
        lock = None if wish.update else wish.lock or kept
        bottom, results = _lay_bottom(room, recipe, recipe.origin, lock)
        recipe, native = bottom.recipe, replace(native, twins=())
    return _Foundation(_fit_boards(recipe, bottom, room.log), native, bottom, results)


def _fit_boards(recipe: Recipe, bottom: Bottom | None, log: Log) -> Recipe:
    """The recipe with what its Pis and cameras need; an error where they cannot do."""
    require_processors(recipe)
    offers = bottom.inventory.offers if bottom else ()
    fitted, notes = with_cameras(recipe, {offer.package.name for offer in offers})
    for note in notes:
        log.warn(note)
    return fitted


def _lay_bottom(
    workshop: Workshop, recipe: Recipe, origin: Origin, lock: Path | None
) -> tuple[Bottom, tuple[LayerResult, ...]]:
    """The lowest layers where a recipe starts with the system of others."""
    made: list[LayerResult] = []

    def make(steps: Sequence[Step]) -> tuple[Layer, ...]:
        layers, results = make_layers(workshop, steps)
        made.extend(results[len(made) :])
        return layers

    store = workshop.store.root
    finder = Finder(store / "sources", recipe.architecture, workshop.emit, workshop.cancel)
    before = read_lock(lock).base if lock and lock.exists() else None
    return lay_bottom(recipe, origin, finder, store, before, make), tuple(made)


def _look_first(
    recipe: Recipe, release: Release, sign_with: Path | None, emit: Emit
) -> tuple[Emulator, Signer | None]:
    """What the build will need, asked for before anything is made."""
    for layer in recipe.layers:
        for note in layer.notes:
            emit(Noted(layer.name, note, warning=True))
    require_rights()
    emulator = find_emulator(recipe.architecture)
    for program in _PROGRAMS:
        find_program(program)
    require_folder(release.out)
    signer = load_signer(sign_with, emit) if sign_with else None
    if signer:
        require_own_sums(release, signer)
    return emulator, signer


@dataclass(slots=True)
class _Recorder:
    """The lock of a build, written anew with each record of what a script fetched."""

    path: Path
    lock: Lock

    def record(self, group: LockedGroup) -> None:
        """Take in what a script fetched."""
        self.lock = with_script(self.lock, group)
        write_lock(self.path, self.lock)


def _make_all(
    workshop: Workshop,
    recipe: Recipe,
    lowest: tuple[Step, ...],
    recorder: _Recorder,
    release: Release,
) -> tuple[LayerResult, ...]:
    """Every layer that is missing, then the release set where it is not there."""
    store = workshop.store
    steps = plan_steps(recipe, recorder.lock, lowest)
    _require_room(store, steps, recorder.lock)
    record_build(store.root, recipe, steps, recorder.lock, finished=False)
    layers, results = make_layers(workshop, steps)
    lock = recorder.lock
    record_build(store.root, recipe, plan_steps(recipe, lock, lowest), lock, finished=True)
    _make_image(workshop, recipe, lock, layers, release)
    return results


def _require_room(store: Store, steps: Sequence[Step], lock: Lock) -> None:
    missing = {
        each.name
        for each, key in zip(steps, plan_keys(steps), strict=True)
        if store.find(key) is None
    }
    require_room_for_layers(store.root, (group for group in lock.layers if group.name in missing))


def _native(architecture: str) -> Native:
    """This computer, for builds of an architecture."""
    here = os.uname().machine
    own = next((name for name, machine in MACHINES.items() if here in machine.names), None)
    if own is None:
        raise EnvironmentLacks(
            "computer-unknown",
            f"Nothing is known of building on a computer of the kind {here}.",
            f"Build on one of: {', '.join(MACHINES)}.",
        )
    return Native(own, () if own == architecture else TWIN_PACKAGES)


def _make_image(
    workshop: Workshop, recipe: Recipe, lock: Lock, layers: tuple[Layer, ...], release: Release
) -> None:
    if has_release(release, layers[-1].key, recipe, lock, workshop.store.root):
        return
    require_room_for_image(release.out, lock.layers, packed_only=release.packed_only)
    log = workshop.log.about(recipe.name)
    with step(workshop.emit, recipe.name, "assemble", _PERCENT) as progress:
        bench = Bench(workshop.store, layers, None, Emulation(), log, progress, workshop.cancel)
        pool = Pool(workshop.store.root / "pool", workshop.emit)
        tools = native_root(workshop.store, pool, lock.tools, workshop.cancel)
        make_release(release, recipe, lock, bench, tools)
