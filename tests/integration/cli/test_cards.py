"""Cards made, compared and looked at by the program itself, on real block devices."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import tomllib
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.integration.command_line import flasher

NODE = ("--scanner", "body-16x7", "--site", "demo", "--node", "SEG1-CAM1")
GIB = 1 << 30

LoopMaker = Callable[..., Path]


def head(card: Path) -> bytes:
    with card.open("rb") as stream:
        return stream.read(512)


@pytest.fixture
def card(tmp_path: Path, make_loop: LoopMaker) -> Path:
    """A card in a reader, with somebody's data on it."""
    backing = tmp_path / "backing"
    backing.write_bytes(b"holiday pictures" * (64 << 16))
    return make_loop(backing)


def test_a_card_is_prepared_verified_inspected_and_in_the_ledger(
    card: Path, base_image: Path
) -> None:
    status, made = flasher("prepare", *NODE, "--to", card, "--image", base_image, "--yes")
    assert status == 0, made
    assert flasher("verify", card, "--image", base_image)[0] == 0
    assert flasher("inspect", card)[1]["summary"] == "cam-0101, not booted yet"
    _, ledger = flasher("ledger", "list")
    (entry,) = ledger["entries"]  # type: ignore[misc,attr-defined]
    assert (entry["node"], entry["result"]) == ("cam-0101", "verified")


def test_the_private_keys_of_a_card_stay_on_it_alone(card: Path, base_image: Path) -> None:
    status, made = flasher("prepare", *NODE, "--to", card, "--image", base_image, "--yes")
    assert status == 0, made
    read = ["mcopy", "-i", f"{card}@@1M", "::autosetup/secrets.toml", "-"]
    secrets = tomllib.loads(subprocess.run(read, capture_output=True, check=True).stdout.decode())
    keys = [secrets[name].encode() for name in ("sealing_key", "report_key")]
    bare = [b64decode(key) for key in keys]
    wanted = {*keys, *bare, *(raw.hex().encode() for raw in bare)}
    folders = [os.environ[name] for name in ("FLASHER_DATA", "FLASHER_CACHE")]
    kept = [path for folder in folders for path in Path(folder).rglob("*") if path.is_file()]
    assert any(path.name.startswith("ledger") for path in kept)
    assert not [path for path in kept for form in wanted if form in path.read_bytes()]


def test_a_write_protected_card_and_the_file_behind_it_are_verified(
    tmp_path: Path, make_loop: LoopMaker, base_image: Path
) -> None:
    backing = tmp_path / "card.img"
    backing.touch()
    os.truncate(backing, 64 << 20)
    flasher("prepare", *NODE, "--to", backing, "--image", base_image, "--yes")
    locked = make_loop(backing, "--read-only")
    for card in (locked, backing):
        status, verified = flasher("verify", card, "--image", base_image)
        assert status == 0, verified


def test_a_byte_that_changed_on_the_card_is_named(card: Path, base_image: Path) -> None:
    flasher("prepare", *NODE, "--to", card, "--image", base_image, "--yes")
    with card.open("r+b") as device:
        device.seek(5_000_001)
        device.write(b"\xee")
    status, error = flasher("verify", card, "--image", base_image)
    assert (status, error["code"]) == (1, "card-differs")
    assert "5000001" in str(error["message"]).replace(",", "").replace("_", "")


def test_a_hand_edited_payload_is_named(card: Path, base_image: Path) -> None:
    flasher("prepare", *NODE, "--to", card, "--image", base_image, "--yes")
    note = subprocess.run(
        ["mcopy", "-o", "-i", f"{card}@@1M", "-", "::autosetup/node.toml"], input=b"name = 'x'\n"
    )
    assert note.returncode == 0
    status, error = flasher("verify", card, "--image", base_image)
    assert (status, error["code"]) == (2, "bad-document")
    assert "node.toml" in str(error["message"])


def test_without_a_yes_nothing_is_written(card: Path, base_image: Path) -> None:
    before = card.read_bytes()
    status, error = flasher("prepare", *NODE, "--to", card, "--image", base_image)
    assert (status, error["code"]) == (2, "not-confirmed")
    assert card.read_bytes() == before


