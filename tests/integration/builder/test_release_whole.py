"""Whether a release set is whole: it is found again without being read, and every flaw is seen."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

from builder.lock import Lock
from builder.recipe import ImageSettings
from tests.integration.builder.conftest import Asks, Builds

MIB = 1 << 20


def bytes_read() -> int:
    """What this process has read so far, from the page cache too."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("rchar:"))


def test_a_set_is_found_again_without_reading_it(build: Builds, is_there: Asks):
    release = build()
    assert is_there(release)
    before = bytes_read()
    assert is_there(release)
    assert bytes_read() - before < 1 * MIB
    release.image.touch()
    assert is_there(release)
    assert bytes_read() - before > release.image.stat().st_size


def test_other_settings_another_lock_or_form_want_another_set(
    build: Builds, is_there: Asks, lock: Lock
):
    release = build()
    settings = ImageSettings(boot_label="FIRMWARE", boot_size_mib=64, root_slack_mib=16)
    assert not is_there(release, settings)
    assert not is_there(release, lock=replace(lock, sources="deb http://elsewhere trixie main"))
    assert not is_there(replace(release, form="xz"))
    assert is_there(release)


def test_a_set_with_another_byte_anywhere_is_not_taken_for_whole(build: Builds, is_there: Asks):
    release = build()
    for path in release.summed:
        flip_a_bit(path)
        assert not is_there(release), path
        flip_a_bit(path)
        assert is_there(release), path


def flip_a_bit(path: Path) -> None:
    """In the middle of a file, and as if nothing had happened."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(before.st_size // 2)
        byte = file.read(1)
        file.seek(before.st_size // 2)
        file.write(bytes([byte[0] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_set_with_a_file_missing_or_cut_off_is_not_taken_for_whole(
    build: Builds, is_there: Asks, tmp_path: Path
):
    release = build()
    for path in (*release.summed, release.sums):
        kept = path.rename(tmp_path / "kept")
        assert not is_there(release), path
        shutil.copyfile(kept, path)
        os.truncate(path, path.stat().st_size - 3)
        assert not is_there(release), path
        kept.replace(path)
        assert is_there(release), path


def test_a_checksum_too_few_or_too_many_is_noticed(build: Builds, is_there: Asks):
    release = build()
    lines = release.sums.read_text().splitlines(keepends=True)
    for damaged in (lines[1:], [*lines, f"{'0' * 64}  tiny.img\n"]):
        release.sums.write_text("".join(damaged))
        assert not is_there(release)


def test_notes_or_a_manifest_of_garbage_do_no_harm(build: Builds, is_there: Asks, tmp_path: Path):
    release = build()
    (notes,) = (tmp_path / "store/releases").iterdir()
    garbage = ("", "{}", "[]", "7", "null", "\xff", "[" * 100_000, '{"key": "k"}', '{"files": []}')
    for text in garbage:
        notes.write_text(text, encoding="latin-1")
        assert is_there(release), text[:9]
    for text in garbage:
        release.manifest.write_text(text, encoding="latin-1")
        assert not is_there(release), text[:9]
