"""Whom the nodes of an image trust, and what they do with payloads of others: files for the agent.

[trust]
keys = ["studio.pub"]
policy = "refuse"
update_root = "root.json"
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from autosetup.faults import Faulty
from autosetup.site_key import read_keys
from autosetup.strict import Table
from autosetup.trust import POLICIES, POLICY, TRUSTED, UPDATE_ROOT, is_update_root
from builder.recipe.model import LayerRecipe, Recipe, RecipeFile
from flasher.errors import BadDocument, BadInput

LAYER = "trust"


def read_trust(table: Table, folder: Path) -> tuple[LayerRecipe, ...]:
    """The layer that a recipe's table asks for; none where it is empty.

    Args:
        folder: of the recipe, where its keys lie.
    """
    files = []
    for name in table.strings("keys", default=()):
        try:
            files.append(_key_file(folder / name))
        except (OSError, Faulty) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            table.fault("keys", f"{name}: {why}", "Name a file that `flasher site key` wrote.")
    policy = table.string("policy", default="", choices=POLICIES)
    files += [_policy_file(policy)] if policy else []
    if name := table.string("update_root", default=""):
        try:
            files.append(_root_file(folder / name))
        except BadInput as error:
            table.fault("update_root", error.message, error.hint)
    return (LayerRecipe(LAYER, files=tuple(files)),) if files else ()


def with_trust(
    recipe: Recipe, keys: Sequence[Path], policy: str | None, update_root: Path | None = None
) -> Recipe:
    """The recipe with more keys, another policy and other updates than it names itself.

    Args:
        keys: files, each with at least one public key.
        policy: one of `autosetup.trust.POLICIES`; None for the recipe's own.
        update_root: whose updates nodes take: the root of a repository, as ``release init`` made
            it; None for the recipe's own.

    Raises:
        BadInput: a file cannot be read or is no key, or the image has no agent to trust anybody.
    """
    given = [*_read_given(keys), *([_policy_file(policy)] if policy else [])]
    given += [_root_file(update_root)] if update_root else []
    if not given:
        return recipe
    if not recipe.has_agent:
        what = "The recipe has no agent, so its nodes check no payload."
        raise BadInput("agent-missing", what, 'Add [[layer]] uses = "agent", or leave --trust out.')
    own = next((each for each in recipe.layers if each.name == LAYER), LayerRecipe(LAYER))
    files = {file.path: file for file in (*own.files, *given)}
    others = tuple(each for each in recipe.layers if each is not own)
    return replace(recipe, layers=(*others, replace(own, files=tuple(files.values()))))


def _read_given(keys: Iterable[Path]) -> Iterable[RecipeFile]:
    for path in keys:
        try:
            yield _key_file(path)
        except OSError as error:
            what = f"The key {path} cannot be read: {error.strerror}."
            raise BadInput(
                "key-unreadable", what, "Make it: flasher site key NAME >NAME.pub"
            ) from None
        except Faulty as faulty:
            raise BadDocument("public key", faulty.faults) from None


def _key_file(path: Path) -> RecipeFile:
    """The keys of a file, under its name and a part of their digest: one never replaces another."""
    keys = read_keys(str(path), path.read_bytes())
    lines = "".join(f"{key.line}\n" for key in keys).encode()
    name = re.sub(r"[^A-Za-z0-9_-]", "-", path.stem)
    digest = hashlib.sha256(lines).hexdigest()[:8]
    return RecipeFile(f"{TRUSTED}/{name}-{digest}.pub", lines)


def _root_file(path: Path) -> RecipeFile:
    """The root metadata of a repository (The Update Framework, 4.3), looked at so far as to tell
    it from other files: nodes check it."""
    hint = "Name the root.json that `flasher release init` made."
    try:
        raw = path.read_bytes()
    except OSError as error:
        what = f"The root of updates {path} cannot be read: {error.strerror}."
        raise BadInput("root-unreadable", what, hint) from None
    if not is_update_root(raw):
        raise BadInput("root-unreadable", f"{path} is no root of updates.", hint)
    return RecipeFile(UPDATE_ROOT, raw)


def _policy_file(policy: str) -> RecipeFile:
    return RecipeFile(POLICY, f"{policy}\n".encode())
