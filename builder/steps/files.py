"""A layer of files: settings, Python packages of ours, services enabled."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from builder.bench import Bench
from builder.diagnosis import StepFailed
from builder.inside import place
from builder.layers import Inputs
from builder.recipe import RecipeFile
from builder.steps.installed import place_files

_PYTHON = PurePosixPath("/usr/lib/python3/dist-packages")


@dataclass(frozen=True, slots=True)
class Files:
    """Files owned by root, and systemd units to enable, disable and mask, in this order.

    Attributes:
        enable: by their own [Install] sections.
    """

    name: str
    files: tuple[RecipeFile, ...]
    enable: tuple[str, ...] = ()
    epoch: int = 0
    disable: tuple[str, ...] = ()
    mask: tuple[str, ...] = ()
    kind: str = "files"
    version: int = 1

    def inputs(self) -> Inputs:
        """Every path with its mode and digest, and the units."""
        told = {
            file.path: [file.mode, hashlib.sha256(file.data).hexdigest()] for file in self.files
        }
        units = {"enable": self.enable, "disable": self.disable, "mask": self.mask}
        # enable is always told: layers of earlier versions keep their keys.
        used = {key: list(names) for key, names in units.items() if names or key == "enable"}
        return {"files": told, **used}

    def make(self, bench: Bench) -> None:
        """Write the files into the tree, then the links that enable the units.

        Raises:
            StepFailed: ``unit-unknown``, or ``path-through-link``.
        """
        said = place_files(bench, self.files, self.enable, self.disable, self.mask)
        if said:
            raise _failure(*said.split("\t"))


def python_files(package: str) -> tuple[RecipeFile, ...]:
    """The sources of one of our installed Python packages, where Debian's Python finds them."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent
    return tuple(
        RecipeFile(str(_PYTHON / package / source.relative_to(folder)), source.read_bytes())
        for source in sorted(folder.rglob("*.py"))
    )


def _failure(code: str, about: str) -> StepFailed:
    if code == place.UNKNOWN_UNIT:
        return StepFailed(
            code,
            f"The image has no unit {about}.",
            "Correct its name in the recipe, or add the package that brings it before this layer.",
        )
    link, points_to = about.split(" ", 1)
    return StepFailed(
        code,
        f"{link} is a symbolic link to {points_to} in the image.",
        "Give the real path in the recipe, such as /usr/lib in place of /lib.",
    )
