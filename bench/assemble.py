"""Assemble an image: ours against bare `mke2fs -d` of the same tree, by the same mke2fs.

    sudo .venv/bin/python bench/assemble.py .demo/base.manifest.json

The image must have been built on this computer: its layers are looked for in the store, its lock
beside the manifest. Ours is all of it: measuring, the partition table, the FAT with the firmware,
the ext4. Bare is one ext4 of a plain copy of the tree, firmware included, with nothing before or
after. Prints seconds of each round and the ratio of the medians.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from builder.bench import Bench
from builder.disk import Identity, assemble
from builder.emulation import Emulation
from builder.layers import Store, open_store
from builder.lock import read_lock
from builder.log import open_log
from builder.measure import BLOCK
from builder.native_root import NativeRoot, native_root
from builder.pool import Pool
from builder.recipe import ImageSettings
from flasher.events import CancelFlag, Progress, ignore
from flasher.paths import cache
from flasher.process import run

ROUNDS = 5


def seconds(work: Callable[[], object]) -> float:
    """How long it takes, with nothing left to write from before."""
    run(["sync"])
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def bare(tools: NativeRoot, tree: Path, image: Path, size: int) -> None:
    """The ext4 alone."""
    run(
        tools.argv(
            "usr/sbin/mke2fs",
            "-q",
            "-F",
            "-t",
            "ext4",
            "-b",
            str(BLOCK),
            "-d",
            str(tree),
            str(image),
            str(size),
        )
    )


def compare(manifest: Path, store: Store) -> None:
    """Alternate the two, so that both meet the same machine."""
    lock = read_lock(manifest.with_name(manifest.name.replace(".manifest.json", ".lock")))
    tools = native_root(store, Pool(store.root / "pool"), lock.tools)
    keys = [layer["key"] for layer in json.loads(manifest.read_bytes())["layers"]]
    layers = tuple(layer for key in keys if (layer := store.find(key)))
    assert len(layers) == len(keys), "Build the image again: its layers are no longer there."
    with (
        open_log(store.root / "logs", ignore) as log,
        tempfile.TemporaryDirectory(dir=store.root, prefix="bench-") as scratch,
    ):
        progress = Progress(ignore, "bench", "assemble", 100)
        bench = Bench(store, layers, None, Emulation(), log, progress, CancelFlag())
        tree, image = Path(scratch, "tree"), Path(scratch, "image")
        bench.run_host(("cp", "-a", str(bench.merged), str(tree)))

        def ours() -> None:
            image.unlink(missing_ok=True)
            assemble(image, ImageSettings(), Identity.from_key(""), bench, tools, lock.epoch)

        ours()
        blocks = image.stat().st_size // BLOCK

        def theirs() -> None:
            image.unlink(missing_ok=True)
            bare(tools, tree, image, blocks)

        tell([(seconds(ours), seconds(theirs)) for _ in range(ROUNDS)])


def tell(rounds: list[tuple[float, float]]) -> None:
    """Print what was measured."""
    for mine, peer in rounds:
        sys.stdout.write(f"ours {mine:6.2f} s   bare mke2fs -d {peer:6.2f} s\n")
    medians = [statistics.median(column) for column in zip(*rounds, strict=True)]
    sys.stdout.write(f"ratio of the medians: {medians[0] / medians[1]:.2f}\n")


def main() -> None:
    """Compare on the image of the manifest named on the command line."""
    store = cache() / "layers"
    with open_store(store, emit=ignore, cancel=CancelFlag()) as opened:
        compare(Path(sys.argv[1]).resolve(), opened)


if __name__ == "__main__":
    main()
