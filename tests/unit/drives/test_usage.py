"""A drive in use is found out, however long the chain."""

from __future__ import annotations

from pathlib import Path

import pytest

from flasher.drives.tables import mounts
from flasher.drives.usage import Use, holds_file, use_of, why_file_in_use
from tests.unit.drives.conftest import FakeComputer


def refusal(name: str, computer: FakeComputer) -> str | None:
    return use_of(name, computer.tables).refusal


def mounted(name: str, computer: FakeComputer) -> list[str]:
    return [mount.place for mount in use_of(name, computer.tables).mounts]


def test_a_drive_that_nobody_uses_is_free(computer: FakeComputer) -> None:
    computer.disk("sda", "sda1", "sda2")
    computer.disk("sdb", "sdb1")
    computer.mount("sdb1", "/data")
    assert use_of("sda", computer.tables) == Use()


@pytest.mark.parametrize(
    "place",
    [
        *("/", "/usr", "/var", "/home", "/boot", "/boot/firmware", "/etc", "/opt", "/srv"),
        *("/snap/core/12345", "/home/alice", "/var/lib/docker", "/run/live/medium", "/cdrom"),
    ],
)
def test_a_drive_that_this_computer_lives_from_is_refused_and_the_place_named(
    computer: FakeComputer, place: str
) -> None:
    computer.disk("sda", "sda1", "sda2")
    computer.mount("sda1", "/media/alice/bootfs")
    computer.mount("sda2", place)
    assert use_of("sda", computer.tables) == Use(f"it holds {place} of this computer")


def test_places_that_would_rearrange_a_screen_are_told_without_that(
    computer: FakeComputer,
) -> None:
    computer.disk("sda", "sda1")
    computer.mount("sda1", "/home/\x1b[2J\u202eadmin")
    assert refusal("sda", computer) == "it holds /home/[2Jadmin of this computer"


@pytest.mark.parametrize(
    "place",
    ["/media/alice/card", "/run/media/alice/card", "/mnt", "/mnt/x", "/homes", "/variant", "/data"],
)
def test_a_card_mounted_elsewhere_is_free_and_is_to_be_unmounted(
    computer: FakeComputer, place: str
) -> None:
    computer.disk("sda", "sda1")
    computer.mount("sda1", place)
    assert refusal("sda", computer) is None
    assert mounted("sda", computer) == [place]


def test_all_mounts_of_all_partitions_are_unmounted_those_above_first(
    computer: FakeComputer,
) -> None:
    computer.disk("sda", "sda1", "sda2")
    computer.disk("sdb", "sdb1")
    computer.mount("sda2", "/media/my\\040card")
    computer.mount("sdb1", "/media/other")
    computer.mount("sda1", "/media/my\\040card/boot")
    computer.mount("sda2", "/mnt/bind")
    places = ["/media/my card", "/media/my card/boot", "/mnt/bind"]
    assert mounted("sda", computer) == places


def test_a_bind_mount_at_a_system_path_counts(computer: FakeComputer) -> None:
    computer.disk("sda", "sda1")
    computer.mount("sda1", "/media/card")
    computer.mount("sda1", "/srv/www")
    assert refusal("sda", computer) == "it holds /srv/www of this computer"


def test_a_mount_is_found_through_raid_encryption_and_lvm(computer: FakeComputer) -> None:
    for disk in ("sda", "sdb"):
        computer.disk(disk, f"{disk}1")
    for upper in ("md0", "dm-0", "dm-1"):
        computer.disk(upper)
    computer.hold("sda1", "md0")
    computer.hold("sdb1", "md0")
    computer.hold("md0", "dm-0")
    computer.hold("dm-0", "dm-1")
    computer.mount("dm-1", "/home")
    for disk in ("sda", "sdb"):
        assert refusal(disk, computer) == "it holds /home of this computer"


def test_a_part_of_raid_or_lvm_is_in_use_even_where_nothing_is_mounted(
    computer: FakeComputer,
) -> None:
    computer.disk("sda", "sda1")
    computer.disk("dm-0")
    computer.hold("sda1", "dm-0")
    (computer.folder("dm-0") / "dm").mkdir()
    (computer.folder("dm-0") / "dm/name").write_text("vault-data\n")
    assert refusal("sda", computer) == "it is in use: sda1 is a part of vault-data"
    computer.mount("dm-0", "/media/vault")
    assert refusal("sda", computer) == "it is in use: sda1 is a part of vault-data"
    computer.disk("sdb")
    computer.disk("md0")
    computer.hold("sdb", "md0")
    assert refusal("sdb", computer) == "it is in use: sdb is a part of md0"


