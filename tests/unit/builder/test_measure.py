import os
from pathlib import Path

from builder.inside.freshen import freshen
from builder.measure import Measure, measure


def told(*lines: str, data: str | None = None) -> Measure:
    """Measure a tree of a root, one block large, and these; all of them accessed at 70."""
    root = "d 4096 3 1 70.5 80.5 "
    fields = (field for line in (root, *lines) for field in line.split(" ", 6))
    raw = "".join(f"{field}\0" for field in fields).encode()
    return measure(raw, "boot/firmware", "boot", data=data)


def test_a_file_with_two_names_is_measured_once():
    found = told(
        "f 5000 2 7 70.1 80.1 a",
        "f 5000 2 7 70.1 80.1 b",
        "f 0 1 8 70.1 80.1 empty",
        "l 1 1 9 70.1 80.1 short",
        "l 100 1 10 70.1 80.1 long",
    )
    root_block, file_blocks, link_block = 1, 2, 1
    assert (found.blocks, found.files) == (root_block + file_blocks + link_block, 5)


def test_what_lies_in_the_boot_folder_is_listed_and_not_counted():
    found = told(
        "d 4096 2 2 70.1 80.1 boot/firmware",
        "f 1 1 3 70.1 80.1 boot/firmware/z",
        "d 4096 2 4 70.1 80.1 boot/firmware/overlays",
        "f 17 1 5 70.1 80.1 boot/firmware/overlays/one",
        "f 5 1 6 70.1 80.1 boot/firmware/a file.dat",
        "l 1 1 7 70.1 80.1 boot/firmware/link",
        "f 9 1 8 70.1 80.1 boot/firmware-notes",
    )
    assert found.boot == (("a file.dat", 5), ("overlays/one", 17), ("z", 1))
    assert found.boot_folders == ("overlays",)
    assert found.boot_odd == ("link",)
    assert (found.blocks, found.files) == (3, 3)


def test_what_goes_to_a_partition_for_data_is_counted_apart():
    lines = (
        "d 4096 2 2 70.1 80.1 data",
        "d 4096 2 3 70.1 80.1 data/conf",
        "f 5000 1 4 70.1 80.1 data/conf/one",
        "f 9 1 5 70.1 80.1 database",
    )
    apart, together = told(*lines, data="data"), told(*lines)
    assert (apart.blocks, apart.files, apart.data_blocks, apart.data_files) == (3, 3, 3, 2)
    assert (together.blocks, together.files) == (6, 5)
    assert (together.data_blocks, together.data_files) == (0, 0)


def test_the_oldest_time_is_an_access_or_a_change_of_anything():
    assert told().oldest == 70
    assert told("f 0 1 2 60.9 80.9 read").oldest == 60
    assert told("l 1 1 2 80.9 50.9 boot/firmware/changed").oldest == 50


def test_after_freshening_nothing_is_older_and_nothing_is_modified(tmp_path: Path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below/old").write_text("old")
    (tmp_path / "link").symlink_to("nowhere")
    paths = [tmp_path, *tmp_path.rglob("*")]
    for path in paths:
        os.utime(path, (50, 60), follow_symlinks=False)
    since = int(tmp_path.lstat().st_ctime) + 1
    while min(min(path.lstat().st_atime, path.lstat().st_ctime) for path in paths) < since:
        freshen(since, str(tmp_path))
    assert {path.lstat().st_mtime for path in paths} == {60.0}


def test_older_systems_have_their_boot_files_in_boot_itself():
    found = told("f 12 1 2 70.1 80.1 boot/config.txt", "d 4096 2 3 70.1 80.1 boot/overlays")
    assert (found.boot_place, found.boot) == ("boot", (("config.txt", 12),))
    assert found.boot_folders == ("overlays",)
    newer = told("f 1 1 2 70.1 80.1 boot/config.txt", "f 1 1 3 70.1 80.1 boot/firmware/config.txt")
    assert newer.boot_place == told().boot_place == "boot/firmware"
