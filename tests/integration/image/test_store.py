"""The store of unpacked images on disks that are full, read-only or rotten, and after a kill."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flasher import paths
from flasher.errors import BadInput, FlasherError
from flasher.image.ranges import total
from flasher.image.source import open_image
from flasher.image.store import Store
from flasher.process import run

MIB = 1 << 20


@pytest.fixture
def packed(base_image: Path, tmp_path: Path) -> Path:
    return pack(base_image, tmp_path / "base.img")


def pack(base_image: Path, raw: Path) -> Path:
    """A compressed image with 24 MiB that no compression makes smaller."""
    raw.write_bytes(base_image.read_bytes())
    with raw.open("r+b") as handle:
        handle.seek(10 * MIB)
        handle.write(os.urandom(24 * MIB))
        handle.write(b"text" * 2 * MIB)
    run(["zstd", "-q", "--rm", str(raw)])
    return raw.with_name(f"{raw.name}.zst")


@contextmanager
def disk(place: Path, options: str) -> Iterator[Path]:
    place.mkdir(exist_ok=True)
    run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)])
    try:
        yield place
    finally:
        run(["umount", "--lazy", str(place)])


def unpacked(packed: Path) -> str:
    """Unpack an image and let it go; its digest."""
    image = open_image(packed)
    image.prove()
    digest = image.digest
    del image
    gc.collect()
    return digest


def store() -> Path:
    return paths.cache() / "images"


def test_a_disk_without_room_is_told_before_anything_is_unpacked(packed: Path) -> None:
    with disk(paths.cache(), "size=8m"), pytest.raises(FlasherError) as caught:
        open_image(packed)
    assert caught.value.code == "disk-full"


def test_an_image_that_announces_more_than_any_file_has_leaves_nothing_behind() -> None:
    with pytest.raises(BadInput, match=f"holds {1 << 64} bytes") as caught:
        Store().draft(0, 1 << 64)
    assert caught.value.code == "image-too-large"
    assert list(store().iterdir()) == []
    held = [os.path.realpath(path) for path in Path("/proc/self/fd").iterdir()]
    assert not [path for path in held if path.startswith(f"{store()}/")]


def test_an_image_of_long_ago_makes_room_for_one_of_today(
    packed: Path, base_image: Path, tmp_path: Path
) -> None:
    other = pack(base_image, tmp_path / "other.img")
    with disk(paths.cache(), "size=56m"):
        first = unpacked(packed)
        foreign = store() / "mine.img"
        foreign.write_bytes(b"not of the store")
        second = unpacked(other)
        assert {path.stem for path in store().glob("*.img")} == {second, "mine"} != {first, "mine"}


def test_a_disk_that_fills_up_ends_all_who_read_and_leaves_no_draft(packed: Path) -> None:
    with disk(paths.cache(), "size=32m"):
        (paths.cache() / "ballast").write_bytes(bytes(4 * MIB))
        with pytest.raises(FlasherError) as caught:
            open_image(packed).prove()
        assert caught.value.code == "disk-full"
        assert not list(store().glob(".*.unpacking"))


def test_a_store_that_nobody_may_write_to_is_named_and_raw_images_need_none(
    packed: Path, base_image: Path
) -> None:
    with disk(paths.cache(), "ro"):
        with pytest.raises(FlasherError) as caught:
            open_image(packed)
        assert caught.value.code == "store-unusable"
        image = open_image(base_image)
        image.prove()
        assert len(image.digest) == 64


def test_a_copy_that_has_rotted_is_found_before_a_card_is_finished(packed: Path) -> None:
    first = open_image(packed)
    first.prove()
    told = first.path.stat()
    with first.path.open("r+b") as handle:
        handle.seek(20 * MIB)
        handle.write(b"rot")
    os.utime(first.path, ns=(told.st_atime_ns, told.st_mtime_ns))
    (note,) = store().glob("*.json")  # as if the disk had changed it, and nobody else
    now = first.path.stat().st_ctime_ns
    note.write_text(note.read_text().replace(str(told.st_ctime_ns), str(now)))
    again = open_image(packed)
    assert again.digest == first.digest
    with pytest.raises(FlasherError) as caught:
        again.prove()
    assert caught.value.code == "store-damaged"
    open_image(packed).prove()


def test_a_killed_process_leaves_a_draft_that_the_next_one_sweeps_away(packed: Path) -> None:
    say = "import sys; print('ready', flush=True); sys.stdin.read()"
    code = (
        "import sys; from pathlib import Path; from flasher.image.store import Store\n"
        f"draft = Store().draft(0, {MIB}); {say}"
    )
    argv = [sys.executable, "-c", code]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stdout.readline() == b"ready\n"
        open_image(packed).prove()
        assert len(list(store().glob(".*.unpacking"))) == 1  # somebody is at it
        child.send_signal(signal.SIGKILL)
    packed.write_bytes(packed.read_bytes() + run(["zstd", "-q", "-c"], stdin=b"more" * 128).output)
    open_image(packed).prove()
    assert not list(store().glob(".*.unpacking"))


@pytest.mark.parametrize("form", ["raw", "packed"])
def test_an_image_that_is_changed_while_it_is_read_is_noticed(form: str, packed: Path) -> None:
    opened = open_image(packed)
    opened.prove()
    image = opened if form == "packed" else open_image(opened.path)
    image.read(0, 512)
    with opened.path.open("r+b") as handle:
        handle.write(b"x")
    for read in (lambda: image.read(0, 512), lambda: total(image.ranges), image.prove):
        with pytest.raises(FlasherError) as caught:
            read()
        assert caught.value.code == "image-changed"


def test_an_image_that_is_replaced_while_it_is_read_stays_what_it_was(packed: Path) -> None:
    opened = open_image(packed)
    opened.prove()
    path = opened.path
    before = opened.read(0, MIB)
    path.with_name("new").write_bytes(bytes(512))
    path.with_name("new").replace(path)
    assert opened.read(0, MIB) == before
    opened.prove()


def test_a_packed_image_that_is_changed_while_it_is_unpacked_is_not_kept(packed: Path) -> None:
    image = open_image(packed)
    with packed.open("ab") as handle:
        handle.write(b"more")
    with pytest.raises(FlasherError) as caught:
        image.prove()
    assert caught.value.code in ("image-changed", "image-damaged")
    assert not list(store().glob("*.img"))


def test_a_packed_image_that_is_another_one_now_is_unpacked_anew(
    packed: Path, base_image: Path
) -> None:
    first = open_image(packed).digest
    with base_image.open("rb") as raw:
        packed.write_bytes(run(["zstd", "-q", "-c"], stdin=raw.read()).output)
    second = open_image(packed)
    second.prove()
    assert second.digest != first
    assert second.path.read_bytes() == base_image.read_bytes()


def test_the_same_image_elsewhere_is_not_unpacked_again(packed: Path, tmp_path: Path) -> None:
    first = open_image(packed)
    first.prove()
    stamp = first.path.stat().st_mtime_ns
    copy = tmp_path / "copy.img.zst"
    copy.write_bytes(packed.read_bytes())
    again = open_image(copy)
    again.prove()
    assert again.path.samefile(first.path)
    assert again.path.stat().st_mtime_ns == stamp


def test_a_size_that_is_not_the_announced_one_is_refused(packed: Path) -> None:
    other = packed.with_name("other.img")
    other.write_bytes(bytes(MIB) + b"x" * 65 * MIB)
    run(["bmaptool", "create", "-o", str(packed.with_name("base.bmap")), str(other)])
    with pytest.raises(BadInput) as caught:
        open_image(packed).prove()
    assert caught.value.code == "image-damaged"


def test_memory_does_not_grow_with_the_image(tmp_path: Path) -> None:
    raw = tmp_path / "large.img"
    with raw.open("wb") as handle:
        handle.write(os.urandom(8 * MIB))
        handle.truncate(200 * MIB)
    run(["xz", "-0", "-T2", "--block-size=90MiB", str(raw)])
    code = (
        "import re, sys; from pathlib import Path\n"
        "from flasher.image.source import open_image\n"
        "open_image(Path(sys.argv[1])).prove()\n"
        "print(re.search(r'VmHWM:\\s+(\\d+) kB', Path('/proc/self/status').read_text())[1])"
    )
    used = int(run([sys.executable, "-c", code, f"{raw}.xz"]).text)
    assert used << 10 < 100 * MIB
