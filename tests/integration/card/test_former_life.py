"""A used card becomes another node's: whatever happens to it then, nothing of the first comes back.

Both images have the same ids, so that a kernel would replay the first node's journal upon the
second node's file system, were it still there.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flasher.card.plan import plan_card
from flasher.card.target import open_target
from flasher.card.write import write_card
from flasher.drives.find import find_drive
from flasher.image.blocks import FileBlocks
from flasher.image.bmap import map_blocks, write_bmap
from flasher.image.source import open_image
from flasher.process import run
from tests.integration.conftest import loop_over
from tests.integration.dumped import dumped

MIB = 1 << 20
BOOT, ROOT, END = 1 * MIB, 41 * MIB, 105 * MIB
UUID = "c0ffee00-1111-4222-8333-444455556666"
MARK = b"secret of the first node\n"
FORMS = {"as it is": (), "with a bmap": ("bmap",)}


def make_image(path: Path, name: str, folder: Path) -> Path:
    """An image of a node: the same ids each time, one file of its own."""
    tree = folder / f"tree of {name}"
    (tree / "etc").mkdir(parents=True)
    (tree / "etc/hostname").write_text(f"{name}\n")
    (tree / "etc/zeros").write_bytes(bytes(2 * MIB))
    with path.open("wb") as handle:
        handle.truncate(END)
    sectors = (BOOT // 512, (ROOT - BOOT) // 512, ROOT // 512, (END - ROOT) // 512)
    table = "label: dos\nlabel-id: 0xc0ffee00\n{},{},c,*\n{},{},83\n".format(*sectors)
    run(["sfdisk", "-q", str(path)], stdin=table.encode())
    fat = ["-F", "32", "-s", "1", "-i", "c0ffee00", "--offset", str(BOOT // 512)]
    run(["mkfs.fat", *fat, str(path), str((ROOT - BOOT) // 1024)])
    ids = ["-U", UUID, "-E", f"offset={ROOT},hash_seed={UUID}", "-O", "^metadata_csum_seed"]
    size = f"{(END - ROOT) // 1024}k"
    run(["mke2fs", "-q", "-t", "ext4", "-b", "4096", *ids, "-d", str(tree), str(path), size])
    return path


@contextmanager
def mounted(backing: Path, place: Path, *options: str) -> Iterator[Path]:
    """The root file system of a card."""
    place.mkdir(exist_ok=True)
    with loop_over(backing, "--offset", str(ROOT), "--sizelimit", str(END - ROOT)) as loop:
        run(["mount", *options, str(loop), str(place)])
        try:
            yield place
        finally:
            run(["umount", str(place)])


def live(card: Path, folder: Path) -> None:
    """The first node's life: secrets in files, in its journal, and in what it has deleted."""
    with mounted(card, folder / "first", "-o", "data=journal") as root:
        (root / "etc/hostname").write_text("first, changed\n")
        for number in range(300):
            (root / f"etc/first{number}").write_bytes(MARK * 400)
            if number % 3:
                (root / f"etc/first{number}").unlink()
        run(["sync", "--file-system", str(root)])
    secret = folder / "secret"
    secret.write_bytes(MARK * 100_000)
    run(["mcopy", "-i", f"{card}@@{BOOT}", str(secret), "::/secret"])
    run(["mdel", "-i", f"{card}@@{BOOT}", "::/secret"])


@pytest.fixture
def used_card(tmp_path: Path) -> Path:
    """A card after the first node's life, all of it full of what was there before."""
    card = make_image(tmp_path / "card", "first", tmp_path)
    with card.open("ab") as handle:
        handle.write(MARK * (8 * MIB // len(MARK)))
        handle.truncate(END + 8 * MIB)
    live(card, tmp_path)
    assert card.read_bytes().count(MARK) > 100_000
    return card


@pytest.mark.parametrize("form", FORMS)
def test_not_one_byte_of_a_cards_first_node_is_there_when_its_second_one_loses_power(
    form: str, used_card: Path, tmp_path: Path
) -> None:
    image = make_image(tmp_path / "second.img", "second", tmp_path)
    if FORMS[form]:
        with FileBlocks(image) as blocks:  # of those that name what is not zeros, and no more
            (tmp_path / "second.bmap").write_bytes(write_bmap(map_blocks(blocks)))
    plan = plan_card(open_image(image), {"node.toml": b"second"})
    with loop_over(used_card) as loop, open_target(find_drive(str(loop)), plan.size) as target:
        write_card(plan, target)
    assert MARK not in used_card.read_bytes()

    after_cut = tmp_path / "after the cut"
    with mounted(used_card, tmp_path / "second", "-o", "commit=1") as root:
        for number in range(200):
            (root / f"etc/second{number}").write_bytes(b"second\n" * 900)
        run(["sync", "--file-system", str(root)])
        (root / "etc/hostname").write_text("second, changed\n")
        shutil.copyfile(used_card, after_cut)
    assert "needs_recovery" in dumped(after_cut, ROOT, "-h")
    with mounted(after_cut, tmp_path / "replayed") as root:
        names = {path.name for path in (root / "etc").iterdir()}
        assert names == {"hostname", "zeros", *(f"second{n}" for n in range(200))}
        assert (root / "etc/hostname").read_text() in ("second\n", "second, changed\n", "")
        assert (root / "etc/zeros").read_bytes() == bytes(2 * MIB)
    run(["e2fsck", "-fn", f"{after_cut}?offset={ROOT}"])
    assert MARK not in after_cut.read_bytes()


def test_by_a_map_of_what_is_not_zeros_the_first_node_would_shine_through(
    used_card: Path, tmp_path: Path
) -> None:
    image = make_image(tmp_path / "second.img", "second", tmp_path)
    with FileBlocks(image) as blocks:
        (tmp_path / "second.bmap").write_bytes(write_bmap(map_blocks(blocks)))
    maps = ["--bmap", str(tmp_path / "second.bmap")]
    with loop_over(used_card) as loop:
        run(["bmaptool", "copy", *maps, str(image), str(loop)])
    with FileBlocks(used_card) as card:
        assert MARK in card.read(BOOT, ROOT - BOOT)
        assert MARK in card.read(ROOT, END - ROOT)
