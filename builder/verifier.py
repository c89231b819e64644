"""What an image needs so that its nodes can check the signatures that they ask for."""

from __future__ import annotations

from autosetup.trust import TRUSTED
from builder.lock import Lock
from builder.recipe import Recipe
from flasher.errors import BadInput

_PACKAGE = "python3-cryptography"


def require_verifier(recipe: Recipe, lock: Lock) -> None:
    """Check that an image which trusts certain keys alone can tell who signed.

    Raises:
        BadInput: ``verifier-missing``; every node of it would refuse every card.
    """
    files = (file.path for layer in recipe.layers for file in layer.files)
    if not any(path.startswith(f"{TRUSTED}/") for path in files):
        return
    if not any(package.name == _PACKAGE for group in lock.layers for package in group.packages):
        what = "The image trusts certain keys alone, but has nothing to check a signature with."
        raise BadInput("verifier-missing", what, f"Add the package {_PACKAGE} to a layer.")
