"""Who may enter a node that is not set up: keys that are built into the image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from autosetup.forms import authorized_key_complaint
from autosetup.rescue import KEYS
from builder.recipe.model import LayerRecipe, Recipe, RecipeFile
from builder.recipe.shipped import load_shipped_layer
from flasher.errors import BadInput

LAYER = "rescue-keys"
_LOGIN = "rescue-login"


def with_rescue(recipe: Recipe, keys: Sequence[Path]) -> Recipe:
    """The recipe with a user who can enter with these keys as long as a node is not set up.

    Args:
        keys: files of OpenSSH public keys, a line each; none leaves the recipe as it is.

    Raises:
        BadInput: a file cannot be read or holds another thing, or the image has no agent.
    """
    if not keys:
        return recipe
    if not recipe.has_agent:
        what = "The recipe has no agent, so its nodes let no rescue key in."
        remedy = 'Add [[layer]] uses = "agent", or leave --rescue-key out.'
        raise BadInput("agent-missing", what, remedy)
    lines = dict.fromkeys(line for path in keys for line in _lines(path))
    file = RecipeFile(KEYS, "".join(f"{line}\n" for line in lines).encode())
    login = load_shipped_layer(_LOGIN, recipe.architecture)
    has_login = any(layer.name == _LOGIN for layer in recipe.layers)
    added = (*(() if has_login else (login,)), LayerRecipe(LAYER, files=(file,)))
    return replace(recipe, layers=(*recipe.layers, *added))


def _lines(path: Path) -> Iterable[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        what = f"The key {path} cannot be read: {why}."
        raise BadInput("key-unreadable", what, "Name the file that ends with .pub.") from None
    lines = [line.strip() for line in text.splitlines() if line.strip() and line[0] != "#"]
    for line in lines or [""]:
        if complaint := authorized_key_complaint(line):
            what = f"{path} holds no public key of OpenSSH."
            raise BadInput("key-malformed", what, complaint)
    return lines
