"""A layer of files: settings, Python packages of ours, services enabled. Runs no program."""

from __future__ import annotations

import configparser
import hashlib
import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from builder.bench import Bench, StepFailed
from builder.layers import Inputs
from builder.recipe import RecipeFile

_PYTHON = PurePosixPath("/usr/lib/python3/dist-packages")
_UNITS = ("/etc/systemd/system", "/usr/lib/systemd/system")


@dataclass(frozen=True, slots=True)
class Files:
    """Files owned by root, and systemd units to enable by their own [Install] sections."""

    name: str
    files: tuple[RecipeFile, ...]
    enable: tuple[str, ...] = ()
    kind: str = "files"
    version: int = 1

    def inputs(self) -> Inputs:
        """Every path with its mode and digest, and the units."""
        told = {
            file.path: [file.mode, hashlib.sha256(file.data).hexdigest()] for file in self.files
        }
        return {"files": told, "enable": list(self.enable)}

    def make(self, bench: Bench) -> None:
        """Write the files into the draft, then the links that enable the units."""
        for file in self.files:
            target = _place(bench, file.path)
            target.write_bytes(file.data)
            target.chmod(file.mode)
        for unit in self.enable:
            for link, points_to in _enabling_links(bench, unit):
                _place(bench, link).symlink_to(points_to)


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


def _place(bench: Bench, path: str) -> Path:
    """Where a file goes in the draft; its folders are made like those below."""
    *parents, _root = PurePosixPath(path).parents
    for parent in reversed(parents):
        _make_folder(bench, str(parent))
    target = bench.tree / path.lstrip("/")
    target.unlink(missing_ok=True)
    return target


def _make_folder(bench: Bench, path: str) -> None:
    folder = bench.tree / path.lstrip("/")
    if folder.is_dir():
        return
    folder.mkdir()
    below = bench.find_below(path)
    if below is None:
        folder.chmod(0o755)
        return
    if below.is_symlink():
        raise StepFailed(
            "path-through-link",
            f"{path} is a symbolic link to {below.readlink()} in the image.",
            "Give the real path in the recipe, such as /usr/lib in place of /lib.",
        )
    # Not its extended attributes: one of them may say "opaque" and would hide all that is below.
    status = below.stat()
    os.chown(folder, status.st_uid, status.st_gid)
    folder.chmod(status.st_mode & 0o7777)


def _enabling_links(bench: Bench, unit: str) -> Iterator[tuple[str, str]]:
    """The links that ``systemctl enable`` would make: systemd.unit(5), section [Install]."""
    place = _find_unit(bench, unit)
    parser = configparser.RawConfigParser(strict=False, interpolation=None, allow_no_value=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string((place[1]).read_text(encoding="utf-8"))
    for key, suffix in (("WantedBy", "wants"), ("RequiredBy", "requires")):
        for target in parser.get("Install", key, fallback="").split():
            yield f"/etc/systemd/system/{target}.{suffix}/{unit}", place[0]
    for alias in parser.get("Install", "Alias", fallback="").split():
        yield f"/etc/systemd/system/{alias}", place[0]


def _find_unit(bench: Bench, unit: str) -> tuple[str, Path]:
    for folder in _UNITS:
        path = f"{folder}/{unit}"
        own = bench.tree / path.lstrip("/")
        found = own if own.exists() else bench.find_below(path)
        if found is not None:
            return path, found
    raise StepFailed(
        "unit-unknown",
        f"The image has no unit {unit} to enable.",
        "Correct its name in the recipe, or add the package that brings it before this layer.",
    )
