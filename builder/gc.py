"""Free the store of what builds of late did not use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.history import BuildRecord, kept_builds
from builder.layers import FAILED, Store, list_layers
from builder.sandbox import Plan, remove_tree, run_inside

_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


@dataclass(frozen=True, slots=True)
class Unused:
    """Something that a store can do without.

    Attributes:
        kind: ``layer``, ``failed`` (a layer that could not be finished), ``package`` or ``build``
            (the record of one).
        size: of what it takes on disk, in bytes.
    """

    kind: str
    name: str
    path: Path
    size: int


def find_unused(store: Store, keep: int) -> tuple[Unused, ...]:
    """What the newest builds do not use.

    Args:
        store: that is meant; nothing else may use it meanwhile.
        keep: how many builds count; a build with the same layers as a later one is none.
    """
    builds = kept_builds(store.root, keep)
    keys = {key for build in builds for _, key in build.layers}
    packages = {digest for build in builds for digest in build.packages}
    found = [*_layers(store, keys), *_packages(store, packages), *_builds(store, builds)]
    sizes = _measure([path for _, _, path in found])
    return tuple(Unused(kind, name, path, sizes.get(str(path), 0)) for kind, name, path in found)


def remove_unused(unused: Unused) -> None:
    """Remove it: a layer is none any more as soon as its record is gone."""
    if unused.path.is_dir():
        (unused.path / "layer.json").unlink(missing_ok=True)
        remove_tree(unused.path)
    else:
        unused.path.unlink(missing_ok=True)


def _layers(store: Store, keys: set[str]) -> Iterator[tuple[str, str, Path]]:
    for kind, begins in (("layer", ""), ("failed", FAILED)):
        for layer in list_layers(store.root, begins):
            if layer.key not in keys:
                yield kind, layer.name, store.root / f"{begins}{layer.folder}"


def _packages(store: Store, digests: set[str]) -> Iterator[tuple[str, str, Path]]:
    for path in sorted(store.root.glob("pool/*.deb*")):
        if path.name.partition(".")[0] not in digests:
            yield "package", path.name[:12], path


def _builds(store: Store, builds: Sequence[BuildRecord]) -> Iterator[tuple[str, str, Path]]:
    kept = {build.layers[-1][1][:20] for build in builds}
    for path in sorted(store.root.glob("builds/*.json")):
        if path.stem not in kept and "-" not in path.stem:
            yield "build", path.stem[:12], path


def _measure(paths: list[Path]) -> dict[str, int]:
    """Bytes on disk of each, whoever owns what is in it."""
    if not paths:
        return {}
    argv = ("du", "--summarize", "--block-size=1", "--", *map(str, paths))
    told = run_inside(Plan(argv, _ENVIRONMENT)).text.splitlines()
    sizes = (line.split("\t", 1) for line in told)
    return {path: int(size) for size, path in sizes}
