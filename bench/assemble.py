"""Assemble an image: ours against bare `mke2fs -d` of the same tree, by the same mke2fs.

    sudo .venv/bin/python bench/assemble.py .demo/base.manifest.json

The image must have been built on this computer: its layers are looked for in the store, its lock
beside the manifest. Ours is all of it: measuring, the partition table, the FAT with the firmware,
the ext4. Bare is one ext4 of a plain copy of the tree, firmware included, with nothing before or
after. Prints the seconds of each round by the clock and of the processor, and the ratios of the
medians. The FAT is made beside the ext4: where a core is idle, the clock shows less of it.
"""

from __future__ import annotations

import json
import resource
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


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """What it takes by the clock and of the processor, with nothing left to write from before."""
    run(["sync"])
    begun, used = time.monotonic(), processor_seconds()
    work()
    return time.monotonic() - begun, processor_seconds() - used


def processor_seconds() -> float:
    """Of this program and all that it has run."""
    usages = (
        resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


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


def tell(rounds: list[tuple[tuple[float, float], tuple[float, float]]]) -> None:
    """Print what was measured."""
    for at, what in enumerate(("by the clock", "of the processor")):
        columns = [[each[at] for each in column] for column in zip(*rounds, strict=True)]
        for mine, peer in zip(*columns, strict=True):
            sys.stdout.write(f"ours {mine:6.2f} s   bare mke2fs -d {peer:6.2f} s   {what}\n")
        medians = [statistics.median(column) for column in columns]
        sys.stdout.write(f"ratio of the medians {what}: {medians[0] / medians[1]:.2f}\n")


def main() -> None:
    """Compare on the image of the manifest named on the command line."""
    store = cache() / "layers"
    with open_store(store, emit=ignore, cancel=CancelFlag()) as opened:
        compare(Path(sys.argv[1]).resolve(), opened)


if __name__ == "__main__":
    main()
