"""FAT volumes made by mkfs.fat: what is read, refused and kept when something is wrong."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flasher.errors import BadInput, FlasherError
from flasher.image.blocks import FileBlocks, Overlay
from flasher.image.fat import FatVolume
from flasher.image.fat_boot import read_geometry
from flasher.image.fat_edit import WritableFatVolume
from flasher.process import run

MOMENT = datetime(2026, 7, 8, 9, 10, 12, tzinfo=UTC)


@pytest.fixture
def draft(fat_image: Path) -> Iterator[Overlay]:
    with FileBlocks(fat_image) as base:
        yield Overlay(base)


def save(draft: Overlay, image: Path, path: Path) -> Path:
    shutil.copyfile(image, path)
    with FileBlocks(path, writable=True) as blocks:
        for extent in draft.changes():
            blocks.write(extent.offset, extent.data)
    return path


def link(draft: Overlay, cluster: int, following: int) -> None:
    """Damage both copies of the table: make one cluster lead to another."""
    geometry = read_geometry(draft, 0)
    form = "<I" if geometry.kind == "FAT32" else "<H"
    for offset in geometry.fat_offsets:
        draft.write(offset + cluster * struct.calcsize(form), struct.pack(form, following))


def first_cluster(volume: FatVolume, path: str) -> int:
    entry = volume._find(path)
    assert entry is not None
    return entry.cluster


def test_what_mtools_wrote_is_read_under_any_case(draft: Overlay) -> None:
    volume = FatVolume(draft)
    assert volume.label == "BOOTFS"
    assert volume.read("CMDLINE.txt") == b"cmdline.txt as mtools wrote it\n"
    assert volume.listdir()[:2] == ("cmdline.txt", "A long name, with spaces.text")
    assert volume.read("ALONGN~1.TEX") == volume.read("a LONG name, with spaces.text")
    assert volume.stat("overlays").is_folder


def test_a_volume_inside_an_image_is_found_at_its_offset(fat_image: Path, tmp_path: Path) -> None:
    image = tmp_path / "card.img"
    image.write_bytes(bytes(1 << 20) + fat_image.read_bytes() + bytes(4096))
    with FileBlocks(image, writable=True) as blocks:
        WritableFatVolume(blocks, 1 << 20).write("new.txt", b"new", modified=MOMENT)
        assert blocks.read(0, 1 << 20) == bytes(1 << 20)
    assert run(["mtype", "-i", f"{image}@@1M", "::new.txt"]).output == b"new"


def test_replacing_keeps_the_name_as_it_was_and_makes_no_second_file(draft: Overlay) -> None:
    volume = WritableFatVolume(draft)
    names = volume.listdir()
    volume.write("CmdLine.Txt", b"other", modified=MOMENT)
    volume.write("ALONGN~1.TEX", b"by its short name", modified=MOMENT)
    assert volume.listdir() == names
    assert volume.read(names[1]) == b"by its short name"
    assert volume.stat("cmdline.txt").modified == MOMENT


def test_the_same_edits_give_the_same_bytes(fat_image: Path) -> None:
    def edited() -> object:
        with FileBlocks(fat_image) as base:
            draft = Overlay(base)
            volume = WritableFatVolume(draft)
            volume.write("autosetup/node.toml", b"x" * 5000, modified=MOMENT)
            volume.remove("cmdline.txt")
            return draft.changes()

    assert edited() == edited()


def test_names_beyond_the_basic_plane_and_of_full_length_come_back(draft: Overlay) -> None:
    volume = WritableFatVolume(draft)
    for name in ("📷 camera.jpg", "n" * 255, "x" * 13, "y" * 26):
        volume.write(name, name.encode(), modified=MOMENT)
        assert name in FatVolume(draft).listdir()
        assert volume.read(name) == name.encode()


def test_a_folder_grows_over_many_clusters(draft: Overlay, fat_image: Path, tmp_path: Path) -> None:
    volume = WritableFatVolume(draft)
    names = [f"file with a long name {number:03d}.text" for number in range(60)]
    for name in names:
        volume.write(f"many/{name}", name.encode(), modified=MOMENT)
    assert volume.listdir("many") == tuple(names)
    image = save(draft, fat_image, tmp_path / "result.img")
    assert len(run(["fsck.fat", "-n", str(image)]).text.splitlines()) == 2
    listed = run(["mdir", "-b", "-i", str(image), "::many"]).text.splitlines()
    assert listed == [f"::/many/{name}" for name in names]


def test_a_full_volume_is_left_as_it_was(draft: Overlay) -> None:
    volume = WritableFatVolume(draft)
    with pytest.raises(FlasherError, match="full") as caught:
        volume.write("new/big.bin", b"x" * (volume.free_bytes + 1), modified=MOMENT)
    assert caught.value.code == "volume-full"
    assert draft.changes() == ()
    assert volume.listdir() == FatVolume(draft).listdir()
    room = volume.free_bytes - 2 * volume.cluster_size
    volume.write("new/big.bin", b"x" * room, modified=MOMENT)
    assert volume.free_bytes == volume.cluster_size


def test_a_root_folder_of_fixed_size_says_when_it_is_full(draft: Overlay) -> None:
    volume = WritableFatVolume(draft)
    if volume.kind == "FAT32":
        volume.remove("cmdline.txt")  # its root folder grows like any other
        return
    room = 512 - len(volume.listdir()) - len("A long name, with spaces.text") // 13 - 2
    for number in range(room):
        volume.write(f"{number}", b"", modified=MOMENT)
    with pytest.raises(FlasherError, match="root folder") as caught:
        volume.write("one more", b"", modified=MOMENT)
    assert caught.value.code == "folder-full"
    assert volume.read("0") == b""


def test_a_chain_that_runs_in_a_circle_is_an_error_not_a_wait(draft: Overlay) -> None:
    cluster = first_cluster(FatVolume(draft), "cmdline.txt")
    link(draft, cluster, cluster)
    with pytest.raises(FlasherError, match="circle") as caught:
        FatVolume(draft).read("cmdline.txt")
    assert caught.value.code == "fat-damaged"


@pytest.mark.parametrize("following", [0, 1, 0xFFF0])
def test_a_chain_that_leads_out_of_the_volume_is_an_error(draft: Overlay, following: int) -> None:
    cluster = first_cluster(FatVolume(draft), "cmdline.txt")
    target = 0x0FFF_FFF0 if following == 0xFFF0 and FatVolume(draft).kind == "FAT32" else following
    link(draft, cluster, target)
    with pytest.raises(FlasherError, match="the chain of clusters from"):
        FatVolume(draft).read("cmdline.txt")


def test_a_file_longer_than_its_chain_is_an_error(draft: Overlay) -> None:
    volume = WritableFatVolume(draft)
    volume.write("two.bin", bytes(2 * volume.cluster_size), modified=MOMENT)
    link(draft, first_cluster(volume, "two.bin"), 0x0FFF_FFFF if volume.kind == "FAT32" else 0xFFFF)
    with pytest.raises(FlasherError, match="ends after"):
        FatVolume(draft).read("two.bin")


def test_a_folder_that_contains_itself_ends_a_walk_with_an_error(draft: Overlay) -> None:
    volume = WritableFatVolume(draft)
    volume.make_folder("outer/inner", modified=MOMENT)
    outer, inner = first_cluster(volume, "outer"), first_cluster(volume, "outer/inner")
    slot = read_geometry(draft, 0).cluster_offset(outer) + 2 * 32
    assert draft.read(slot, 5).lower() == b"inner"
    draft.write(slot + 0x1A, struct.pack("<H", outer & 0xFFFF))
    draft.write(slot + 0x14, struct.pack("<H", outer >> 16))
    assert inner != outer
    with pytest.raises(FlasherError, match="contains itself"):
        list(FatVolume(draft).walk())
    with pytest.raises(FlasherError, match="contains itself"):
        WritableFatVolume(draft).remove("outer")


def test_files_and_folders_do_not_take_each_others_place(draft: Overlay) -> None:
    volume = WritableFatVolume(draft)
    with pytest.raises(BadInput, match="is a folder"):
        volume.write("overlays", b"", modified=MOMENT)
    with pytest.raises(BadInput, match="is a folder"):
        volume.read("overlays")
    with pytest.raises(BadInput, match="not a folder"):
        volume.write("cmdline.txt/below", b"", modified=MOMENT)
    with pytest.raises(BadInput, match="not a folder"):
        volume.listdir("cmdline.txt")
    with pytest.raises(BadInput, match="There is no nothing"):
        volume.remove("nothing")
    assert draft.changes() == ()


def test_fat12_is_refused_by_name(tmp_path: Path) -> None:
    image = tmp_path / "fat12.img"
    image.write_bytes(bytes(1 << 20))
    run(["mkfs.fat", "-F", "12", str(image)])
    with FileBlocks(image) as blocks, pytest.raises(BadInput, match="FAT12"):
        FatVolume(blocks)


def test_a_volume_that_was_cut_off_is_damaged(fat_image: Path, tmp_path: Path) -> None:
    image = tmp_path / "short.img"
    image.write_bytes(fat_image.read_bytes()[:-4096])
    with FileBlocks(image) as blocks, pytest.raises(FlasherError, match="larger than"):
        FatVolume(blocks)
