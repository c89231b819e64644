"""A central node that is a PC: its card boots to done with a BIOS and with UEFI.

The judges are not ours: the firmware (SeaBIOS, OVMF), GRUB, the node's own word, file, sfdisk,
mtools, fsck.fat and e2fsck.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from flasher.errors import Cancelled
from flasher.events import CancelFlag, Event, Noted, ignore
from flasher.rehearsal.run import Rehearsal, rehearse

Run = Callable[..., list[dict[str, object]]]

pytestmark = pytest.mark.timeout(1800)

MIB = 1 << 20
SIZE = 4 << 30
ROOT = 68 * MIB  # behind the gap and the boot partition


def tool(*argv: str | Path, stdin: bytes = b"", ok: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run(list(map(str, argv)), input=stdin, capture_output=True)
    assert done.returncode in ok, done.stdout + done.stderr
    return done.stdout.decode(errors="replace")


def cut_out(card: Path, number: int, target: Path) -> Path:
    """One partition as a file."""
    table = json.loads(tool("sfdisk", "--json", card))["partitiontable"]
    part = table["partitions"][number]
    place = (f"skip={part['start']}", f"count={part['size']}")
    tool("dd", f"if={card}", f"of={target}", "bs=512", *place, "conv=sparse")
    return target


@pytest.fixture(scope="module")
def written(pc_image: Path, flasher: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A card that has not been booted."""
    card = tmp_path_factory.mktemp("pc") / "card.img"
    to_card = ("--to", card, "--size", "4G", "--image", pc_image)
    flasher("prepare", "--scanner", "body-16x7", "--site", "demo", "--node", "control", *to_card)
    return card


@pytest.fixture(scope="module")
def booted(written: Path) -> tuple[Path, Rehearsal]:
    """Another one, after its first boot."""
    card = written.with_name("booted.img")
    tool("cp", "--sparse=always", written, card)
    return card, rehearse(card, emit=ignore, cancel=CancelFlag(), keep=True)


def test_the_code_for_a_bios_reaches_the_card(pc_image: Path, written: Path, flasher: Run) -> None:
    assert "DOS/MBR boot sector" in tool("file", written)
    tool("cmp", "--bytes=440", pc_image, written)
    gap = ("--bytes", str(4 * MIB - 512), "--ignore-initial=512:512")
    tool("cmp", *gap, pc_image, written)
    flasher("verify", written, "--image", pc_image)


def test_the_program_for_uefi_is_one(written: Path) -> None:
    argv = ["mtype", "-i", f"{written}@@4M", "::EFI/BOOT/BOOTX64.EFI"]
    loader = subprocess.run(argv, capture_output=True, check=True).stdout
    told = tool("file", "-", stdin=loader)
    assert "PE32+ executable" in told
    assert "EFI application" in told
    assert "x86-64" in told


def test_a_pc_with_a_bios_boots_to_done(booted: tuple[Path, Rehearsal]) -> None:
    status = booted[1].status
    assert status is not None
    assert (status.state, status.node) == ("done", "controller")
    assert booted[1].board == "PC with a BIOS"
    assert "10.0.2.15" in status.addresses


def test_a_pc_with_uefi_boots_to_done(written: Path) -> None:
    rehearsal = rehearse(written, emit=ignore, cancel=CancelFlag(), firmware="uefi")
    assert rehearsal.status is not None
    assert (rehearsal.status.state, rehearsal.board) == ("done", "PC with UEFI")


def test_the_root_grew_to_the_cards_end_and_the_code_stayed(
    written: Path, booted: tuple[Path, Rehearsal]
) -> None:
    table = json.loads(tool("sfdisk", "--json", booted[0]))["partitiontable"]
    _, root = table["partitions"]
    assert (root["start"] + root["size"]) * 512 == SIZE
    tool("cmp", "--bytes=440", written, booted[0])


def test_both_file_systems_are_whole(booted: tuple[Path, Rehearsal], tmp_path: Path) -> None:
    boot, root = (cut_out(booted[0], number, tmp_path / str(number)) for number in (0, 1))
    # The plug was pulled: the mark of that, in the boot sector and not in its backup, is left.
    told = tool("fsck.fat", "-n", boot, ok=(0, 1))
    assert "cluster" not in told.replace("clusters", "")
    tool("e2fsck", "-p", root, ok=(0, 1))  # replays the journal
    tool("e2fsck", "-fn", root)
    assert "vmlinuz-" in tool("debugfs", "-R", "stat /vmlinuz", root)


def lose_the_newest_kernel(card: Path) -> None:
    """Leave the links as an update would that was cut off before the new files were there."""
    root = f"{card}?offset={ROOT}"
    told = tool("debugfs", "-R", "stat /vmlinuz", root)
    version = told.partition("boot/vmlinuz-")[2].partition('"')[0]
    orders = []
    for link in ("vmlinuz", "initrd.img"):
        orders += [f"rm /{link}", f"symlink /{link} boot/{link}-lost"]
        orders += [f"symlink /{link}.old boot/{link}-{version}"]
    tool("debugfs", "-w", "-f", "-", root, stdin="\n".join(orders).encode())


def test_where_the_newest_kernel_is_not_there_the_one_before_starts(
    written: Path, tmp_path: Path
) -> None:
    card, cancel, lines = tmp_path / "card.img", CancelFlag(), []
    tool("cp", "--sparse=always", written, card)
    lose_the_newest_kernel(card)

    def emit(event: Event) -> None:
        if isinstance(event, Noted):
            lines.append(event.text)
            if "Run /init" in event.text:
                cancel.set()

    with pytest.raises(Cancelled):
        rehearse(card, emit=emit, cancel=cancel, keep=True)
    assert "Starting /vmlinuz.old" in lines
    assert "Starting /vmlinuz" not in lines
