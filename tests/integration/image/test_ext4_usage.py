"""Which blocks an ext4 uses, judged by dumpe2fs's list of those that are free."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from flasher.image.blocks import FileBlocks
from flasher.image.ext4_usage import ext4_usage, looks_like_ext
from flasher.image.ranges import ByteRange, gaps, merge, total
from flasher.process import run
from tests.integration.conftest import loop_over
from tests.integration.dumped import dumped

MIB = 1 << 20
_START = 3 * MIB

FORMS = {
    "as it comes": (),
    "small blocks": ("-b", "1024"),
    "large blocks": ("-b", "65536"),
    "ext2": ("-t", "ext2"),
    "ext3": ("-t", "ext3"),
    "without flexible groups": ("-O", "^flex_bg"),
    "32 bits": ("-O", "^64bit"),
    "older sums": ("-O", "^metadata_csum,uninit_bg"),
    "no sums": ("-O", "^metadata_csum,^uninit_bg"),
    "copies everywhere": ("-O", "^sparse_super,^resize_inode"),
    "two copies": ("-O", "sparse_super2"),
    "small groups": ("-g", "2048"),
    "small flexible groups": ("-g", "2048", "-G", "4"),
    "a large journal": ("-J", "size=64"),
    "no journal": ("-O", "^has_journal"),
    "quota": ("-O", "quota"),
    "orphans in a file": ("-O", "orphan_file"),
    "small inodes": ("-I", "128"),
}
NOT_UNDERSTOOD = {
    "clusters": ("-O", "bigalloc"),
    "descriptors in groups": ("-O", "meta_bg,^resize_inode"),
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of many sizes, one with a hole, and one of zeros."""
    tree = tmp_path_factory.mktemp("tree")
    for number in range(200):
        (tree / f"file{number}").write_bytes(bytes([number]) * (number * 997))
    (tree / "zeros").write_bytes(bytes(5 * MIB))
    with (tree / "hole").open("wb") as handle:
        handle.truncate(50 * MIB)
        handle.write(b"begin")
    return tree


def make(path: Path, tree: Path, options: Iterable[str], size: int = 300 * MIB) -> ByteRange:
    """An image with a file system in the midst of it."""
    place = ByteRange(_START, size)
    with path.open("wb") as handle:
        handle.truncate(place.end + MIB)
    where = ["-E", f"offset={place.offset}", "-d", str(tree), str(path), f"{size // 1024}k"]
    run(["mke2fs", "-q", "-F", *(options if "-t" in options else ("-t", "ext4", *options)), *where])
    return place


def judged(path: Path, place: ByteRange) -> tuple[ByteRange, ...]:
    """What is not free, says dumpe2fs."""
    told = dumped(path, place.offset)
    block = int(re.search(r"Block size: +(\d+)", told)[1])  # type: ignore[index]
    free = []
    for line in re.findall(r"^  Free blocks: (.*)$", told, re.MULTILINE):
        for first, last in re.findall(r"(\d+)(?:-(\d+))?", line):
            count = int(last or first) - int(first) + 1
            free.append(ByteRange(place.offset + int(first) * block, count * block))
    return tuple(
        found
        for found in gaps((ByteRange(0, place.offset), *merge(free)), place.end)
        if found.offset >= place.offset
    )


@pytest.mark.parametrize("form", FORMS)
def test_what_is_in_use_is_what_dumpe2fs_does_not_call_free(
    form: str, tree: Path, tmp_path: Path
) -> None:
    path = tmp_path / "image"
    place = make(path, tree, FORMS[form])
    with FileBlocks(path) as blocks:
        assert looks_like_ext(blocks, place)
        found = list(ext4_usage(blocks, place))
    assert found == sorted(found)
    assert merge(found) == judged(path, place)
    assert total(merge(found)) < place.length


def test_a_file_system_that_a_kernel_lived_in_is_read_once_it_is_unmounted(
    tree: Path, tmp_path: Path
) -> None:
    path, root = tmp_path / "image", tmp_path / "root"
    place = make(path, tree, ("-b", "4096"))
    root.mkdir()
    where = ("--offset", str(place.offset), "--sizelimit", str(place.length))
    with loop_over(path, *where) as loop:
        run(["mount", str(loop), str(root)])
        try:
            for number in range(0, 200, 3):
                (root / f"file{number}").unlink()
            (root / "large").write_bytes(b"large" * 4 * MIB)
            run(["sync", "--file-system", str(root)])
            shutil.copyfile(path, tmp_path / "in use")
        finally:
            run(["umount", str(root)])
    with FileBlocks(tmp_path / "in use") as blocks:
        assert list(ext4_usage(blocks, place)) == [place]
    with FileBlocks(path) as blocks:
        assert merge(ext4_usage(blocks, place)) == judged(path, place)


@pytest.mark.parametrize("form", NOT_UNDERSTOOD)
def test_what_is_not_understood_is_in_use_as_a_whole(form: str, tree: Path, tmp_path: Path) -> None:
    path = tmp_path / "image"
    place = make(path, tree, NOT_UNDERSTOOD[form])
    with FileBlocks(path) as blocks:
        assert list(ext4_usage(blocks, place)) == [place]


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        (1024 + 0x60, b"\xff"),  # features that nobody knows
        (1024 + 0x3A, b"\x02\x00"),  # errors were seen
        (1024 + 0x3A, b"\x00\x00"),  # it was not unmounted
        (1024 + 0x04, b"\xff\xff\xff\x00"),  # larger than its partition
        (1024 + 0x20, b"\x00\x00\x00\x00"),  # groups of no blocks
        (4096, b"\xff\xff\xff\x7f"),  # a bitmap that lies nowhere
    ],
)
def test_what_contradicts_itself_is_in_use_as_a_whole(
    offset: int, value: bytes, tree: Path, tmp_path: Path
) -> None:
    path = tmp_path / "image"
    place = make(path, tree, ("-b", "4096"))
    with FileBlocks(path, writable=True) as blocks:
        blocks.write(place.offset + offset, value)
        assert list(ext4_usage(blocks, place)) == [place]


def test_a_group_whose_bitmap_is_wrong_is_in_use_as_a_whole(tree: Path, tmp_path: Path) -> None:
    path = tmp_path / "image"
    place = make(path, tree, ("-b", "4096"))
    told = dumped(path, place.offset)
    bitmap = int(re.search(r"Block bitmap at (\d+)", told)[1])  # type: ignore[index]
    with FileBlocks(path, writable=True) as blocks:
        before = total(ext4_usage(blocks, place))
        blocks.write(place.offset + bitmap * 4096 + 4000, b"\x0f" * 96)
        found = merge(ext4_usage(blocks, place))
    assert found[0].offset == place.offset
    assert found[0].length >= 128 * MIB
    assert before < total(found) < place.length


def test_the_rest_of_a_partition_behind_a_small_file_system_is_in_use(
    tree: Path, tmp_path: Path
) -> None:
    path = tmp_path / "image"
    place = make(path, tree, ("-b", "4096"))
    larger = ByteRange(place.offset, place.length + MIB)
    with FileBlocks(path) as blocks:
        assert list(ext4_usage(blocks, larger))[-1] == ByteRange(place.end, MIB)
