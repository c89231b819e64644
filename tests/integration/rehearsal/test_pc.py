"""Cards for PCs, with a boot sector of a few words in place of GRUB; the BIOS is a real one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from flasher.events import CancelFlag, Event, Noted, ignore
from flasher.process import run
from flasher.rehearsal.run import RehearsalFailed, rehearse
from tests.integration.rehearsal.conftest import DONE, MIB, PAYLOAD, put

MakePcCard = Callable[[str], Path]


def boot_sector(text: str) -> bytes:
    """Code that prints a text on the first serial line, then waits for the power to be cut.

    Made by hand after Intel's manual of the 8086; a BIOS puts it at 0x7C00 and jumps there.
    """
    program = bytes.fromhex(
        "31c0"  # xor ax, ax
        "8ed8"  # mov ds, ax
        "baf803"  # mov dx, 0x3f8
        "be167c"  # mov si, 0x7c16
        "fc"  # cld
        "ac"  # lodsb
        "84c0"  # test al, al
        "7403"  # jz +3
        "ee"  # out dx, al
        "ebf8"  # jmp -8
        "f4"  # hlt
        "ebfd"  # jmp -3
    )
    return (program + text.encode()).ljust(440, b"\0")


@pytest.fixture
def make_pc_card(tmp_path: Path) -> MakePcCard:
    """Makes a virtual card that says a text, with a payload on its boot partition."""

    def make(says: str) -> Path:
        card = tmp_path / "pc.img"
        with card.open("wb") as handle:
            handle.truncate(16 * MIB)
        run(["sfdisk", "--quiet", str(card)], stdin=b"label: dos\nstart=2048, type=e, bootable\n")
        place = ("--offset", "2048", str(card), str(8 * MIB // 1024))
        run(["mkfs.fat", "-F", "16", "-s", "1", *place])
        put(card, PAYLOAD)
        with card.open("r+b") as handle:
            handle.write(boot_sector(says))
        return card

    return make


def test_a_pc_starts_the_code_of_the_card_and_the_card_stays_as_it_is(
    make_pc_card: MakePcCard,
) -> None:
    card = make_pc_card("Kernel panic - not syncing: no root\r\n")
    before = hashlib.sha256(card.read_bytes()).hexdigest()
    with pytest.raises(RehearsalFailed) as caught:
        rehearse(card, emit=ignore, cancel=CancelFlag())
    assert caught.value.code == "kernel-panic"
    assert hashlib.sha256(card.read_bytes()).hexdigest() == before


def test_the_result_of_a_pc_is_read_from_its_card(make_pc_card: MakePcCard) -> None:
    card = make_pc_card("up\r\n")

    def emit(event: Event) -> None:
        if isinstance(event, Noted) and event.text == "up":
            put(card, {"autosetup/status.json": DONE.to_json()})

    rehearsal = rehearse(card, emit=emit, cancel=CancelFlag(), keep=True)
    assert rehearsal.status == DONE
    assert rehearsal.board == "PC with a BIOS"
    assert any("Secure Boot" in what for what in rehearsal.not_rehearsed)
