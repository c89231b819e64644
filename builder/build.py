"""From a recipe to a base image: every layer found or made, then the image, then its release."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.bench import Bench, Step
from builder.emulation import find_handler
from builder.layers import Layer, Store, layer_key, open_store
from builder.lock import Lock, LockedGroup
from builder.log import Log, open_log
from builder.recipe import LayerRecipe, Recipe, load_recipe
from builder.release.files import Form, Release
from builder.release.make import has_release, make_release
from builder.release.publish import require_own_sums, sign_sums
from builder.release.sign import load_signer
from builder.rights import require_rights
from builder.steps.bootstrap import Bootstrap
from builder.steps.files import Files, python_files
from builder.steps.finish import Finish
from builder.steps.initramfs import Initramfs
from builder.steps.packages import Packages
from flasher.events import CancelFlag, Emit, check_cancelled, ignore, step
from flasher.process import find_program

_PROGRAMS = (
    "mmdebstrap",
    "mkfs.fat",
    "mke2fs",
    "dumpe2fs",
    "e2image",
    "mcopy",
    "sfdisk",
    "setpriv",
)
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class LayerResult:
    """What became of one layer; `seconds` is what it took when it was made."""

    name: str
    key: str
    reused: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Built:
    """A base image with all that goes with it; see `builder.release.files`."""

    release: Release
    layers: tuple[LayerResult, ...]


@dataclass(frozen=True, slots=True)
class Workshop:
    """What all layers of one build share."""

    store: Store
    handler: str
    log: Log
    emit: Emit
    cancel: CancelFlag


def build_base(
    recipe: Path,
    *,
    architecture: str | None = None,
    out: Path,
    store: Path,
    lock: Path | None = None,  # noqa: ARG001
    update: bool = False,  # noqa: ARG001
    twins: bool = True,  # noqa: ARG001
    compression: Form = "zst",
    sign_with: Path | None = None,
    emit: Emit = ignore,
    cancel: CancelFlag | None = None,
) -> Built:
    """Build a base image, making only what changed since the last time.

    Args:
        recipe: path of the TOML file.
        architecture: Debian's name of it; the recipe's own by default.
        out: folder for ``<recipe name>.img`` and what goes with it.
        store: folder of the layers; one build at a time uses it.
        lock: the lock to build from, exactly; by default ``<recipe name>.lock`` in `out` is used
            where it fits the recipe, and written anew where it does not.
        update: resolve anew, to the newest packages.
        twins: run native programs in place of emulated ones.
        compression: of the image that is handed out.
        sign_with: file of the Ed25519 key that signs the checksums; see `builder.release.sign`.
        emit: hears a step of 100 percent for every layer, and the lines of every program.
        cancel: ends the build at the next line or so; finished layers stay.

    Raises:
        BadInput: the recipe cannot be read, or has faults.
        EnvironmentLacks: root, a program or a kernel feature is missing.
        StepFailed: a layer could not be made, or the image would not be generic.
    """
    plan = load_recipe(recipe, architecture)
    require_rights()
    handler = find_handler(plan.architecture)
    for program in _PROGRAMS:
        find_program(program)
    flag = cancel or CancelFlag()
    release = Release(out, plan.name, compression)
    signer = load_signer(sign_with, emit) if sign_with else None
    if signer:
        require_own_sums(release, signer)
    with (
        open_store(store, emit=emit, cancel=flag) as opened,
        open_log(opened.root / "logs", emit) as log,
    ):
        workshop = Workshop(opened, handler, log, emit, flag)
        layers, results = make_layers(workshop, plan_steps(plan))
        _make_image(workshop, plan, _unlocked(plan, layers), layers, release)
    if signer:
        sign_sums(release, signer)
    return Built(release, results)


def _unlocked(recipe: Recipe, layers: tuple[Layer, ...]) -> Lock:
    none = LockedGroup("debian", layers[-1].made_at, (), ())
    return Lock(recipe.suite, recipe.architecture, "", (none,), "amd64", none, none)


def plan_steps(recipe: Recipe) -> tuple[Step, ...]:
    """The steps of a recipe, lowest layer first."""
    steps: list[Step] = [Bootstrap(recipe.suite, recipe.architecture)]
    for layer in recipe.layers:
        steps += _layer_steps(recipe, layer)
    return (*steps, Finish())


def _layer_steps(recipe: Recipe, layer: LayerRecipe) -> list[Step]:
    steps: list[Step] = []
    if layer.packages:
        packages = Packages(layer.name, recipe.suite, recipe.architecture, layer.packages)
        steps.append(packages)
    python = tuple(file for package in layer.python for file in python_files(package))
    if layer.files or layer.enable or python:
        name = f"{layer.name}-files" if layer.packages else layer.name
        steps.append(Files(name, (*layer.files, *python), layer.enable))
    if layer.packages:  # after the files: they may be its settings
        steps.append(Initramfs(f"{layer.name}-initramfs"))
    return steps


def make_layers(
    workshop: Workshop, steps: Sequence[Step]
) -> tuple[tuple[Layer, ...], tuple[LayerResult, ...]]:
    """Find or make each layer upon the ones below it."""
    layers: tuple[Layer, ...] = ()
    results: tuple[LayerResult, ...] = ()
    for each in steps:
        check_cancelled(workshop.cancel, "The build")
        parent = layers[-1].key if layers else ""
        key = layer_key(parent, each.kind, each.version, each.inputs())
        found = workshop.store.find(key)
        layer = found or _make_layer(workshop, each, key, layers)
        layers += (layer,)
        reused = found is not None
        results += (LayerResult(each.name, layer.key, reused, layer.seconds),)
    return layers, results


def _make_layer(workshop: Workshop, each: Step, key: str, below: tuple[Layer, ...]) -> Layer:
    begun = time.monotonic()
    log = workshop.log.about(each.name)
    with (
        step(workshop.emit, each.name, "build", _PERCENT) as progress,
        workshop.store.drafting() as draft,
    ):
        bench = Bench(
            workshop.store, below, draft, workshop.handler, log, progress, workshop.cancel
        )
        each.make(bench)
        layer = Layer(each.name, key, round(time.monotonic() - begun, 3), int(time.time()))
        workshop.store.publish(draft, layer)
        progress.reach(_PERCENT)
    return layer


def _make_image(
    workshop: Workshop, recipe: Recipe, lock: Lock, layers: tuple[Layer, ...], release: Release
) -> None:
    if has_release(release, layers[-1].key, recipe, lock, workshop.store.root):
        return
    log = workshop.log.about(recipe.name)
    with step(workshop.emit, recipe.name, "assemble", _PERCENT) as progress:
        bench = Bench(workshop.store, layers, None, "", log, progress, workshop.cancel)
        make_release(release, recipe, lock, bench)
