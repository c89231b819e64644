"""The wizard's own small values: the choice of an image, the practice bench."""

from __future__ import annotations

import os
from pathlib import Path

from flasher.images import newest_image
from flasher.tui.workplace import open_workplace


def put(path: Path, seconds: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (seconds, seconds))
    return path


def test_the_newest_image_is_taken(tmp_path):
    put(tmp_path / "old.img", 1)
    newest = put(tmp_path / "new.img.zst", 2)
    put(tmp_path / "notes.txt", 3)
    assert newest_image(tmp_path) == newest
    assert newest_image(tmp_path / "missing") is None


def test_a_compressed_image_beside_its_raw_one_is_passed_over(tmp_path):
    raw = put(tmp_path / "base.img", 1)
    put(tmp_path / "base.img.zst", 2)
    put(tmp_path / "base.zip", 3)
    assert newest_image(tmp_path) == raw


def test_there_may_be_no_image(tmp_path):
    assert newest_image(tmp_path) is None


def test_the_practice_bench_has_a_new_card_in_each_of_three_readers(folder):
    workplace = open_workplace(practice=True)
    assert [drive.holds for drive in workplace.catalog.drives()] == ["empty"] * 3
    assert workplace.practice
    assert workplace.image == folder / "practice/practice.img"
    assert workplace.ledger.path.parent == folder / "practice"


def test_practice_cards_that_were_written_stay_and_new_ones_are_in_the_readers(folder):
    open_workplace(practice=True)
    (folder / "practice/box/new-2.card").write_bytes(b"mine")
    desk = open_workplace(practice=True).desk
    assert [desk.inside(reader) for reader in desk.readers] == ["new-1", "new-3", "new-4"]
    assert (folder / "practice/box/new-2.card").read_bytes() == b"mine"