def test_a_dry_run_writes_nothing_and_records_nothing(card: Path, base_image: Path) -> None:
    before = card.read_bytes()
    assert flasher("prepare", *NODE, "--to", card, "--image", base_image, "--dry-run")[0] == 0
    assert card.read_bytes() == before
    assert flasher("ledger", "list")[1]["entries"] == []


def test_the_disk_we_run_from_is_refused_whatever_is_said(base_image: Path) -> None:
    root = next(part.device for part in psutil.disk_partitions() if part.mountpoint == "/")
    status, error = flasher("prepare", *NODE, "--to", root, "--image", base_image, "--yes")
    assert (status, error["code"]) == (3, "drive-refused")


def test_a_drive_named_twice_under_whatever_name_is_refused(
    card: Path, base_image: Path, tmp_path: Path
) -> None:
    (tmp_path / "alias").symlink_to(card)
    before = card.read_bytes()
    for command in (
        ("prepare", *NODE[:5], "cam-0101,cam-0102", "--to", f"{card},{tmp_path / 'alias'}"),
        ("write", base_image, card, tmp_path / "alias"),
    ):
        image = ("--image", base_image) if command[0] == "prepare" else ()
        status, error = flasher(*command, *image, "--yes")
        assert (status, error["code"]) == (2, "drive-twice")
    assert card.read_bytes() == before


def test_two_cards_for_one_node_are_refused(card: Path, base_image: Path) -> None:
    both = (*NODE[:5], "cam-0101,SEG1-CAM1")
    status, error = flasher("prepare", *both, "--to", card, "--image", base_image, "--yes")
    assert (status, error["code"]) == (2, "node-twice")


def test_one_drive_that_is_too_small_keeps_all_from_being_written(
    card: Path, base_image: Path, tmp_path: Path
) -> None:
    tiny = tmp_path / "tiny.img"
    tiny.write_bytes(b"\x55" * 4096)
    before = card.read_bytes()
    status, error = flasher("write", base_image, card, tiny, "--yes")
    assert (status, error["code"]) == (2, "card-too-small")
    assert card.read_bytes() == before


def test_without_a_usable_ledger_no_card_is_written(
    card: Path, base_image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FLASHER_DATA", str(tmp_path / "file"))
    before = card.read_bytes()
    status, error = flasher("prepare", *NODE, "--to", card, "--image", base_image, "--yes")
    assert (status, error["code"]) == (1, "ledger-unusable")
    assert card.read_bytes() == before


@pytest.fixture
def large_image(tmp_path: Path, base_image: Path) -> Path:
    """An image that takes a moment to write."""
    large = tmp_path / "large.img"
    large.write_bytes(base_image.read_bytes())
    os.truncate(large, GIB)
    return large


def interrupted(card: Path, image: Path, *options: str) -> None:
    """Press Ctrl-C as soon as the card's partition table is wiped, or the new card is there."""
    argv = ["prepare", *NODE, "--to", str(card), "--image", str(image), "--yes", *options]
    child = subprocess.Popen([sys.executable, "-m", "flasher", *argv], stderr=subprocess.PIPE)
    with child:
        while (not card.exists() or any(head(card))) and child.poll() is None:
            time.sleep(0.005)
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=60)
    assert child.returncode == 130, errors
    assert b"Traceback" not in errors
    assert b"A card that was being written boots nowhere." in errors
    assert not psutil.Process().children(recursive=True)


def test_ctrl_c_leaves_a_card_that_boots_nowhere_and_no_process(
    tmp_path: Path, large_image: Path
) -> None:
    card = tmp_path / "card.img"
    card.write_bytes(b"\x55" * 1024)
    os.truncate(card, GIB)
    interrupted(card, large_image)
    assert not any(head(card))
    (entry,) = flasher("ledger", "list")[1]["entries"]  # type: ignore[misc,attr-defined]
    assert entry["result"] == "cancelled"


def test_ctrl_c_leaves_no_half_made_virtual_card(tmp_path: Path, large_image: Path) -> None:
    card = tmp_path / "card.img"
    interrupted(card, large_image, "--size", "1G")
    assert not card.exists()


def test_what_is_no_card_cannot_be_rehearsed(tmp_path: Path) -> None:
    assert flasher("rehearse", tmp_path)[1]["code"] == "no-drive"
