"""Cards formatted, and filled from trees, by the program itself; judged by the kernel and by tools.

Nothing is mounted by the program. The tests mount what it made, to see it as a node will.
"""

from __future__ import annotations

import filecmp
import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flasher.cli import main
from flasher.process import run
from tests.integration.builder.ordinary_user import as_user
from tests.integration.conftest import loop_over

MIB = 1 << 20
SIZE = 224 * MIB
SMALL = ("--boot", "40M")
FORMER = b"holiday pictures"
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")  # cap_net_raw+ep
FSTAB = """\
PARTUUID=4e639091-02 / ext4 defaults 0 1
PARTUUID=4e639091-01 /boot/firmware vfat defaults 0 2
"""
CMDLINE = "console=tty1 root=PARTUUID=4e639091-02 rootwait\n"

LoopMaker = Callable[..., Path]


def flasher(*argv: str | Path) -> tuple[int, dict[str, object]]:
    """Give the program a command line; its exit status and the last JSON object but progress."""
    out = io.StringIO()
    with redirect_stdout(out):
        status = main([*map(str, argv), "--json"])
    objects = [json.loads(line) for line in out.getvalue().splitlines()]
    return status, [found for found in objects if found["kind"] != "progress"][-1]


def flashed(*argv: str | Path) -> dict[str, object]:
    status, told = flasher(*argv)
    assert status == 0, told
    return told


def table(card: Path) -> dict[str, Any]:
    """The partition table as util-linux reads it."""
    told: dict[str, Any] = json.loads(run(["sfdisk", "--json", str(card)]).text)["partitiontable"]
    return told


@dataclass(frozen=True)
class Part:
    """One partition of a card as a file, cut out by what sfdisk says of it."""

    path: Path

    @classmethod
    def of(cls, card: Path, slot: int, folder: Path) -> Part:
        place = table(card)["partitions"][slot - 1]
        target = folder / f"part{slot}"
        where = (f"skip={place['start'] // 2048}", f"count={place['size'] // 2048}")
        run(["dd", f"if={card}", f"of={target}", "bs=1M", "status=none", *where])
        return cls(target)

    @contextmanager
    def mounted(self, *options: str) -> Iterator[Path]:
        point = self.path.with_suffix(".mounted")
        point.mkdir()
        with loop_over(self.path) as device:
            run(["mount", "-t", "ext4", *options, str(device), str(point)])
            try:
                yield point
            finally:
                run(["umount", str(point)])


def is_whole(card: Path, folder: Path, slots: int = 2) -> None:
    """What dosfstools and e2fsprogs think of the file systems."""
    run(["fsck.fat", "-n", str(Part.of(card, 1, folder).path)])
    for slot in range(2, slots + 1):
        run(["e2fsck", "-fn", str(Part.of(card, slot, folder).path)])


