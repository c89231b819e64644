"""From a recipe to the steps that make its layers, and to the keys of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from builder.bench import Step
from builder.layers import layer_key
from builder.lock import Lock, LockedGroup
from builder.recipe import BootSettings, LayerRecipe, Recipe
from builder.steps.boot import Boot
from builder.steps.bootstrap import Bootstrap
from builder.steps.files import Files, python_files
from builder.steps.finish import Finish
from builder.steps.initramfs import Initramfs, has_kernel
from builder.steps.packages import Packages
from builder.steps.users import Users


def plan_steps(recipe: Recipe, lock: Lock, bottom: Sequence[Step] = ()) -> tuple[Step, ...]:
    """The steps of a recipe with its packages, lowest layer first.

    Args:
        recipe, lock: that fit each other.
        bottom: the lowest steps, where these are not a bootstrap of Debian.
    """
    lowest = lock.layers[0]
    steps: list[Step] = [*bottom] or [Bootstrap(lowest, recipe.architecture, lock.sources)]
    groups, upper = [lowest], list(lock.layers[1:])
    for layer in recipe.layers:
        if layer.packages:
            group = upper.pop(0)
            steps.append(Packages(group, tuple(groups)))
            groups.append(group)
        steps += _steps_above(layer, groups[-1])
    return (*steps, Finish(lock.epoch))


def _steps_above(layer: LayerRecipe, group: LockedGroup) -> list[Step]:
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
    steps += [replace(each, epoch=group.epoch) for each in layer.scripts]
    if layer.packages and has_kernel(group):  # last: the others may be its settings
        steps.append(Initramfs(f"{layer.name}-initramfs", group.epoch))
    return steps


def plan_keys(steps: Sequence[Step]) -> tuple[str, ...]:
    """The key of each step's layer."""
    keys = accumulate(
        steps,
        lambda parent, each: layer_key(parent, each.kind, each.version, each.inputs()),
        initial="",
    )
    return tuple(keys)[1:]
