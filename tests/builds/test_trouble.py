"""Trouble with disks, and second thoughts: a clear word, the store intact, a rerun goes on."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.builds.conftest import Reference
from tests.builds.places import Place, end_build

pytestmark = pytest.mark.timeout(600)

MIB = 1 << 20


class Mounts:
    """A mount namespace that lasts for a test."""

    def __init__(self, holder: subprocess.Popen[bytes]) -> None:
        self._enter = ["nsenter", "--target", str(holder.pid), "--mount"]

    def sh(self, script: str) -> str:
        """Run a shell script in it; its output."""
        argv = [*self._enter, "sh", "-ec", script]
        return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout

    def wrap(self, argv: list[str]) -> list[str]:
        """To run a command in it."""
        return [*self._enter, *argv]


class Disk:
    """A small disk, seen in a mount namespace of its own."""

    def __init__(self, mounts: Mounts, place: Path) -> None:
        self._place = place
        self.sh, self.wrap = mounts.sh, mounts.wrap

    def leave(self, free: int) -> None:
        """Have so many bytes free from now on."""
        used = int(self.sh(f"df --output=used -B1 {self._place} | tail -1"))
        self.sh(f"mount -o remount,size={used + free} {self._place}")


@contextmanager
def own_mounts() -> Iterator[Mounts]:
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", "echo; exec cat"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        yield Mounts(holder)


@contextmanager
def disk_at(place: Path) -> Iterator[Disk]:
    """A file system of its own at a folder, with what the folder held."""
    with own_mounts() as mounts:
        moved = f"{place}.disk"
        mounts.sh(
            f"mkdir {moved}; mount -t tmpfs -o size=2g tmpfs {moved}; cp -a {place}/. {moved};"
            f"mount --move {moved} {place}; rmdir {moved}"
        )
        yield Disk(mounts, place)


@pytest.mark.parametrize("folder", ["cache", "out"])
def test_a_disk_with_too_little_room_is_named_before_anything_is_built(
    reference: Reference, copy: Place, folder: str
):
    copy.forget("tools build", reference.ended.layers)
    with disk_at(copy.folder / folder) as disk:
        disk.leave(4 * MIB)
        full = copy.build(wrap=disk.wrap)
        assert (full.status, full.code) == (1, "disk-full"), full.words
        assert "MiB free" in full.words
        disk.leave(1 << 30)
        again = copy.build(wrap=disk.wrap)
    assert again.status == 0, again.words
    assert "debian" in again.reused


@pytest.mark.parametrize(("phase", "folder"), [("tools build", "cache"), ("small assemble", "out")])
def test_a_disk_that_fills_up_meanwhile_is_named_and_a_rerun_goes_on(
    reference: Reference, copy: Place, phase: str, folder: str
):
    copy.forget("tools build", reference.ended.layers)

    with disk_at(copy.folder / folder) as disk:

        def fill_up(begun: str) -> None:
            if begun == phase:
                disk.leave(2 * MIB)

        full = copy.build(wrap=disk.wrap, meanwhile=fill_up)
        assert (full.status, full.code) == (1, "disk-full"), full.words
        assert "run the same command again" in full.words
        disk.sh(f"test -z \"$(find {copy.out} {copy.store} -name '*.part' -o -name 'draft-*')\"")
        disk.leave(1 << 30)
        again = copy.build(wrap=disk.wrap)
    assert again.status == 0, again.words
    assert "debian" in again.reused


def test_a_folder_that_cannot_be_written_is_named_before_anything_is_built(
    reference: Reference, copy: Place
):
    copy.forget("debian build", reference.ended.layers)
    with own_mounts() as mounts:
        mounts.sh(f"mount --bind {copy.out} {copy.out}; mount -o remount,bind,ro {copy.out}")
        refused = copy.build(wrap=mounts.wrap)
    assert refused.status != 0
    assert str(copy.out) in refused.words
    assert refused.phases.keys() & {"debian build"} == set()


@pytest.mark.parametrize("phase", ["tools build", "small assemble"])
def test_ctrl_c_ends_a_build_at_once_and_a_rerun_goes_on(
    reference: Reference, copy: Place, phase: str
):
    copy.forget(phase, reference.ended.layers)
    end = end_build(copy, phase, 0.3, signal.SIGINT, whole_group=True)
    assert (end.alive, end.status, end.left) == (True, 130, [])
    assert copy.unfinished() == []
    again = copy.build()
    assert again.status == 0, again.words
    assert "debian" in again.reused
    assert copy.made() == reference.made
