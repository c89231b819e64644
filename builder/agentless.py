"""Systems that are too old for the agent: their images go without it, and say so."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from autosetup.payload import NO_AGENT
from builder.bench import Bench
from builder.layers import Inputs
from builder.lock import Lock
from builder.recipe import LayerRecipe, Recipe, RecipeFile
from builder.sources.settled import find_boot_folder
from builder.steps.installed import place_files
from flasher.events import Emit, Noted

OLDEST_PYTHON = (3, 11)
_VERSION = re.compile(r"(?:\d+:)?(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Agentless:
    """The file on the boot partition by which `flasher prepare` knows such an image.

    Attributes:
        reason: a sentence.
    """

    reason: str
    epoch: int
    name: str = "no-agent"
    kind: str = "agentless"
    version: int = 1

    def inputs(self) -> Inputs:
        """The words in the file."""
        return {"reason": self.reason}

    def make(self, bench: Bench) -> None:
        """Write the file."""
        path = f"/{find_boot_folder(bench)}/{NO_AGENT}"
        place_files(bench, (RecipeFile(path, f"{self.reason}\n".encode()),))


def without_agent(recipe: Recipe, python: tuple[int, int] | None, emit: Emit) -> Recipe:
    """What of a recipe a system can hold; what is left out is told.

    Args:
        recipe: the layers that need the agent's Python keep nothing but their packages.
        python: major and minor version of the system's python3, None where it has none.
        emit: hears of each layer that is left out.
    """
    if (python and python >= OLDEST_PYTHON) or not recipe.has_agent:
        return recipe
    system = recipe.origin or recipe.suite
    version = f"{python[0]}.{python[1]}" if python else "no Python"
    reason = f"The agent needs Python 3.11, and {system} has {version}."
    for layer in recipe.layers:
        if layer.python:
            text = f"The layer {layer.name} is left out: cards of this image cannot be prepared."
            emit(Noted(layer.name, f"{text} {reason}", warning=True))
    layers = tuple(_packages_only(each) if each.python else each for each in recipe.layers)
    return replace(recipe, layers=layers, agentless=reason)


def python_of(lock: Lock) -> tuple[int, int] | None:
    """Major and minor version of python3 among the packages of a lock."""
    versions = (p.version for group in lock.layers for p in group.packages if p.name == "python3")
    found = _VERSION.match(next(versions, ""))
    return (int(found[1]), int(found[2])) if found else None


def _packages_only(layer: LayerRecipe) -> LayerRecipe:
    return LayerRecipe(layer.name, layer.packages, about=layer.about, needs=layer.needs)
