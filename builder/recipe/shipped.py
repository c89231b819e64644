"""The layers that ship with the program: ``assets/layers/<name>/layer.toml``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from autosetup.faults import Faulty
from autosetup.strict import Table, reading
from builder.emulation import MACHINES
from builder.recipe.layers import NAME, Place, read_layer
from builder.recipe.model import LayerRecipe
from flasher.errors import BadDocument, BadInput
from flasher.paths import assets

FORMAT = 1
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shipped:
    """A layer that ships.

    Attributes:
        about: what it does, a line for people.
        needs: names of the layers that must be below it.
    """

    name: str
    about: str
    needs: tuple[str, ...]


def shipped_names() -> tuple[str, ...]:
    """What ``uses`` may say, sorted."""
    return tuple(sorted(path.parent.name for path in _folder().glob("*/layer.toml")))


def list_shipped() -> tuple[Shipped, ...]:
    """All of them, sorted by name."""
    some = next(iter(MACHINES))
    layers = [load_shipped_layer(name, some) for name in shipped_names()]
    return tuple(Shipped(layer.name, layer.about, layer.needs) for layer in layers)


def load_shipped_layer(name: str, architecture: str) -> LayerRecipe:
    """Read a layer that ships with the program, for images of an architecture."""
    folder = _folder() / name

    def read(top: Table) -> LayerRecipe:
        top.integer("format", low=FORMAT, high=FORMAT)
        about, needs = top.string("about", default=""), top.strings("needs", default=(), form=NAME)
        return replace(read_layer(top, name, Place(folder, architecture)), about=about, needs=needs)

    return read_document(folder / "layer.toml", "layer", read)


def read_document(path: Path, what: str, interpret: Callable[[Table], T]) -> T:
    """Read a TOML file of ours.

    Args:
        what: it is, for people.
        interpret: gets its top table.

    Raises:
        BadInput: there is no such file.
        BadDocument: it has faults.
    """
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


def _folder() -> Path:
    return assets() / "layers"