def btrfs(computer: FakeComputer, *names: str) -> None:
    volume = computer.tables.sys / "fs/btrfs/1234/devices"
    volume.mkdir(parents=True)
    for name in names:
        (volume / name).symlink_to(computer.folder(name))


def test_a_disk_of_a_btrfs_volume_is_found_though_its_mount_names_another(
    computer: FakeComputer, monkeypatch: pytest.MonkeyPatch
) -> None:
    computer.disk("sda", "sda1")
    computer.disk("sdb", "sdb1")
    btrfs(computer, "sda1", "sdb1")
    computer.mount("", "/home", "/dev/sdb1", "btrfs")
    nodes = {"/dev/sdb1": computer.number("sdb1")}
    monkeypatch.setattr("flasher.drives.usage.number_of", nodes.get)
    assert refusal("sda", computer) == "it holds /home of this computer"


def test_a_disk_of_several_in_a_btrfs_volume_is_never_unmounted(computer: FakeComputer) -> None:
    computer.disk("sda", "sda1")
    computer.disk("sdb", "sdb1")
    btrfs(computer, "sda1", "sdb1")
    computer.mount("", "/media/data", "/dev/sdb1", "btrfs")
    assert refusal("sda", computer) == "it is in use: a part of a mounted btrfs volume"


def test_swap_on_a_drive_is_found_in_files_too(computer: FakeComputer) -> None:
    computer.disk("sda", "sda1")
    computer.mount("sda1", "/media/card")
    computer.swap(Path("/media/card/swapfile"))
    assert refusal("sda", computer) == "it is in use: /media/card/swapfile is swap space"


def test_a_system_that_runs_from_a_stick_is_found_through_its_loop_and_overlay(
    computer: FakeComputer,
) -> None:
    computer.disk("sda", "sda1")
    computer.mount("sda1", "/mnt/medium")
    computer.loop("loop0", Path("/mnt/medium/live/system.squashfs"))
    computer.mount("loop0", "/mnt/lower", kind="squashfs")
    computer.overlay("/", lowerdir="/mnt/lower", upperdir="/rw/up", workdir="/rw/work")
    assert refusal("sda", computer) == "it holds / of this computer"


def test_a_card_whose_files_are_used_as_drives_or_layers_is_not_unmounted(
    computer: FakeComputer,
) -> None:
    computer.disk("sda", "sda1")
    computer.mount("sda1", "/media/card")
    computer.overlay("/mnt/merged", lowerdir="/other:/media/card/tree")
    assert refusal("sda", computer) == "it is in use: /mnt/merged is built upon it"
    computer.loop("loop3", Path("/media/card/disk.img"))
    assert refusal("sda", computer) == "it is in use: a file on it is /dev/loop3"


def test_mounts_in_the_first_process_name_space_count(computer: FakeComputer) -> None:
    computer.disk("sda", "sda1")
    (computer.tables.proc / "1").mkdir()
    line = f"30 1 {computer.number('sda1')} / /var rw - ext4 /dev/sda1 rw\n"
    (computer.tables.proc / "1/mountinfo").write_text(line)
    assert refusal("sda", computer) == "it holds /var of this computer"


@pytest.mark.parametrize(
    ("image", "held"),
    [
        ("/media/card/rpi.img", True),
        ("/media/card/a/b/rpi.img", True),
        ("/media/cards/rpi.img", False),
        ("/media/rpi.img", False),
        ("/mnt/merged-elsewhere/rpi.img", False),
    ],
)
def test_a_drive_that_holds_the_image_is_known_by_whole_names_of_folders(
    computer: FakeComputer, image: str, held: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    computer.disk("sda", "sda1")
    computer.disk("sdb", "sdb1")
    computer.mount("sdb1", "/")
    computer.mount("sda1", "/media/card")
    monkeypatch.setattr("flasher.drives.usage.inode_of", lambda _: (0x7777, 12))
    assert holds_file("sda", Path(image), computer.tables) is held


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
    assert refusal("loop3", computer) is None
    computer.swap(tmp_path / "swap")
    found = refusal("loop3", computer)
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
