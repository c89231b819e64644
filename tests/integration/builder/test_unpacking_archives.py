"""Archives unpacked into layers: all that they hold, wherever their names and links would lead."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from builder.log import Log
from flasher.errors import BadInput
from flasher.process import run
from tests.integration.builder.conftest import Unpack
from tests.integration.builder.packed_trees import (
    EPOCH,
    describe,
    grow,
)

PACKERS = {"tar": None, "gz": "gzip", "xz": "xz", "zst": "zstd"}


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_tree_from_an_archive_is_the_tree_that_was_packed(
    tmp_path: Path, unpack: Unpack, suffix: str
):
    source, file = grow(tmp_path / "tree"), tmp_path / f"root.tar.{suffix}"
    (source / "usr/bin/su").unlink()  # access lists are not in all archives
    os.removexattr(source / "var/spool", "system.posix_acl_default")
    os.utime(source / "usr/bin", ns=(EPOCH * 10**9, EPOCH * 10**9 + 5000))
    how = [f"--use-compress-program={PACKERS[suffix]}"] if PACKERS[suffix] else []
    run(
        [
            "tar",
            "-c",
            *how,
            "--format=pax",
            "--xattrs",
            "--xattrs-include=*",
            "--numeric-owner",
            "-f",
            str(file),
            "-C",
            str(source),
            ".",
        ]
    )
    assert describe(unpack("rootfs", file)) == describe(source)


def test_owners_go_by_number_not_by_name(tmp_path: Path, unpack: Unpack):
    file = tmp_path / "root.tar"
    with tarfile.open(file, "w") as archive:
        member = tarfile.TarInfo("a")
        member.uid, member.gid, member.uname, member.gname = 4711, 4712, "root", "root"
        archive.addfile(member)
    found = (unpack("rootfs", file) / "a").stat()
    assert (found.st_uid, found.st_gid) == (4711, 4712)


def test_links_of_an_archive_lead_nowhere_but_into_the_tree(tmp_path: Path, unpack: Unpack):
    file, target = tmp_path / "root.tar", tmp_path / "outside"
    target.mkdir()
    with tarfile.open(file, "w") as archive:
        for name, link in ((str(target).lstrip("/"), None), ("out", str(target))):
            member = tarfile.TarInfo(name)
            member.type = tarfile.SYMTYPE if link else tarfile.DIRTYPE
            member.linkname, member.mode = link or "", 0o755
            archive.addfile(member)
        archive.addfile(tarfile.TarInfo("out/written"))
    tree = unpack("rootfs", file)
    assert not list(target.iterdir())
    assert (tree / str(target).lstrip("/") / "written").exists()


def test_a_name_that_leads_out_of_an_archive_is_refused(tmp_path: Path, unpack: Unpack):
    file = tmp_path / "root.tar"
    with tarfile.open(file, "w") as archive:
        archive.addfile(tarfile.TarInfo("a/../../b"))
    with pytest.raises(BadInput, match="leads out"):
        unpack("rootfs", file)


def test_devices_are_left_out_and_told(tmp_path: Path, unpack: Unpack, log: Log):
    file = tmp_path / "root.tar"
    with tarfile.open(file, "w") as archive:
        member = tarfile.TarInfo("dev/null")
        member.type, member.devmajor, member.devminor = tarfile.CHRTYPE, 1, 3
        archive.addfile(member)
    tree = unpack("rootfs", file)
    assert not (tree / "dev/null").exists()
    assert "left out: /dev/null" in log.path.read_text()


def test_the_real_tar_agrees_with_what_is_read_of_its_archive(tmp_path: Path, unpack: Unpack):
    source, file = grow(tmp_path / "tree"), tmp_path / "root.tar"
    run(["tar", "-c", "-f", str(file), "-C", str(source), "."])
    tree = unpack("rootfs", file)
    said = subprocess.run(
        ["tar", "--compare", "-f", str(file), "-C", str(tree)], capture_output=True, text=True
    )
    assert (said.returncode, said.stdout) == (0, "")
