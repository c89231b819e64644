"""Drives of this very computer: its own disk is never a card."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from flasher.drives.find import find_drive
from flasher.drives.linux import LinuxCatalog
from flasher.drives.model import guard
from flasher.drives.tables import mounts
from flasher.drives.usage import is_system
from flasher.errors import BadInput, ExitCode, Refused
from flasher.process import run
from tests.integration.conftest import LoopMaker, mounted


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Path]:
    backing = tmp_path / "backing"
    backing.write_bytes(bytes(16 << 20))
    device = run(["losetup", "--partscan", "--find", "--show", str(backing)]).text.strip()
    yield Path(device)
    run(["losetup", "--detach", device])


def disks_of_the_system() -> set[str]:
    """Kernel names of the whole disks that this computer lives from."""
    names = set()
    for mount in mounts():
        if not is_system(mount.place):
            continue
        folder = Path("/sys/dev/block", mount.device).resolve()
        if folder.exists():
            whole = folder.parent if (folder / "partition").exists() else folder
            names.add(whole.name)
    return names


def test_disks_with_this_computers_file_systems_are_refused_with_exit_code_3(
    tmp_path: Path,
) -> None:
    for name in disks_of_the_system():
        major, minor = Path("/sys/class/block", name, "dev").read_text().split(":")
        node = tmp_path / name  # under a name of its own: the device counts, not its name
        os.mknod(node, stat.S_IFBLK | 0o600, os.makedev(int(major), int(minor)))
        with pytest.raises(Refused) as caught:
            guard(find_drive(str(node)))
        assert caught.value.exit_code == ExitCode.REFUSED
        node.unlink()


def test_only_cards_and_sticks_are_offered() -> None:
    drives = LinuxCatalog().drives()
    assert all(d.obstacle or d.kind in ("usb", "mmc") for d in drives)
    offered = {drive.path.name for drive in drives if drive.obstacle is None}
    assert not offered & disks_of_the_system()


def test_a_loop_device_is_found_when_it_is_named_but_not_offered(loop: Path) -> None:
    drive = find_drive(str(loop))
    assert (drive.kind, drive.size, drive.holds, drive.refusal) == ("loop", 16 << 20, "empty", None)
    assert loop not in {drive.path for drive in LinuxCatalog().drives()}


def test_swap_on_a_drive_is_found(loop: Path) -> None:
    run(["mkswap", str(loop)])
    run(["swapon", str(loop)])
    try:
        assert find_drive(str(loop)).refusal == f"it is in use: {loop} is swap space"
    finally:
        run(["swapoff", str(loop)])


def test_a_drive_is_found_by_a_link_and_a_partition_is_not_a_drive(
    loop: Path, tmp_path: Path
) -> None:
    link = tmp_path / "by-id"
    link.symlink_to(loop)
    assert find_drive(str(link)).path == loop
    run(["sfdisk", "-q", str(loop)], stdin=b"label: dos\n2048,,c\n")
    run(["partx", "--update", str(loop)])
    partition = Path(f"{loop}p1")
    if not partition.exists():  # no udev to make the node here
        number = Path(f"/sys/class/block/{partition.name}/dev").read_text().split(":")
        partition = tmp_path / partition.name
        os.mknod(partition, stat.S_IFBLK | 0o600, os.makedev(*map(int, number)))
    with pytest.raises(BadInput, match=f"Name the drive: {loop}|is a partition") as caught:
        find_drive(str(partition))
    assert str(loop) in caught.value.hint
    assert find_drive(str(loop)).holds == "1 partition: FAT32"


def ext4(path: Path) -> Path:
    with path.open("wb") as handle:
        handle.truncate(16 << 20)
    run(["mke2fs", "-q", "-t", "ext4", str(path)])
    return path


def refusal(path: Path) -> str:
    with pytest.raises(Refused) as caught:
        guard(find_drive(str(path)))
    assert caught.value.exit_code == ExitCode.REFUSED
    return find_drive(str(path)).refusal or ""


def test_a_loop_device_is_refused_while_its_file_is_mounted_through_another(
    tmp_path: Path, make_loop: LoopMaker
) -> None:
    backing = ext4(tmp_path / "backing")
    first, second = make_loop(backing), make_loop(backing)
    with mounted(first, tmp_path / "mount"):
        assert refusal(second) == f"it stands on a file: it is in use: as {first}"


def test_loop_devices_upon_each_other_are_refused_while_one_is_used(
    tmp_path: Path, make_loop: LoopMaker
) -> None:
    lower = make_loop(ext4(tmp_path / "backing"))
    upper = make_loop(lower)
    assert find_drive(str(upper)).refusal is None
    assert refusal(lower) == f"it is in use: as {upper}"
    place = tmp_path / "mount"
    with mounted(lower, place):
        assert refusal(upper) == f"it stands on {lower}: it is in use: mounted at {place}"


def test_a_file_that_is_a_loop_device_is_refused_by_its_other_names_too(
    tmp_path: Path, make_loop: LoopMaker
) -> None:
    backing = ext4(tmp_path / "h.img")
    again = tmp_path / "h2.img"
    again.hardlink_to(backing)
    loop = make_loop(backing)
    assert refusal(again) == f"it is in use: as {loop}"
    backing.unlink()
    assert refusal(again) == f"it is in use: as {loop}"


def test_a_character_device_is_no_drive() -> None:
    with pytest.raises(BadInput, match="neither a drive nor a file"):
        find_drive("/dev/null")
