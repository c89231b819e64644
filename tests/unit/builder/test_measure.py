from pathlib import Path

from builder.inside.freshen import freshen
from builder.inside.measure import Measure, measure


def put(root: Path, name: str, text: str = "") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def measured(root: Path) -> Measure:
    return measure(str(root), str(root / "boot/firmware"))


def test_a_file_with_two_names_is_measured_once(tmp_path):
    put(tmp_path, "a", "x" * 5000)
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    put(tmp_path, "empty")
    (tmp_path / "short").symlink_to("a")
    (tmp_path / "long").symlink_to("a" * 100)
    root_block, file_blocks, link_block = 1, 2, 1
    found = measured(tmp_path)
    assert (found.blocks, found.files) == (root_block + file_blocks + link_block, 5)


def test_what_lies_in_the_boot_folder_is_listed_and_not_counted(tmp_path):
    for name in ("z", "a.dat", "overlays/deep/one", "overlays/two"):
        put(tmp_path, f"boot/firmware/{name}", name)
    (tmp_path / "boot/firmware/link").symlink_to("z")
    put(tmp_path, "boot/firmware-notes", "not in it")
    found = measured(tmp_path)
    assert found.boot == [("a.dat", 5), ("overlays/deep/one", 17), ("overlays/two", 12), ("z", 1)]
    assert found.boot_folders == ["overlays", "overlays/deep"]
    assert found.boot_odd == ["link"]
    assert found.files == 4  # the root, two folders, the notes


def test_after_freshening_nothing_is_older_and_nothing_is_modified(tmp_path):
    put(tmp_path, "below/old")
    (tmp_path / "link").symlink_to("nowhere")
    before = measured(tmp_path)
    modified = {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")}
    since = before.oldest + 1
    while measured(tmp_path).oldest < since:
        freshen(since, str(tmp_path))
    assert {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")} == modified
