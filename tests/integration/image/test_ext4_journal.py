"""File systems whose node lost its power: read as e2fsck leaves them, without being changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from flasher.errors import FlasherError
from flasher.image.ext4 import Ext4Volume, Read
from flasher.image.ext4_journal import replayed
from flasher.process import run

OLD, NEW = b"old" * 1000, b"new" * 1000
MAGIC = b"\xc0\x3b\x39\x98"  # what begins so must be escaped in a journal


def reader(image: Path) -> Read:
    raw = image.read_bytes()
    return lambda offset, length: raw[offset : offset + length]


def debugfs(image: Path, *commands: str) -> str:
    script = "\n".join(commands).encode()
    return run(["debugfs", "-w", "-f", "-", str(image)], stdin=script).text


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An ext4 with a file of one block, /etc/x."""
    made, tree = tmp_path / "root.img", tmp_path / "tree"
    (tree / "etc").mkdir(parents=True)
    (tree / "etc/x").write_bytes(OLD)
    run(["mke2fs", "-q", "-t", "ext4", "-b", "4096", "-d", str(tree), str(made), "16m"])
    return made


def block_of(image: Path) -> int:
    return int(debugfs(image, "blocks /etc/x").split("\n")[-2].split()[-1])


def cut(image: Path, *journal: str) -> bytes:
    """Write these into the journal, and have e2fsck replay it on a copy; gives its /etc/x."""
    debugfs(image, *journal)
    judged = image.with_suffix(".judged")
    shutil.copyfile(image, judged)
    run(["e2fsck", "-fy", str(judged)], ok=(0, 1))
    out = image.with_suffix(".out")
    debugfs(judged, f"dump /etc/x {out}")
    return out.read_bytes()


def content(image: Path) -> bytes:
    volume = Ext4Volume(replayed(reader(image)))
    inode = volume.find("etc/x")
    assert inode is not None
    return volume.content(inode)


@pytest.mark.parametrize("sums", ["", " -c -v 2", " -c -v 3"])
@pytest.mark.parametrize("new", [NEW, MAGIC + NEW[4:]])
def test_what_was_committed_counts_and_the_image_stays_as_it_is(
    image: Path, tmp_path: Path, sums: str, new: bytes
) -> None:
    (tmp_path / "new").write_bytes(new.ljust(4096, b"\0"))
    write = f"jw -b {block_of(image)} {tmp_path / 'new'}"
    assert cut(image, f"jo{sums}", write, "jc") == new
    before = image.read_bytes()
    with pytest.raises(FlasherError, match="needs_recovery"):
        Ext4Volume(reader(image))
    assert content(image) == new
    assert image.read_bytes() == before


def test_what_was_revoked_does_not_count(image: Path, tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(NEW.ljust(4096, b"\0"))
    block = block_of(image)
    journal = ("jo", f"jw -b {block} {tmp_path / 'new'}", f"jw -r {block}", "jc")
    assert cut(image, *journal) == OLD
    assert content(image) == OLD


def test_what_was_never_committed_does_not_count(image: Path, tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(NEW.ljust(4096, b"\0"))
    journal = ("jo", f"jw -b {block_of(image)} {tmp_path / 'new'} -c", "jc")
    assert cut(image, *journal) == OLD
    assert content(image) == OLD


def test_a_file_system_at_rest_is_read_as_it_is(image: Path) -> None:
    assert content(image) == OLD
    volume = Ext4Volume(reader(image))
    assert (volume.find("etc/y"), volume.find("etc/x/y"), volume.mounts) == (None, None, 0)
