"""Images for benches: real files of this computer in a FAT and an ext4 partition."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flasher.card.plan import plan_card
from flasher.image.bmap import BLOCK_SIZE, BlockMap, Range, hash_range, write_bmap
from flasher.image.ranges import total
from flasher.image.source import open_image
from flasher.process import run

MIB = 1 << 20
_BOOT = (4 * MIB, 256 * MIB)
_TABLE = "label: dos\nstart=8192, size=524288, type=c, bootable\nstart=532480, type=83\n"
_SOURCE = Path("/usr/lib")


@dataclass(frozen=True, slots=True)
class Sample:
    """An image in all its forms; its block map lies beside it.

    Attributes:
        mapped: bytes that a card of it gets.
    """

    raw: Path
    xz: Path
    zst: Path
    bmap: Path
    mapped: int


def sample(folder: Path, size: int, filled: int) -> Sample:
    """An image of `size` bytes that holds files of some `filled` bytes; made once in a folder.

    Its digest and its block map lie beside it, as in a release set.
    """
    folder = folder / f"{size // MIB}-{filled // MIB}"
    folder.mkdir(parents=True, exist_ok=True)
    raw = folder / "sample.img"
    if not raw.exists():
        _make(raw, size, filled)
        sums = run(["sha256sum", raw.name], cwd=folder).text
        (folder / "SHA256SUMS").write_text(sums)
    bmap = raw.with_suffix(".bmap")
    plan = plan_card(open_image(raw), None)
    if not bmap.exists():
        bmap.write_bytes(_map(raw, size))
    xz, zst = (raw.with_name(f"{raw.name}.{form}") for form in ("xz", "zst"))
    if not xz.exists():
        run(["xz", "--keep", "--threads=0", "-1", str(raw)])
    if not zst.exists():
        run(["zstd", "-q", "-T0", "-9", str(raw)])
    return Sample(raw, xz, zst, bmap, total(plan.ranges))


def _make(raw: Path, size: int, filled: int) -> None:
    tree, draft = raw.with_suffix(".tree"), raw.with_suffix(".draft")
    shutil.rmtree(tree, ignore_errors=True)
    draft.unlink(missing_ok=True)
    _gather(tree, filled)
    with draft.open("xb") as handle:
        os.truncate(handle.fileno(), size)
    run(["sfdisk", "-q", str(draft)], stdin=_TABLE.encode())
    offset, length = _BOOT
    run(["mkfs.fat", "-F32", "--offset", str(offset // 512), str(draft), str(length // 1024)])
    root = offset + length
    blocks = (size - root) // 4096
    options = ("-t", "ext4", "-E", f"offset={root}", "-d", str(tree))
    run(["mke2fs", "-q", *options, str(draft), f"{blocks * 4}k"])
    shutil.rmtree(tree)
    draft.rename(raw)


def _gather(tree: Path, filled: int) -> None:
    """Copy real files, in the order of their names, until there are enough."""
    tree.mkdir()
    size = 0
    for path in _regular_files(_SOURCE):
        if size >= filled:
            return
        shutil.copyfile(path, tree / f"{size:012x}")
        size += path.stat().st_size
    raise SystemExit(f"{_SOURCE} holds less than {filled} bytes")


def _regular_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path


def _map(raw: Path, size: int) -> bytes:
    """What we would write, as a map for peers: all write the same bytes."""
    image = open_image(raw)
    ranges = tuple(
        Range(
            found.offset // BLOCK_SIZE,
            (found.end - 1) // BLOCK_SIZE,
            hash_range(image, found, "sha256"),
        )
        for found in plan_card(image, None).ranges
    )
    return write_bmap(BlockMap(size, BLOCK_SIZE, ranges))
