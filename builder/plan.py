"""From a recipe to the steps that make its layers, and to the keys of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

from builder.agentless import Agentless
from builder.archive import archive_of, image_files
from builder.bench import Step
from builder.layers import layer_key
from builder.lock import Lock, LockedGroup
from builder.recipe import BootSettings, LayerRecipe, Recipe
from builder.steps.boot import Boot
from builder.steps.bootstrap import Bootstrap
from builder.steps.files import Files, python_files
from builder.steps.finish import Finish
from builder.steps.initramfs import Initramfs, goes_into_initramfs, has_kernel
from builder.steps.packages import Packages
from builder.steps.script import Script
from builder.steps.users import Users
from flasher.errors import BadInput


def plan_steps(recipe: Recipe, lock: Lock, bottom: Sequence[Step] = ()) -> tuple[Step, ...]:
    """The steps of a recipe with its packages, lowest layer first.

    Args:
        recipe, lock: that fit each other.
        bottom: the lowest steps, where these are not a bootstrap of Debian.
    """
    lowest = lock.layers[0]
    steps: list[Step] = [*bottom] or [Bootstrap(lowest, recipe.architecture, lock.sources)]
    if files := image_files(archive_of(recipe)):
        steps.append(Files("apt-sources", files, epoch=lowest.epoch))
    groups, upper = [lowest], list(lock.layers[1:])
    for layer in recipe.layers:
        boots = bool(bottom) or any(map(has_kernel, groups))
        if layer.packages:
            group = upper.pop(0)
            steps.append(Packages(group, tuple(groups)))
            groups.append(group)
        steps += _steps_above(layer, groups[-1], lock.scripts)
        changes = boots and any(goes_into_initramfs(file.path) for file in layer.files)
        # Last in a layer: all else may be its settings.
        if changes or (layer.packages and has_kernel(groups[-1])):
            steps.append(Initramfs(f"{layer.name}-initramfs", groups[-1].epoch, changes))
    if recipe.agentless:
        steps.append(Agentless(recipe.agentless, lowest.epoch))
    return (*steps, Finish(lock.epoch))


def _steps_above(
    layer: LayerRecipe, group: LockedGroup, scripts: Sequence[LockedGroup]
) -> list[Step]:
    """What a layer makes upon its packages, if it has any; `group` is the nearest below."""
    steps: list[Step] = []
    if layer.users:
        steps.append(Users(f"{layer.name}-users", layer.users, group.epoch))
    python = tuple(file for package in layer.python for file in python_files(package))
    if layer.files or layer.enable or layer.disable or layer.mask or python:
        name = f"{layer.name}-files" if layer.packages else layer.name
        files = (*layer.files, *python)
        steps.append(Files(name, files, layer.enable, group.epoch, layer.disable, layer.mask))
    if layer.boot != BootSettings():
        steps.append(Boot(f"{layer.name}-boot", layer.boot, group.epoch))
    records = {(each.name, *each.requested): each for each in scripts}
    for script in layer.scripts:
        fetched = records.get((script.name, script.digest)) if script.network else None
        steps.append(replace(script, epoch=group.epoch, fetched=fetched))
    return steps


def step_key(parent: str, step: Step) -> str:
    """The key of a step's layer upon the one of another key; "" for none."""
    return layer_key(parent, step.kind, step.version, step.inputs())


def plan_keys(steps: Sequence[Step]) -> tuple[str, ...]:
    """The key of each step's layer."""
    return tuple(accumulate(steps, step_key, initial=""))[1:]


def require_records(steps: Sequence[Step], lock: Path) -> None:
    """Check that a lock tells what apt fetched in every script that uses the network.

    Raises:
        BadInput: ``lock-misfit``, naming the first script.
    """
    for each in steps:
        if isinstance(each, Script) and each.records:
            raise BadInput(
                "lock-misfit",
                f"{lock} does not tell what apt fetched in the script {each.name} as it is now.",
                "Name the lock of a build that ran it, or build without one: it is recorded then.",
            )
