"""Images as people have them: raw, compressed, damaged, with and without checksums beside them."""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import sys
from collections.abc import Callable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from flasher import paths
from flasher.errors import BadInput, Cancelled, FlasherError
from flasher.events import CancelFlag
from flasher.image.bmap import map_blocks, write_bmap
from flasher.image.mbr import LINUX, Mbr, Partition
from flasher.image.ranges import ByteRange, merge
from flasher.image.source import ImageFile, open_image
from tests.memory_blocks import MemoryBlocks

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def zipped(*images: bytes, method: int = ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with ZipFile(packed, "w", method) as archive:
        archive.writestr("licence.txt", "as it is")
        for number, image in enumerate(images):
            archive.writestr(f"images/base{number}.img", image)
    return packed.getvalue()


def proven(path: Path) -> ImageFile:
    """An image opened, and all its checks awaited."""
    image = open_image(path)
    image.prove()
    return image


def left_in_the_store() -> list[str]:
    """Images and drafts; the digests of files are no matter."""
    folder = paths.cache() / "images"
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return [name for name in names if not name.endswith(".digest")]


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "zst": zstd.compress,
    "xz": lzma.compress,
    "gz": gzip.compress,
    "zip": zipped,
}


@pytest.fixture(params=sorted(PACKERS))
def packed(request: pytest.FixtureRequest, raw_image: bytes, tmp_path: Path) -> Path:
    path = tmp_path / f"base.img.{request.param}"
    path.write_bytes(PACKERS[request.param](raw_image))
    return path


def test_a_raw_image_is_used_where_it_lies_and_written_whole(
    raw_image: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "base.img"
    path.write_bytes(raw_image)
    image = open_image(path)
    assert (image.path, image.size) == (path, len(raw_image))
    assert image.digest == hashlib.sha256(raw_image).hexdigest()
    assert merge(image.ranges) == (ByteRange(0, len(raw_image)),)
    assert image.read(5, 1000) == raw_image[5:1005]


def test_a_compressed_image_is_unpacked_once_into_a_sparse_file(
    raw_image: bytes, packed: Path
) -> None:
    image = proven(packed)
    assert image.path.read_bytes() == raw_image
    assert image.path.name == f"{hashlib.sha256(raw_image).hexdigest()}.img"
    assert image.path.stat().st_blocks * 512 < len(raw_image) - (512 << 10)
    assert image.digest == hashlib.sha256(raw_image).hexdigest()
    again = proven(packed)
    assert again.path.samefile(image.path)
    assert again.path.stat().st_mtime_ns == image.path.stat().st_mtime_ns
    assert again.read(0, len(raw_image)) == raw_image


def test_a_spoiled_copy_in_the_cache_is_made_anew(raw_image: bytes, packed: Path) -> None:
    first = proven(packed)
    first.path.write_bytes(raw_image[:-1] + b"x")
    again = proven(packed)
    assert again.path.read_bytes() == raw_image
    with pytest.raises(FlasherError) as caught:
        first.read(0, 1)
    assert caught.value.code == "image-changed"


def test_a_compressed_image_that_was_cut_off_leaves_nothing_behind(packed: Path) -> None:
    packed.write_bytes(packed.read_bytes()[:-300])
    with pytest.raises(BadInput, match="cut off") as caught:
        proven(packed)
    assert caught.value.code == "image-damaged"
    assert left_in_the_store() == []


def test_a_compressed_image_with_a_wrong_byte_is_refused(packed: Path) -> None:
    raw = bytearray(packed.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    packed.write_bytes(raw)
    if packed.suffix == ".zst":  # these frames carry no checksum of their own
        packed.with_name("SHA256SUMS").write_text(f"{'0' * 64}  {packed.name}\n")
    with pytest.raises(BadInput):
        proven(packed)


def test_unpacking_that_is_cancelled_leaves_nothing_behind(packed: Path) -> None:
    cancel = CancelFlag()
    cancel.set()
    with pytest.raises(Cancelled):
        open_image(packed, cancel=cancel).prove()
    assert left_in_the_store() == []


@pytest.mark.parametrize("sums", ["SHA256SUMS", "{}.sha256"])
def test_checksums_beside_an_image_are_enforced(packed: Path, sums: str) -> None:
    digest = hashlib.sha256(packed.read_bytes()).hexdigest()
    beside = packed.with_name(sums.format(packed.name))
    beside.write_text(f"{'0' * 64}  other.img\n{digest} *{packed.name}\n")
    proven(packed)
    beside.write_text(f"{'0' * 64}  {packed.name}\n")
    with pytest.raises(BadInput, match="differs") as caught:
        proven(packed)
    assert caught.value.code == "checksum-mismatch"


@pytest.mark.parametrize("name", ["base.bmap", "base.img.bmap"])
def test_a_block_map_beside_an_image_is_enforced_and_followed(
    raw_image: bytes, packed: Path, name: str
) -> None:
    block_map = map_blocks(MemoryBlocks(raw_image))
    packed.with_name(name).write_bytes(write_bmap(block_map))
    assert (
        merge(proven(packed).ranges) == block_map.byte_ranges() != (ByteRange(0, len(raw_image)),)
    )
    other = map_blocks(MemoryBlocks(raw_image[:-1] + b"x"))
    packed.with_name(name).write_bytes(write_bmap(other))
    with pytest.raises(BadInput, match="differs from its block map"):
        proven(packed)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "no-image"),
        (b"<html>Not found</html>" * 100, "no-partition-table"),
        (b"BZh" + bytes(1000), "unknown-compression"),
        (b"PK\x03\x04" + bytes(1000), "image-damaged"),
        (zipped(), "zip-without-image"),
        (zipped(b"one", b"two"), "zip-without-image"),
        (
            zipped(b"secret" * 99).replace(b"\x00\x00\x08\x00", b"\x01\x00\x08\x00"),
            "zip-unreadable",
        ),
        (bytes(Mbr(1, (Partition(2, LINUX, 1, 2),))) + bytes(512), "image-cut-off"),
    ],
)
def test_what_is_no_image_is_refused_with_a_word_why(
    data: bytes, code: str, tmp_path: Path
) -> None:
    path = tmp_path / "base.img"
    path.write_bytes(data)
    with pytest.raises(BadInput) as caught:
        proven(path)
    assert caught.value.code == code


def test_a_missing_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nothing\.img"):
        open_image(tmp_path / "nothing.img")
