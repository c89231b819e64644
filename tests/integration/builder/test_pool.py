"""Packages fetched from a server that does not always behave, and offered to apt."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from builder.ahead import fetching_ahead
from builder.lock import LockedGroup, LockedPackage
from builder.pool import Pool
from flasher.errors import Cancelled, FlasherError
from flasher.events import CancelFlag, Event, StepFinished, StepStarted
from flasher.process import run
from tests.integration.builder.mirror import Mirror

DATA = bytes(range(256)) * 4096


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    return Pool(tmp_path / "pool")


def test_a_package_is_fetched_once(mirror: Mirror, pool: Pool):
    package = mirror.offer("a", DATA)
    first, second = pool.fetch((package,)), pool.fetch((package,))
    assert first == second
    assert first[0].read_bytes() == DATA
    assert mirror.asked == ["bytes=0-"]


def test_a_damaged_package_is_fetched_anew(mirror: Mirror, pool: Pool):
    (path,) = pool.fetch((package := mirror.offer("a", DATA),))
    path.write_bytes(DATA[:-1] + b"?")
    assert pool.fetch((package,))[0].read_bytes() == DATA


def test_progress_is_told_in_bytes(mirror: Mirror, tmp_path: Path):
    heard: list[Event] = []
    Pool(tmp_path, heard.append).fetch((mirror.offer("a", DATA), mirror.offer("b", DATA[1:])))
    assert heard[0] == StepStarted("packages", "fetch", 2 * len(DATA) - 1, "bytes")
    assert isinstance(heard[-1], StepFinished)


def test_a_part_of_an_earlier_run_is_gone_on_with(mirror: Mirror, pool: Pool):
    package = mirror.offer("a", DATA)
    pool.folder.mkdir()
    pool.path(package).with_suffix(".deb.part").write_bytes(DATA[:1000])
    assert pool.fetch((package,))[0].read_bytes() == DATA
    assert mirror.asked == ["bytes=1000-"]


def test_a_broken_connection_is_taken_up_again(mirror: Mirror, pool: Pool):
    package = mirror.offer("a", DATA)
    mirror.breaks_after = len(DATA) // 2
    assert pool.fetch((package,))[0].read_bytes() == DATA
    assert mirror.asked == ["bytes=0-", f"bytes={len(DATA) // 2}-"]


def test_a_mirror_that_is_away_for_a_moment_is_asked_again(mirror: Mirror, pool: Pool):
    package = mirror.offer("a", DATA)
    mirror.away = 2
    assert pool.fetch((package,))[0].read_bytes() == DATA
    assert mirror.asked == ["bytes=0-"] * 3


def test_other_bytes_are_refused_and_a_rerun_goes_on(mirror: Mirror, pool: Pool):
    package = mirror.offer("a", DATA)
    mirror.files = {path: data[::-1] for path, data in mirror.files.items()}
    with pytest.raises(FlasherError) as refused:
        pool.fetch((package,))
    assert refused.value.code == "checksum-mismatch"
    assert list(pool.folder.iterdir()) == []
    mirror.offer("a", DATA)
    assert pool.fetch((package,))[0].read_bytes() == DATA


def test_one_failure_keeps_what_else_was_fetched(mirror: Mirror, pool: Pool):
    there = mirror.offer("there", DATA)
    gone = replace(there, name="gone", version="7", uri=f"{mirror.address}/g.deb", sha256="0" * 64)
    pool.fetch((there,))
    with pytest.raises(FlasherError, match=r"gone 7 is no longer at .*/g\.deb") as refused:
        pool.fetch((there, gone))
    assert refused.value.code == "package-gone"
    assert pool.path(there).read_bytes() == DATA


def test_a_mirror_that_is_down_is_named(mirror: Mirror, pool: Pool):
    package = replace(mirror.offer("a", DATA), uri="http://127.0.0.1:9/a_1_all.deb")
    with pytest.raises(FlasherError, match=r"127\.0\.0\.1:9/a_1_all\.deb") as refused:
        pool.fetch((package,))
    assert refused.value.code == "network-down"
    assert refused.value.message.endswith("cannot be fetched: Connection refused.")


def test_a_cancelled_download_stops_and_is_gone_on_with(mirror: Mirror, pool: Pool):
    package, flag = mirror.offer("a", DATA), CancelFlag()
    flag.set()
    with pytest.raises(Cancelled):
        pool.fetch((package,), cancel=flag)
    assert pool.fetch((package,))[0].read_bytes() == DATA
    assert mirror.asked[1] != "bytes=0-"


def group(name: str, *packages: LockedPackage) -> LockedGroup:
    return LockedGroup(name, 0, (), packages)


def test_what_is_fetched_ahead_is_there_when_it_was_waited_for(mirror: Mirror, pool: Pool):
    low, high = mirror.offer("low", DATA), mirror.offer("high", DATA[1:])
    groups = (group("low", low), group("high", high))
    with fetching_ahead(pool, groups, CancelFlag()) as wait_for:
        wait_for("low")
        assert pool.path(low).exists()
        wait_for("high")
        assert pool.path(high).exists()
        wait_for("files")


def test_what_cannot_be_fetched_ahead_fails_who_waits_for_it(mirror: Mirror, pool: Pool):
    there = mirror.offer("there", DATA)
    gone = replace(there, name="gone", uri=f"{mirror.address}/g.deb", sha256="0" * 64)
    groups = (group("low", there), group("high", gone))
    with fetching_ahead(pool, groups, CancelFlag()) as wait_for:
        wait_for("low")
        with pytest.raises(FlasherError, match="gone"):
            wait_for("high")


def test_after_a_failure_nothing_more_is_fetched_ahead(mirror: Mirror, pool: Pool):
    above = mirror.offer("above", DATA)
    gone = replace(above, name="gone", uri=f"{mirror.address}/g.deb", sha256="0" * 64)
    groups = (group("low", gone), group("high", above))
    with fetching_ahead(pool, groups, CancelFlag()) as wait_for:
        with pytest.raises(Cancelled):
            wait_for("high")
        with pytest.raises(FlasherError, match="gone"):
            wait_for("low")
    assert not pool.path(above).exists()


def build_deb(folder: Path, name: str, depends: str = "") -> bytes:
    control = folder / name / "DEBIAN/control"
    control.parent.mkdir(parents=True)
    fields = {
        "Package": name,
        "Version": "1:2~3",
        "Architecture": "all",
        "Maintainer": "Nobody <nobody@example.org>",
        "Description": "A package\n with more\n .\n to say",
    } | ({"Depends": depends} if depends else {})
    control.write_text("".join(f"{key}: {value}\n" for key, value in fields.items()))
    argv = ["dpkg-deb", "--build", "--root-owner-group", str(folder / name), str(folder)]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return (folder / f"{name}_2~3_all.deb").read_bytes()


def test_apt_takes_the_repository_for_one(mirror: Mirror, pool: Pool, tmp_path: Path):
    packages = (
        mirror.offer("first", build_deb(tmp_path, "first", "second (= 1:2~3)")),
        mirror.offer("second", build_deb(tmp_path, "second")),
    )
    pool.repository(packages[:1])
    folder = pool.repository(packages)
    settings = tmp_path / "apt.conf"
    (tmp_path / "apt/lists/partial").mkdir(parents=True)
    (tmp_path / "apt/archives/partial").mkdir(parents=True)
    (tmp_path / "status").touch()
    (tmp_path / "sources.list").write_text(f"deb [trusted=yes] copy:{folder} ./\n")
    values = {
        "Dir::Etc::SourceList": tmp_path / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State": tmp_path / "apt",
        "Dir::State::Status": tmp_path / "status",
        "Dir::Cache": tmp_path / "apt",
        "APT::Sandbox::User": "root",
    }
    settings.write_text("".join(f'{name} "{value}";\n' for name, value in values.items()))
    env = {"APT_CONFIG": str(settings)}
    run(["apt-get", "update", "--error-on=any"], env=env)
    argv = ["apt-get", "install", "--download-only", "--assume-yes", "first"]
    run(argv, env=env)
    held = sorted((tmp_path / "apt/archives").glob("*.deb"))
    assert [path.read_bytes() for path in held] == [pool.path(p).read_bytes() for p in packages]
