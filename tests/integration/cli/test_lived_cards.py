"""`flasher verify` of cards that were used: what nodes and mounts do to a card is explained."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autosetup.secrets_file import redacted
from autosetup.status import Status
from flasher.drives.files import create_virtual_card
from flasher.image.blocks import FileBlocks
from flasher.image.fat_edit import WritableFatVolume
from flasher.image.mbr import Mbr
from flasher.process import run
from tests.integration.command_line import flasher

MIB = 1 << 20
NODE = ("--scanner", "body-16x7", "--site", "demo", "--node", "cam-0101")
MOMENT = datetime(2026, 11, 21, tzinfo=UTC)


def said(*argv: str | Path) -> str:
    """What people see of a command that goes well."""
    return run([sys.executable, "-m", "flasher", *map(str, argv)]).text


def change(card: Path, **files: bytes) -> None:
    """Put files on the boot partition, as a Pi would."""
    with FileBlocks(card, writable=True) as blocks:
        volume = WritableFatVolume(blocks, MIB)
        for name, data in files.items():
            volume.write(name, data, modified=MOMENT)


def mount_root(card: Path, root: Path) -> None:
    """Mount a card's root file system and write to it, as any computer may."""
    root.mkdir()
    run(["mount", "-o", f"loop,offset={41 * MIB}", str(card), str(root)])
    try:
        (root / "etc/hostname").write_text("cam-0101\n")
    finally:
        run(["umount", str(root)])


@pytest.fixture
def prepared(tmp_path: Path, base_image: Path) -> Path:
    """A card of a node, just made."""
    card = create_virtual_card(tmp_path / "card.img", 64 * MIB).path
    status, made = flasher("prepare", *NODE, "--to", card, "--image", base_image, "--yes")
    assert status == 0, made
    return card


@pytest.fixture
def lived(tmp_path: Path, prepared: Path) -> Path:
    """A card whose node has started: it said so, erased its secrets, and mounted its root."""
    with FileBlocks(prepared, writable=True) as blocks:
        volume = WritableFatVolume(blocks, MIB)
        secrets = volume.read("autosetup/secrets.toml")
        done = Status("done", "cam-0101", 1).to_json()
        files = {"status.json": done, "log.txt": b"done\n", "secrets.toml": redacted(len(secrets))}
        for name, data in files.items():
            volume.write(f"autosetup/{name}", data, modified=MOMENT)
    mount_root(prepared, tmp_path / "root")
    return prepared


def test_what_a_node_did_to_its_card_is_explained_place_by_place(
    lived: Path, base_image: Path
) -> None:
    status, told = flasher("verify", lived, "--image", base_image)
    assert (status, told["unexplained"]) == (0, [])
    assert told["explained"] == [
        "partition 1: autosetup/secrets.toml (erased after use)",
        "partition 1: autosetup/log.txt, autosetup/status.json (the node's words)",
        "partition 2: mounted since, by its node or by another computer; not compared",
    ]
    assert told["was_in_a_pi"] is True


def test_a_card_that_only_another_computer_mounted_is_not_said_to_have_been_in_a_pi(
    tmp_path: Path, base_image: Path, prepared: Path
) -> None:
    mount_root(prepared, tmp_path / "root")
    status, told = flasher("verify", prepared, "--image", base_image)
    assert (status, told["was_in_a_pi"], told["unexplained"]) == (0, False, [])
    words = said("verify", prepared, "--image", base_image)
    assert f"{prepared} was in a Pi, or mounted elsewhere." in words
    assert "partition 2: mounted since, by its node or by another computer; not compared" in words
    assert "node's life" not in words


def test_a_log_alone_proves_that_a_card_was_in_a_pi(prepared: Path, base_image: Path) -> None:
    change(prepared, **{"autosetup/log.txt": b"begun\n"})
    status, told = flasher("verify", prepared, "--image", base_image)
    assert (status, told["was_in_a_pi"]) == (0, True)
    assert told["explained"] == ["partition 1: autosetup/log.txt (the node's words)"]


def test_a_root_partition_grown_to_the_cards_end_is_explained_and_another_change_is_not(
    lived: Path, base_image: Path
) -> None:
    with FileBlocks(lived, writable=True) as blocks:
        table = Mbr.from_bytes(blocks.read(0, 512))
        boot, root = table.partitions
        grown = replace(root, sector_count=64 * 2048 - root.first_sector)
        blocks.write(0, bytes(Mbr(table.disk_id, (boot, grown))))
    status, told = flasher("verify", lived, "--image", base_image)
    assert (status, told["unexplained"]) == (0, [])
    assert "the partition table: partition 2 was grown to the card's end" in str(told["explained"])
    with FileBlocks(lived, writable=True) as blocks:
        blocks.write(0, bytes(Mbr(table.disk_id, (replace(boot, type=0x83), grown))))
    status, error = flasher("verify", lived, "--image", base_image)
    assert status == 1
    assert "the partition table was changed" in str(error["message"])


def test_what_a_node_does_not_do_is_named(lived: Path, base_image: Path) -> None:
    change(lived, **{"config.txt": b"arm_64bit=0\n", "virus.exe": b"MZ"})
    with FileBlocks(lived, writable=True) as blocks:
        blocks.write(MIB // 2, b"loader")
    status, error = flasher("verify", lived, "--image", base_image)
    assert (status, error["code"]) == (1, "card-differs")
    for place in ("config.txt, virus.exe (changed by", f"bytes {512}-{MIB - 1} differ"):
        assert place in str(error["message"])


def test_a_payload_that_was_edited_is_named(lived: Path, base_image: Path) -> None:
    change(lived, **{"autosetup/node.toml": b"name = 'other'\n"})
    status, error = flasher("verify", lived, "--image", base_image)
    assert status == 1
    assert "node.toml" in str(error["message"])


def test_a_card_of_another_image_is_told_as_such(
    lived: Path, base_image: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.img"
    other.write_bytes(base_image.read_bytes()[:-1] + b"x")
    status, error = flasher("verify", lived, "--image", other)
    assert (status, error["code"]) == (2, "another-image")
