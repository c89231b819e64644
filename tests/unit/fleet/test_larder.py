"""What a mirror keeps of what it fetched."""

from __future__ import annotations

from pathlib import Path

from flasher.fleet.server.larder import Larder


def test_what_is_little_is_kept_also_where_the_room_is_for_others(tmp_path: Path) -> None:
    larder = Larder(tmp_path, most_bytes=10**9, reserve=10**18)
    assert larder.make_room(100_000)
    assert not larder.make_room(10_000_000)


def test_nothing_goes_for_what_does_not_fit_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "blobs/ab").mkdir(parents=True)
    kept = tmp_path / "blobs/ab" / ("ab" * 32)
    kept.write_bytes(bytes(1000))
    larder = Larder(tmp_path, most_bytes=10**9)
    assert not larder.make_room(10**18)
    assert kept.exists()
