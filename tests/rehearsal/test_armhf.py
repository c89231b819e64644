"""A card for older boards: built for armhf, booted as a Pi 2B.

The judges are not ours: the node's own word, file, and mtools and debugfs that read the card.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from flasher.events import CancelFlag, ignore
from flasher.rehearsal.run import Rehearsal, rehearse

Run = Callable[..., list[dict[str, object]]]

pytestmark = pytest.mark.timeout(3600)


def tool(*argv: str | Path, stdin: bytes = b"") -> str:
    done = subprocess.run(list(map(str, argv)), input=stdin, capture_output=True, check=True)
    return done.stdout.decode()


@pytest.fixture(scope="module")
def card(armhf_image: Path, flasher: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    card = tmp_path_factory.mktemp("armhf") / "card.img"
    to_card = ("--to", card, "--size", "4G", "--image", armhf_image)
    flasher("prepare", "--scanner", "body-16x7", "--site", "demo", "--node", "seg1-cam1", *to_card)
    return card


@pytest.fixture(scope="module")
def boot(card: Path) -> Rehearsal:
    return rehearse(card, emit=ignore, cancel=CancelFlag(), keep=True)


def test_a_32_bit_card_boots_to_done(boot: Rehearsal) -> None:
    assert boot.status is not None
    assert boot.board == "Raspberry Pi 2B"
    assert boot.status.state == "done"
    assert boot.status.pi_model.startswith("Raspberry Pi 2")


def test_kernel_and_programs_are_32_bit_ones(card: Path, tmp_path: Path) -> None:
    for name in tool("mdir", "-b", "-i", f"{card}@@4M", "::vmlinuz-*").split():
        kernel = subprocess.run(["mtype", "-i", f"{card}@@4M", name], capture_output=True).stdout
        assert "ARM boot executable zImage" in tool("file", "-", stdin=kernel)
    table = json.loads(tool("sfdisk", "--json", card))["partitiontable"]
    root = f"{card}?offset={int(table['partitions'][1]['start']) * 512}"
    tool("debugfs", "-R", f"dump /usr/bin/dpkg {tmp_path / 'dpkg'}", root)
    assert "ELF 32-bit LSB" in tool("file", tmp_path / "dpkg")