@pytest.fixture
def card(tmp_path: Path, make_loop: LoopMaker) -> Path:
    """A card in a reader, full of somebody's data."""
    backing = tmp_path / "backing"
    backing.write_bytes(FORMER * (SIZE // len(FORMER)))
    return make_loop(backing)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A root file system with one of everything that a card must keep."""
    tree = tmp_path / "rootfs"
    for name in (
        "usr/bin",
        "etc",
        "var/spool",
        "dev",
        "root",
        "data/keep",
        "boot/firmware/overlays",
    ):
        (tree / name).mkdir(parents=True)
    tree.chmod(0o755)
    (tree / "etc/fstab").write_text(FSTAB)
    (tree / "etc/größe\N{SNOWMAN}").write_text("name")
    (tree / "etc/shadow").write_text("secret")
    (tree / "etc/shadow").chmod(0o640)
    os.chown(tree / "etc/shadow", 0, 42)
    os.setxattr(tree / "etc", "user.long", b"x" * 700)
    (tree / "bin").symlink_to("usr/bin")
    (tree / "etc/far").symlink_to("/" + "far/" * 40)
    ping = tree / "usr/bin/ping"
    ping.write_bytes(os.urandom(3 * MIB + 5))
    os.setxattr(ping, "security.capability", CAPABILITY)
    (tree / "usr/bin/ping4").hardlink_to(ping)
    (tree / "usr/bin/su").write_bytes(b"su")
    (tree / "usr/bin/su").chmod(0o4755)
    (tree / "var/spool").chmod(0o1777)
    os.chown(tree / "var/spool", 1000, 60000)
    os.mkfifo(tree / "var/pipe")
    os.mknod(tree / "dev/null", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    (tree / "dev/null").chmod(0o666)
    with (tree / "var/sparse").open("wb") as handle:
        handle.truncate(64 * MIB)
    (tree / "data/keep/it").write_text("kept")
    firmware = tree / "boot/firmware"
    (firmware / "config.txt").write_text("arm_64bit=1\n")
    (firmware / "cmdline.txt").write_text(CMDLINE)
    (firmware / "initramfs8").write_bytes(os.urandom(70_000))
    (firmware / "overlays/disable-bt.dtbo").write_bytes(b"overlay")
    os.utime(ping, (1_600_000_000, 1_500_000_000))
    os.utime(tree / "usr/bin", (1_600_000_000, 1_550_000_000))
    return tree


def pack(tree: Path, archive: Path, *options: str) -> Path:
    argv = ["tar", "--xattrs", "--xattrs-include=*", "--numeric-owner", "--sparse", *options]
    run([*argv, "-C", str(tree), "-cf", str(archive), "."])
    return archive


def look(place: Path) -> dict[str, object]:
    """All that a tree holds, but for its FAT."""
    found: dict[str, object] = {}
    twins: dict[int, str] = {}
    for path in sorted(place.rglob("*")):
        name = str(path.relative_to(place))
        if name.startswith(("boot/firmware/", "lost+found")):
            continue
        told = path.lstat()
        kind = stat.S_IFMT(told.st_mode)
        found[name] = (
            stat.filemode(told.st_mode),
            (told.st_uid, told.st_gid, told.st_rdev),
            None if stat.S_ISDIR(kind) else (told.st_nlink, told.st_size),
            None if name == "boot/firmware" else int(told.st_mtime),
            {key: os.getxattr(path, key, follow_symlinks=False) for key in attributes(path)},
            path.readlink() if stat.S_ISLNK(kind) else None,
            path.read_bytes() if stat.S_ISREG(kind) else None,
            twins.setdefault(told.st_ino, name),
        )
    return found


def attributes(path: Path) -> list[str]:
    return os.listxattr(path, follow_symlinks=False)


# --- format ----------------------------------------------------------------------------------


def test_a_formatted_card_is_right_to_every_judge_and_shows_nothing_of_its_former_life(
    card: Path, tmp_path: Path
) -> None:
    flashed("format", card, *SMALL, "--data", "80M", "--root-label", "système", "--yes")
    boot, root, data = table(card)["partitions"]
    assert (boot["start"], boot["size"], boot["type"]) == (8192, 81920, "c")
    assert (root["type"], data["type"], data["size"]) == ("83", "83", 163840)
    assert root["start"] + root["size"] == data["start"]
    assert (data["start"] + data["size"]) * 512 == SIZE
    is_whole(card, tmp_path, slots=3)
    assert "bootfs" in run(["fatlabel", str(tmp_path / "part1")]).text
    assert (
        "Filesystem volume name:   système" in run(["dumpe2fs", "-h", str(tmp_path / "part2")]).text
    )
    assert FORMER not in (tmp_path / "part1").read_bytes()
    described = run(["dumpe2fs", str(tmp_path / "part2")]).text
    raw = (tmp_path / "part2").read_bytes()
    tables = re.findall(r"Inode table at (\d+)-(\d+)", described)
    assert tables
    for first, last in tables:
        assert FORMER not in raw[int(first) * 4096 : (int(last) + 1) * 4096]
    assert described.count("ITABLE_ZEROED") == len(tables)


def test_a_kernel_takes_a_formatted_card_into_use(card: Path, tmp_path: Path) -> None:
    flashed("format", card, *SMALL, "--yes")
    root = Part.of(card, 2, tmp_path)
    with root.mounted() as point:
        assert [path.name for path in point.iterdir()] == ["lost+found"]
        (point / "file").write_text("in use")
    run(["e2fsck", "-fn", str(root.path)])


def test_each_format_gives_new_ids(tmp_path: Path) -> None:
    ids = set()
    for name in ("one", "two"):
        flashed("format", tmp_path / name, "--size", "128M", *SMALL)
        ids.add(
            json.loads(run(["sfdisk", "--json", str(tmp_path / name)]).text)["partitiontable"]["id"]
        )
    assert len(ids) == 2


def test_nothing_is_written_before_it_is_confirmed_or_when_it_is_only_asked_what_would_be(
    card: Path, tree: Path
) -> None:
    for argv in (("format", card), ("install", tree, card)):
        status, error = flasher(*argv, *SMALL)
        assert (status, error["code"]) == (2, "not-confirmed")
        planned = flashed(*argv, *SMALL, "--dry-run")
        assert planned["kind"] == "planned"
    assert card.read_bytes() == FORMER * (SIZE // len(FORMER))


# --- install ---------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["folder", "tar.zst"])
def test_a_tree_is_on_the_card_to_its_last_attribute(
    form: str, card: Path, tree: Path, tmp_path: Path
) -> None:
    source = tree
    if form != "folder":
        source = pack(tree, tmp_path / f"rootfs.{form}", "--zstd")
    flashed("install", source, card, *SMALL, "--yes")
    is_whole(card, tmp_path)
    with Part.of(card, 2, tmp_path).mounted("-o", "ro") as point:
        assert look(point) == look(tree)
        assert not list((point / "boot/firmware").iterdir())
    out = tmp_path / "out"
    out.mkdir()
    run(["mcopy", "-s", "-n", "-i", str(tmp_path / "part1"), "::/", str(out)])
    (top,) = (path.parent for path in out.rglob("config.txt"))
    compared = filecmp.dircmp(top, tree / "boot/firmware")
    assert compared.left_list == compared.right_list
    assert not compared.diff_files
    assert (top / "overlays/disable-bt.dtbo").read_bytes() == b"overlay"
    # The names that the tree asks for are the card's: nothing in the tree had to change.
    assert (
        json.loads(run(["sfdisk", "--json", str(card)]).text)["partitiontable"]["id"]
        == "0x4e639091"
    )


@pytest.mark.parametrize("form", ["tar", "tar.gz", "tar.xz"])
def test_an_ordinary_user_installs_tarballs_with_every_owner(
    form: str, tree: Path, tmp_path: Path
) -> None:
    place = tmp_path / "user"
    place.mkdir()
    (tree / "dev/null").unlink()  # which only the computer's own root can make
    os.setxattr(tree / "etc/shadow", "security.SMACK64", b"label")  # as this, too
    archive = pack(tree, place / f"rootfs.{form}", "--auto-compress")
    argv = ("install", str(archive), str(place / "home/card"), "--size", "200M", *SMALL)
    command = as_user(place, sys.executable, "-m", "flasher", *argv, "--json")
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Left out: /etc/shadow: security.SMACK64" in done.stdout
    os.removexattr(tree / "etc/shadow", "security.SMACK64")
    with Part.of(place / "home/card", 2, place).mounted("-o", "ro") as point:
        assert look(point) == look(tree)
    assert not list((place / "home/cache/cards").iterdir())


def test_the_data_folder_goes_to_a_partition_of_its_own(tree: Path, tmp_path: Path) -> None:
    card = tmp_path / "card.img"
    (tree / "etc/fstab").write_text(FSTAB + "LABEL=data /data ext4 nofail 0 2\n")
    flashed("install", tree, card, "--size", "300M", *SMALL, "--data", "80M")
    is_whole(card, tmp_path, slots=3)
    said = run(["debugfs", "-R", "cat /keep/it", str(tmp_path / "part3")]).text
    empty = run(["debugfs", "-R", "ls -p /data", str(tmp_path / "part2")]).text
    assert (said, "keep" in empty) == ("kept", False)


def test_names_that_no_card_has_are_mended_on_the_card_and_not_in_the_tree(
    tree: Path, tmp_path: Path
) -> None:
    card = tmp_path / "card.img"
    (tree / "boot/firmware/cmdline.txt").write_text("root=/dev/sda2 rootwait\n")
    os.chown(tree / "etc/fstab", 0, 42)
    before = look(tree)
    flashed("install", tree, card, "--size", "200M", *SMALL, "--new-ids")
    assert look(tree) == before
    disk = table(card)["id"].removeprefix("0x")
    assert disk != "4e639091"
    boot, root = (Part.of(card, slot, tmp_path).path for slot in (1, 2))
    assert (
        run(["mtype", "-i", str(boot), "::cmdline.txt"]).text
        == f"root=PARTUUID={disk}-02 rootwait\n"
    )
    assert run(["debugfs", "-R", "cat /etc/fstab", str(root)]).text == FSTAB.replace(
        "4e639091", disk
    )
    described = run(["debugfs", "-R", "stat /etc/fstab", str(root)]).text
    assert re.search(r"User:\s+0\s+Group:\s+42", described)


def test_what_may_keep_a_card_from_starting_is_told_and_nothing_where_all_is_well(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ("install", str(tree), str(tmp_path / "card.img"), *SMALL)
    assert main([*argv, "--size", "200M"]) == 0
    assert "→" not in capsys.readouterr().err
    (tree / "etc/fstab").unlink()
    (tree / "boot/firmware/cmdline.txt").write_text("console=tty1\n")
    assert main([*argv, "--root-label", "mine", "--yes"]) == 0
    told = capsys.readouterr().err
    assert "cmdline.txt has no `root=`" in told
    assert "Make one: LABEL=mine / ext4" in told
    assert main(["ledger", "list", "--json"]) == 0
    lines = json.loads(capsys.readouterr().out.splitlines()[-1])["entries"]
    assert {(line["image_name"], line["result"]) for line in lines} == {("rootfs", "verified")}


def test_installing_the_same_tree_again_writes_next_to_nothing(tree: Path, tmp_path: Path) -> None:
    (tree / "etc/fstab").unlink()
    (tree / "boot/firmware/cmdline.txt").unlink()
    card = tmp_path / "card.img"
    first = flashed("install", tree, card, "--size", "200M", *SMALL)
    ids = table(card)["id"]
    again = flashed("install", tree, card, *SMALL, "--yes")
    assert table(card)["id"] == ids
    assert again["bytes_verified"] == first["bytes_verified"]
    assert int(str(again["bytes_written"])) < 4 * MIB
    is_whole(card, tmp_path)


def evil(archive: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(archive, "w") as writer:
        for member, data in members:
            member.size = len(data)
            writer.addfile(member, io.BytesIO(data))
    return archive


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode = kind, link, 0o755
    return made


def test_an_archive_reaches_nothing_outside_the_card(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("mine")
    folder, link = tarfile.DIRTYPE, tarfile.SYMTYPE
    attempts = {
        "up": [(member("usr", folder), b""), (member("../outside/new"), b"evil")],
        "absolute": [(member("usr", folder), b""), (member(f"{outside}/new"), b"evil")],
        "through": [
            (member("usr", folder), b""),
            (member("way", link, str(outside)), b""),
            (member("way/new"), b"evil"),
            (member("way/file"), b"evil"),
        ],
        "up-through": [
            (member("usr", folder), b""),
            (member("way", link, "../../../../../.." + str(outside)), b""),
            (member("way/new"), b"evil"),
        ],
        "twin": [
            (member("usr", folder), b""),
            (member("usr/x", tarfile.LNKTYPE, f"{outside}/file"), b""),
            (member("usr/x"), b"evil"),
        ],
    }
    for name, members in attempts.items():
        archive = evil(tmp_path / f"{name}.tar", *members)
        argv = (archive, tmp_path / "card", "--size", "128M", *SMALL, "--dry-run")
        status, told = flasher("install", *argv)
        refused = None if name == "absolute" else "archive-damaged"  # that is below / of the card
        assert told.get("code") == refused, (status, told)
        assert [path.name for path in outside.iterdir()] == ["file"], name
        assert (outside / "file").read_text() == "mine", name


@pytest.mark.parametrize("damage", ["cut off", "garbage", "no rootfs", "nothing"])
def test_what_is_no_root_file_system_is_refused_and_the_card_left_as_it_was(
    damage: str, card: Path, tree: Path, tmp_path: Path
) -> None:
    source = pack(tree, tmp_path / "rootfs.tar.gz", "-z")
    if damage == "cut off":
        os.truncate(source, source.stat().st_size // 2)
    elif damage == "garbage":
        source.write_bytes(os.urandom(MIB))
    elif damage == "no rootfs":
        source = tmp_path / "pictures"
        source.mkdir()
        (source / "holiday.jpg").write_bytes(b"jpg")
    else:
        source = tmp_path / "nowhere"
    status, error = flasher("install", source, card, *SMALL, "--yes")
    wanted = "archive-damaged" if damage in ("cut off", "garbage") else "no-rootfs"
    assert (status, error["code"]) == (2, wanted)
    assert card.read_bytes() == FORMER * (SIZE // len(FORMER))


def test_a_tree_that_is_too_large_is_told_before_the_card_is_touched(
    card: Path, tree: Path
) -> None:
    with (tree / "usr/large").open("wb") as handle:
        handle.truncate(SIZE)
    status, error = flasher("install", tree, card, *SMALL, "--yes")
    assert (status, error["code"]) == (1, "root-partition-too-small")
    assert card.read_bytes() == FORMER * (SIZE // len(FORMER))


def test_a_system_that_runs_is_not_copied_with_all_that_is_mounted_in_it(
    card: Path, tree: Path
) -> None:
    run(["mount", "-t", "tmpfs", "none", str(tree / "dev")])
    try:
        status, error = flasher("install", tree, card, *SMALL, "--yes")
    finally:
        run(["umount", str(tree / "dev")])
    assert (status, error["code"]) == (3, "mounted-inside")


def test_whatever_ends_it_a_virtual_card_that_was_begun_and_what_was_unpacked_are_gone(
    tree: Path, tmp_path: Path
) -> None:
    with (tree / "usr/large").open("wb") as handle:
        handle.write(os.urandom(100 * MIB))
    cache, card = tmp_path / "cache/cards", tmp_path / "card.img"
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        argv = ("install", str(tree), str(card), "--size", "1G", *SMALL, "--json")
        with subprocess.Popen(
            [sys.executable, "-m", "flasher", *argv], stdout=subprocess.PIPE
        ) as started:
            assert started.stdout
            next(line for line in started.stdout if b"StepStarted" in line and b'"fill"' in line)
            started.send_signal(number)
            started.stdout.read()
        if number != signal.SIGKILL:
            assert started.returncode == 130
            assert not card.exists()
            assert not list(cache.iterdir())
    card.unlink(missing_ok=True)
    flashed("format", card, "--size", "128M", *SMALL)  # sweeps what the killed one left
    assert not list(cache.iterdir())
