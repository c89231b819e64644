"""A lowest layer for tests of those above: a small tree, made by a function."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from builder.bench import Bench
from builder.layers import Inputs

EPOCH = 1_700_000_000


@dataclass(frozen=True, slots=True)
class Bottom:
    """A step whose layer holds what `grow` puts into the folder that it is given."""

    grow: Callable[[Path], None]
    name: str = "small"
    kind: str = "small"
    version: int = 1
    epoch: int = EPOCH

    def inputs(self) -> Inputs:
        return {}

    def make(self, bench: Bench) -> None:
        self.grow(bench.tree)


def copy_system(root: Path, folders: Iterable[str], tree: Path) -> None:
    """Debian's shell and tools, unpacked in `root`, with empty folders beside them."""
    for each in root.iterdir():
        subprocess.run(["cp", "-a", str(each), str(tree)], check=True)
    for name in folders:
        (tree / name).mkdir(exist_ok=True)
    if not (tree / "bin/sh").exists():
        (tree / "bin/sh").symlink_to("bash")
