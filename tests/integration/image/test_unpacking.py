"""Compressed images of the usual programs: the same bytes, at once, and nothing that is damaged."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from flasher import paths
from flasher.errors import BadInput
from flasher.image.source import open_image
from flasher.image.xz import read_blocks
from flasher.process import run

MIB = 1 << 20
PACKERS = {
    "xz in one block": ("xz", "-0"),
    "xz in blocks": ("xz", "-0", "--block-size=1MiB"),
    "xz by threads": ("xz", "-0", "-T2"),
    "xz without sums": ("xz", "-0", "--block-size=1MiB", "--check=none"),
    "xz with SHA-256": ("xz", "-0", "--block-size=1MiB", "--check=sha256"),
    "xz with a filter": ("xz", "--block-size=2MiB", "--arm", "--lzma2=preset=0"),
    "zst": ("zstd", "-q", "-1"),
    "zst by threads": ("zstd", "-q", "-T2", "-1"),
    "zst that tells no size": ("zstd", "-q", "-1", "--no-content-size"),
    "gz": ("gzip", "-1"),
}


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory, base_image: Path) -> Path:
    """An image of 61 MiB with noise, text and zeros; its size fits no block."""
    path = tmp_path_factory.mktemp("raw") / "base.img"
    data = bytearray(base_image.read_bytes())
    data[45 * MIB : 48 * MIB] = random.Random(1).randbytes(3 * MIB)  # noqa: S311 - test data
    path.write_bytes(bytes(data) + b"text " * 800_000)
    os.truncate(path, path.stat().st_size // 512 * 512)
    return path


def packed(raw: Path, folder: Path, how: Sequence[str]) -> Path:
    suffix = {"xz": "xz", "zstd": "zst", "gzip": "gz"}[how[0]]
    path = folder / f"base.img.{suffix}"
    with raw.open("rb") as source:
        path.write_bytes(run([*how, "-c"], stdin=source.read()).output)
    return path


@pytest.mark.parametrize("how", PACKERS)
def test_what_others_packed_is_unpacked_to_the_last_byte(
    how: str, raw: Path, tmp_path: Path
) -> None:
    image = open_image(packed(raw, tmp_path, PACKERS[how]))
    assert image.size == raw.stat().st_size
    assert image.read(44 * MIB, 8 * MIB) == raw.read_bytes()[44 * MIB : 52 * MIB]
    image.prove()
    run(["cmp", str(image.path), str(raw)])
    assert image.path.stat().st_blocks * 512 < 16 * MIB


def test_streams_one_after_another_with_padding_are_one_image(raw: Path, tmp_path: Path) -> None:
    data = raw.read_bytes()
    path = tmp_path / "base.img.xz"
    parts = (data[: 7 * MIB], b"", data[7 * MIB : 30 * MIB], data[30 * MIB :])
    pack = [run(["xz", "-0", "--block-size=2MiB", "-c"], stdin=part).output for part in parts]
    path.write_bytes(pack[0] + bytes(8) + pack[1] + pack[2] + bytes(4) + pack[3] + bytes(12))
    image = open_image(path)
    image.prove()
    assert image.path.read_bytes() == data


@pytest.mark.parametrize("part", ["header", "first block", "last block", "index", "footer"])
def test_an_xz_with_one_wrong_byte_is_refused_wherever_it_is(
    part: str, raw: Path, tmp_path: Path
) -> None:
    path = packed(raw, tmp_path, PACKERS["xz in blocks"])
    data = bytearray(path.read_bytes())
    blocks = read_blocks(lambda at, length: bytes(data[at : at + length]), len(data))
    at = {
        "header": 8,
        "first block": blocks[0].offset + blocks[0].length // 2,
        "last block": blocks[-1].offset + blocks[-1].length // 2,
        "index": blocks[-1].offset + blocks[-1].length + 5,
        "footer": len(data) - 6,
    }[part]
    data[at] ^= 0x20
    path.write_bytes(data)
    with pytest.raises(BadInput) as caught:
        open_image(path).prove()
    assert caught.value.code == "image-damaged"
    assert not list((paths.cache() / "images").glob("*.img"))
