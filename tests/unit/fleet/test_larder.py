"""What a mirror keeps of what it fetched."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from flasher.fleet.server.larder import Larder

TB = 10**12


def test_what_is_little_is_kept_also_where_the_room_is_for_others(tmp_path: Path) -> None:
    larder = Larder(tmp_path, most_bytes=10**9, reserve=10**18)
    assert larder.make_room(100_000, 100_000)
    assert not larder.make_room(10_000_000, 10_000_000)


def test_nothing_goes_for_what_does_not_fit_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "blobs/ab").mkdir(parents=True)
    kept = tmp_path / "blobs/ab" / ("ab" * 32)
    kept.write_bytes(bytes(1000))
    larder = Larder(tmp_path, most_bytes=10**9)
    assert not larder.make_room(10**18, 1)
    assert kept.exists()


def test_no_more_goes_than_for_what_comes_next_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "blobs/ab").mkdir(parents=True)
    kept = [tmp_path / "blobs/ab" / f"ab{number:062x}" for number in range(3)]
    for number, path in enumerate(kept):
        path.touch()
        os.truncate(path, TB)  # sparse
        os.utime(path, (number, number))
    full = shutil.disk_usage(tmp_path).free + TB // 2
    Larder(tmp_path, most_bytes=10 * TB, reserve=full).make_room(2 * TB, 16 << 20)
    assert [path.exists() for path in kept] == [False, True, True]
