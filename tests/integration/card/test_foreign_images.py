"""Cards of images that others made: without a partition table, with old block maps, damaged."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from flasher.card.plan import HEAD, CardPlan, plan_card
from flasher.card.target import open_target
from flasher.card.write import write_card
from flasher.drives.files import create_virtual_card
from flasher.drives.find import find_drive
from flasher.drives.model import Drive
from flasher.errors import BadInput
from flasher.image.blocks import FileBlocks
from flasher.image.bmap import map_blocks
from flasher.image.ranges import ByteRange, merge
from flasher.image.source import open_image
from flasher.process import run
from tests.integration.conftest import loop_over

MIB = 1 << 20
SIZE = 9 * MIB + 2552
VERSIONS = {
    "1.2": ("sha1", ' sha1="{}"', ""),
    "1.3": ("sha1", ' sha1="{}"', "<BmapFileSHA1> {} </BmapFileSHA1>"),
    "1.4": ("sha256", ' chksum="{}"', "<BmapFileChecksum> {} </BmapFileChecksum>"),
    "2.0": ("sha256", ' chksum="{}"', "<BmapFileChecksum> {} </BmapFileChecksum>"),
}
PACKERS = {"img": (), "img.xz": ("xz", "-0"), "img.zst": ("zstd", "-q"), "img.gz": ("gzip",)}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image without a table: noise in many small places, and an end inside a sector."""
    noise = random.Random(7)  # noqa: S311 - test data
    path = tmp_path_factory.mktemp("bare") / "bare.img"
    with path.open("wb") as handle:
        handle.truncate(SIZE)
        for _ in range(60):
            handle.seek(noise.randrange(SIZE // 4096 - 3) * 4096)
            handle.write(noise.randbytes(noise.randrange(1, 9000)))
        handle.seek(SIZE - 100)
        handle.write(noise.randbytes(100))
    return path


def old_map(image: Path, version: str) -> bytes:
    """A block map as bmaptool of that time wrote it."""
    kind, chksum, own = VERSIONS[version]
    with FileBlocks(image) as blocks:
        block_map = map_blocks(blocks)
        lines = [
            f"<Range{chksum.format(_sum(kind, blocks, block_map.byte_range(found)))}> "
            f"{found.first}-{found.last} </Range>"
            for found in block_map.ranges
        ]
    blank = "0" * hashlib.new(kind).digest_size * 2
    told = f"<ChecksumType> {kind} </ChecksumType>" if version >= "1.4" else ""
    text = f"""<?xml version="1.0" ?>
<bmap version="{version}">
    <ImageSize> {block_map.image_size} </ImageSize> <BlockSize> 4096 </BlockSize>
    <BlocksCount> {block_map.blocks_count} </BlocksCount>
    <MappedBlocksCount> {block_map.mapped_count} </MappedBlocksCount>
    {told} {own.format(blank)}
    <BlockMap> {"".join(lines)} </BlockMap>
</bmap>"""
    return text.replace(blank, hashlib.new(kind, text.encode()).hexdigest(), 1).encode()


def _sum(kind: str, blocks: FileBlocks, place: ByteRange) -> str:
    return hashlib.new(kind, blocks.read(place.offset, place.length)).hexdigest()


def write(image: Path, drive: Drive) -> CardPlan:
    plan = plan_card(open_image(image), None)
    with open_target(drive, plan.size) as target:
        write_card(plan, target)
    return plan


@pytest.mark.parametrize("form", PACKERS)
@pytest.mark.parametrize("version", VERSIONS)
def test_by_maps_of_all_versions_the_same_bytes_are_written_as_bmaptool_writes(
    version: str, form: str, bare: Path, tmp_path: Path
) -> None:
    image, bmap = tmp_path / f"bare.{form}", tmp_path / "bare.bmap"
    data = bare.read_bytes()
    image.write_bytes(run([*PACKERS[form], "-c"], stdin=data).output if PACKERS[form] else data)
    bmap.write_bytes(old_map(bare, version))
    card, theirs = tmp_path / "card.img", tmp_path / "theirs.img"
    plan = write(image, create_virtual_card(card, 12 * MIB))
    run(["bmaptool", "-q", "copy", "--bmap", str(bmap), str(bare), str(theirs)])
    with FileBlocks(card) as written:
        assert written.read(0, SIZE) == theirs.read_bytes() == data
    with FileBlocks(bare) as blocks:
        mapped = map_blocks(blocks).byte_ranges()
    assert merge(plan.ranges) == merge([ByteRange(0, HEAD), *mapped])


def test_an_image_without_a_table_and_without_a_map_is_written_as_a_whole(
    bare: Path, tmp_path: Path
) -> None:
    image = tmp_path / "bare.img"
    image.write_bytes(bare.read_bytes()[: 9 * MIB])
    backing = tmp_path / "card"
    backing.write_bytes(b"\xa5" * 12 * MIB)
    with loop_over(backing) as loop:
        write(image, find_drive(str(loop)))
    assert backing.read_bytes()[: 9 * MIB] == image.read_bytes()
    with pytest.raises(BadInput) as caught:
        plan_card(open_image(image), {})
    assert caught.value.code == "no-partition-table"


@pytest.mark.parametrize("what", ["checksum", "damage"])
def test_a_card_of_an_image_that_turns_out_wrong_boots_nowhere(
    what: str, base_image: Path, tmp_path: Path
) -> None:
    image = tmp_path / "base.img.zst"
    with base_image.open("rb") as raw:
        packed = bytearray(run(["zstd", "-q", "-c", "-1"], stdin=raw.read()).output)
    if what == "damage":
        packed[-3:] = b"bad"
    else:
        image.with_name("SHA256SUMS").write_text(f"{'0' * 64}  base.img\n")
    image.write_bytes(packed)
    card = create_virtual_card(tmp_path / "card.img", 64 * MIB)
    with pytest.raises(BadInput) as caught:
        write(image, card)
    assert caught.value.code == {"checksum": "checksum-mismatch", "damage": "image-damaged"}[what]
    assert card.path.read_bytes()[:512] == bytes(512)
