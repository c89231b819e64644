"""Compressing an image: the same bytes each time, on all cores, with all digests right."""

import hashlib
import os
import random
from pathlib import Path

import pytest

from builder.release.files import FORMS, Form
from builder.release.pack import pack
from flasher.errors import Cancelled
from flasher.events import CancelFlag
from flasher.image.blocks import FileBlocks
from flasher.image.bmap import map_blocks
from flasher.image.ranges import ByteRange

MIB = 1 << 20
ALWAYS = (ByteRange(0, MIB), ByteRange(20 * MIB, 2 * MIB))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """41 MiB with holes, none of it a whole number of what is packed at a time."""
    path = tmp_path_factory.mktemp("pack") / "some.img"
    words = random.Random(1).randbytes(3000)  # noqa: S311 - test data
    with path.open("wb") as file:
        for at in (1, 18, 35):
            file.seek(at * MIB)
            file.write(words * 700)
        file.truncate(41 * MIB + 512)
    return path


@pytest.mark.parametrize("form", FORMS)
def test_an_image_packed_twice_is_the_same_bytes_with_the_digests_told(
    image: Path, tmp_path: Path, form: Form
):
    heard: list[int] = []
    paths = (tmp_path / "first", tmp_path / "second")
    first, second = (pack(image, path, form, ALWAYS, heard.append, CancelFlag()) for path in paths)
    assert first == second
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert first.image == hashlib.sha256(image.read_bytes()).hexdigest()
    assert first.compressed == hashlib.sha256(paths[0].read_bytes()).hexdigest()
    assert heard[-1] == image.stat().st_size
    with FileBlocks(image) as blocks:
        assert first.block_map == map_blocks(blocks, ALWAYS)


@pytest.mark.parametrize("form", FORMS)
def test_an_image_packed_elsewhere_and_at_another_time_is_the_same_bytes(
    image: Path, tmp_path: Path, form: Form
):
    copy = tmp_path / "some.img"
    copy.write_bytes(image.read_bytes())
    os.utime(copy, (1, 1))
    never = CancelFlag()
    told = [pack(path, tmp_path / "out", form, (), print, never) for path in (image, copy)]
    assert told[0] == told[1]


def test_an_image_that_is_consumed_gives_its_room_back_on_the_way(tmp_path: Path):
    image, kept, out = tmp_path / "some.img", tmp_path / "kept.img", tmp_path / "out"
    for path in (image, kept):
        path.write_bytes(random.Random(1).randbytes(130 * MIB))  # noqa: S311 - test data
    seen: list[int] = []

    def look(_done: int) -> None:
        seen.append(room(image) + out.stat().st_size)

    never = CancelFlag()
    told = pack(image, out, "zst", ALWAYS, look, never, consume=True)
    assert told == pack(kept, tmp_path / "again", "zst", ALWAYS, print, never)
    assert out.read_bytes() == (tmp_path / "again").read_bytes()
    assert image.stat().st_size == kept.stat().st_size
    assert max(seen) < (130 + 70) * MIB
    assert room(image) < 4 * MIB


def room(path: Path) -> int:
    return path.stat().st_blocks * 512


@pytest.mark.parametrize("form", FORMS)
def test_packing_ends_when_it_is_cancelled(image: Path, tmp_path: Path, form: Form):
    cancel = CancelFlag()
    with pytest.raises(Cancelled):
        pack(image, tmp_path / "out", form, (), lambda _done: cancel.set(), cancel)
