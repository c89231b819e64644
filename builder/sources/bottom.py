"""The lowest layers where a recipe starts with the system of others: made before all else.

Only they tell which packages there are, so the lock comes after them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from builder.agentless import without_agent
from builder.bench import Step
from builder.layers import Layer
from builder.lock import LockedBase
from builder.recipe import Origin, Recipe
from builder.sources.find import Finder, Found
from builder.sources.inventory import Inventory, take_inventory
from builder.sources.settled import Settled
from builder.sources.unpacked import Unpacked
from builder.space import require_room

BASE = "base"

# Bytes on disk for each byte of a source that is not compressed.
_ROOM = 1.2

Make = Callable[[Sequence[Step]], tuple[Layer, ...]]


@dataclass(frozen=True, slots=True)
class Bottom:
    """What the upper layers, and the lock, stand on.

    Attributes:
        steps: that make it, lowest first.
        tree: of the lowest, with what the source held.
        recipe: the same, for what this system can hold.
    """

    steps: tuple[Step, ...]
    tree: Path
    recipe: Recipe
    epoch: int
    locked: LockedBase
    inventory: Inventory


def lay_bottom(
    recipe: Recipe,
    origin: Origin,
    finder: Finder,
    store: Path,
    before: LockedBase | None,
    make: Make,
) -> Bottom:
    """Find a source and make layers of it.

    Args:
        recipe: it comes with an origin.
        origin: the recipe's.
        finder: looks for the file.
        store: of the layers.
        before: what the origin was at the last build.
        make: finds or makes layers, the lowest first.

    Raises:
        BadInput: there is no such source, or it is not one.
    """
    found = finder.find(origin, before)
    unpacked = _unpacked(found, recipe.architecture)
    require_room(store, _ROOM * found.file.stat().st_size, "The lowest layer")
    layer = make((unpacked,))[0]
    inventory = take_inventory(store / layer.tree, recipe.architecture)
    fitting = without_agent(recipe, inventory.python, finder.emit)
    settled = Settled(agent=fitting.has_agent, epoch=found.epoch)
    return Bottom(
        (unpacked, settled),
        store / layer.tree,
        replace(fitting, suite=inventory.suite),
        found.epoch,
        found.locked,
        inventory,
    )


def _unpacked(found: Found, architecture: str) -> Unpacked:
    return Unpacked(BASE, found.form, found.file, found.digest, architecture, found.epoch)
