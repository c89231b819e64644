"""A drive in use is found out, however long the chain."""

from __future__ import annotations

from pathlib import Path

from flasher.drives.usage import mounts, why_file_in_use, why_in_use
from tests.unit.drives.conftest import FakeComputer


def test_a_drive_that_nobody_uses_is_free(computer: FakeComputer) -> None:
    computer.disk("sda", "sda1", "sda2")
    computer.disk("sdb", "sdb1")
    computer.mount("sdb1", "/data")
    assert why_in_use("sda", computer.tables) is None


def test_a_mounted_partition_or_disk_is_found(computer: FakeComputer) -> None:
    computer.disk("sda", "sda1", "sda2")
    computer.mount("sda2", "/media/my\\040card")
    assert why_in_use("sda", computer.tables) == "it is in use: mounted at /media/my card"
    computer.disk("sdb")
    computer.mount("sdb", "/")
    assert why_in_use("sdb", computer.tables) == "it is in use: mounted at /"


def test_a_mount_is_found_through_encryption_and_lvm(computer: FakeComputer) -> None:
    computer.disk("sda", "sda1")
    computer.disk("dm-0")
    computer.disk("dm-1")
    computer.hold("sda1", "dm-0")
    computer.hold("dm-0", "dm-1")
    computer.mount("dm-1", "/home")
    assert why_in_use("sda", computer.tables) == "it is in use: mounted at /home"


def test_a_part_of_raid_or_lvm_is_in_use_even_where_nothing_is_mounted(
    computer: FakeComputer,
) -> None:
    computer.disk("sda", "sda1")
    computer.disk("dm-0")
    computer.hold("sda1", "dm-0")
    (computer.folder("dm-0") / "dm").mkdir()
    (computer.folder("dm-0") / "dm/name").write_text("vault-data\n")
    assert why_in_use("sda", computer.tables) == "it is in use: sda1 is a part of vault-data"
    computer.disk("sdb")
    computer.disk("md0")
    computer.hold("sdb", "md0")
    assert why_in_use("sdb", computer.tables) == "it is in use: sdb is a part of md0"


def test_each_of_several_mounts_counts(computer: FakeComputer) -> None:
    computer.disk("sda", "sda1")
    computer.disk("sdb", "sdb1")
    computer.mount("sdb1", "/srv")
    computer.mount("sda1", "/mnt/bind")
    computer.mount("sdb1", "/srv2")
    assert why_in_use("sda", computer.tables) == "it is in use: mounted at /mnt/bind"


def test_a_disk_of_a_btrfs_volume_is_found_though_its_mount_names_another(
    computer: FakeComputer,
) -> None:
    computer.disk("sda", "sda1")
    volume = computer.tables.sys / "fs/btrfs/1234/devices"
    volume.mkdir(parents=True)
    (volume / "sda1").symlink_to(computer.folder("sda1"))
    computer.mount("", "/", "/dev/nonexistent1")
    assert why_in_use("sda", computer.tables) == "it is in use: a part of a mounted btrfs volume"


def test_a_file_behind_a_loop_device_is_in_use(computer: FakeComputer, tmp_path: Path) -> None:
    card = tmp_path / "card.img"
    card.write_bytes(b"")
    assert why_file_in_use(card, computer.tables) is None
    computer.loop("loop3", card)
    assert why_file_in_use(card, computer.tables) == "it is in use: as /dev/loop3"


def test_a_file_is_found_in_use_by_each_of_its_names(
    computer: FakeComputer, tmp_path: Path
) -> None:
    (tmp_path / "card.img").write_bytes(b"")
    (tmp_path / "swap").write_bytes(b"")
    computer.loop("loop3", tmp_path / "card.img")
    computer.loop("loop4", tmp_path / "removed.img (deleted)")
    computer.swap(tmp_path / "swap")
    for name in ("card.img", "swap"):
        (tmp_path / f"again-{name}").hardlink_to(tmp_path / name)
    again = why_file_in_use(tmp_path / "again-card.img", computer.tables)
    assert again == "it is in use: as /dev/loop3"
    again = why_file_in_use(tmp_path / "again-swap", computer.tables)
    assert again == "it is in use: as swap space"
    (tmp_path / "free").write_bytes(b"")
    assert why_file_in_use(tmp_path / "free", computer.tables) is None


def test_a_loop_device_over_a_swap_file_is_in_use(computer: FakeComputer, tmp_path: Path) -> None:
    (tmp_path / "swap").write_bytes(b"")
    computer.loop("loop3", tmp_path / "swap")
    assert why_in_use("loop3", computer.tables) is None
    computer.swap(tmp_path / "swap")
    found = why_in_use("loop3", computer.tables)
    assert found == "it stands on a file: it is in use: as swap space"


def test_mounts_are_read_with_their_optional_fields_and_escapes(computer: FakeComputer) -> None:
    computer.mountinfo = [
        "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 propagate_from:2 - ext3 /dev/root rw",
        "37 35 0:21 / /with\\011tab rw - tmpfs none rw",
    ]
    computer.write()
    first, second = mounts(computer.tables)
    assert (first.device, first.place, first.source) == ("98:0", "/mnt2", "/dev/root")
    assert second.place == "/with\ttab"
