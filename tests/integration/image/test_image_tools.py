"""Partition tables and block maps, judged by sfdisk and bmaptool."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from flasher.image.blocks import FileBlocks
from flasher.image.bmap import map_blocks, read_bmap, write_bmap
from flasher.image.mbr import Mbr, Partition
from flasher.process import ProgramFailed, run


def test_sfdisk_reads_our_table_and_we_read_its(tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs.img", tmp_path / "ours.img"
    theirs.write_bytes(bytes(64 << 20))
    script = b"label: dos\nlabel-id: 0xcafe0001\n2048,65536,c,*\n67584,,83\n"
    run(["sfdisk", "-q", str(theirs)], stdin=script)
    table = Mbr.from_bytes(theirs.read_bytes()[:512])
    assert table == Mbr(
        0xCAFE0001,
        (Partition(1, 0x0C, 2048, 65536, bootable=True), Partition(2, 0x83, 67584, 63488)),
    )
    ours.write_bytes(bytes(table) + bytes((64 << 20) - 512))
    dumps = [json.loads(run(["sfdisk", "--json", str(p)]).output) for p in (theirs, ours)]
    tables = [dump["partitiontable"] for dump in dumps]
    assert tables[0]["id"] == tables[1]["id"]
    for left, right in zip(tables[0]["partitions"], tables[1]["partitions"], strict=True):
        assert {**left, "node": ""} == {**right, "node": ""}


@pytest.fixture
def sparse_image(tmp_path: Path) -> Path:
    image = tmp_path / "image.img"
    with image.open("wb") as handle:
        for offset in (0, 1 << 20, (5 << 20) + 8192):
            handle.seek(offset)
            handle.write(random.Random(offset).randbytes(100_000))  # noqa: S311 - test data
        handle.truncate((8 << 20) + 100)
    return image


def test_bmaptool_copies_by_our_map(sparse_image: Path, tmp_path: Path) -> None:
    bmap, copy = tmp_path / "image.bmap", tmp_path / "copy.img"
    with FileBlocks(sparse_image) as blocks:
        bmap.write_bytes(write_bmap(map_blocks(blocks)))
    run(["bmaptool", "copy", "--bmap", str(bmap), str(sparse_image), str(copy)])
    assert copy.read_bytes() == sparse_image.read_bytes()


def test_bmaptool_notices_a_changed_image_by_our_checksums(
    sparse_image: Path, tmp_path: Path
) -> None:
    bmap = tmp_path / "image.bmap"
    with FileBlocks(sparse_image) as blocks:
        bmap.write_bytes(write_bmap(map_blocks(blocks)))
    with FileBlocks(sparse_image, writable=True) as blocks:
        blocks.write(50_000, b"changed")
    with pytest.raises(ProgramFailed, match="checksum"):
        run(["bmaptool", "copy", "--bmap", str(bmap), str(sparse_image), str(tmp_path / "c")])


def test_we_read_what_bmaptool_maps(sparse_image: Path) -> None:
    theirs = read_bmap(run(["bmaptool", "create", str(sparse_image)]).output)
    with FileBlocks(sparse_image) as blocks:
        assert theirs == map_blocks(blocks)
