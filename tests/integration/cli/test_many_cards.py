"""Several cards at once, and cards that hold most of what they must already."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from flasher.process import run
from tests.integration.command_line import all_told
from tests.integration.conftest import loop_over

MIB = 1 << 20
SCANNER = ("--scanner", "body-16x7", "--site", "demo")

LoopMaker = Callable[..., Path]


def written(card: Path) -> int:
    """Bytes written to a device so far, as the kernel counts them (block/stat.rst)."""
    return int(Path("/sys/class/block", card.name, "stat").read_text().split()[6]) * 512


@pytest.fixture
def cards(tmp_path: Path, make_loop: LoopMaker) -> list[Path]:
    """Three cards in readers, with somebody's data on them."""
    made = []
    for number in range(3):
        backing = tmp_path / f"card{number}"
        backing.write_bytes(b"holiday pictures" * (64 << 16))
        made.append(make_loop(backing))
    return made


@pytest.fixture
def failing(tmp_path: Path) -> Iterator[Path]:
    """A card that fails soon: the disk below it has no room."""
    place = tmp_path / "tiny"
    place.mkdir()
    with ExitStack() as stack:
        run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)])
        stack.callback(run, ["umount", str(place)])
        with (place / "backing").open("wb") as backing:
            backing.truncate(64 * MIB)
        yield stack.enter_context(loop_over(place / "backing"))


def test_a_card_of_one_node_becomes_anothers_by_kilobytes(
    cards: list[Path], base_image: Path
) -> None:
    card = cards[0]
    options = ("--to", card, "--image", base_image, "--yes", "--no-probe")
    assert all_told("prepare", *SCANNER, "--node", "cam-0101", *options)[0] == 0
    before = written(card)
    status, told = all_told("prepare", *SCANNER, "--node", "cam-0102", *options)
    assert status == 0
    assert written(card) - before < 256 * 1024
    assert all_told("verify", card, "--image", base_image)[0] == 0
    assert all_told("inspect", card)[1][-1]["summary"] == "cam-0102, not booted yet"
    (made,) = told[-1]["cards"]  # type: ignore[misc,attr-defined]
    assert made["bytes_kept"] > 100 * made["bytes_written"]


def test_each_drive_gets_its_own_node_at_the_same_time(cards: list[Path], base_image: Path) -> None:
    nodes = ("cam-0101", "cam-0102", "cam-0103")
    to = ",".join(map(str, cards))
    argv = ("--node", ",".join(nodes), "--to", to, "--image", base_image, "--yes")
    status, told = all_told("prepare", *SCANNER, *argv)
    assert status == 0, told
    for card, node in zip(cards, nodes, strict=True):
        assert all_told("verify", card, "--image", base_image)[0] == 0
        assert all_told("inspect", card)[1][-1]["summary"] == f"{node}, not booted yet"


def test_a_card_that_fails_holds_up_none_and_all_are_told(
    cards: list[Path], failing: Path, base_image: Path
) -> None:
    argv = ("--node", "cam-0101,cam-0102,cam-0103", "--image", base_image, "--yes", "--no-probe")
    to = f"{cards[0]},{failing},{cards[1]}"
    status, told = all_told("prepare", *SCANNER, "--to", to, *argv)
    assert status == 1
    assert [found["kind"] for found in told] == ["error", "cards"]
    first, second, third = told[-1]["cards"]  # type: ignore[misc,attr-defined]
    assert "error" not in first
    assert "error" not in third
    assert (second["node"], second["error"]["code"]) == ("cam-0102", told[0]["code"])
    for card in cards[:2]:
        assert all_told("verify", card, "--image", base_image)[0] == 0
    _, (ledger,) = all_told("ledger", "list")
    results = {entry["node"]: entry["result"] for entry in ledger["entries"]}  # type: ignore[attr-defined]
    assert results == {"cam-0101": "verified", "cam-0102": "failed", "cam-0103": "verified"}


def test_between_cards_failures_are_told_and_a_card_just_made_is_not_overwritten(
    cards: list[Path], failing: Path, base_image: Path
) -> None:
    nodes = ("--node", "cam-0101,cam-0102,cam-0103", "--to", f"{cards[0]},{failing}")
    options = ("--image", str(base_image), "--yes", "--no-probe")
    argv = [sys.executable, "-m", "flasher", "prepare", *SCANNER, *nodes, *options]
    leader, follower = pty.openpty()
    with subprocess.Popen(argv, stdin=follower, stdout=follower, stderr=follower) as child:
        os.close(follower)
        told = _read_until(leader, "press Enter")
        os.write(leader, b"\n")
        told_again = _read_until(leader, "press Enter")
        os.write(leader, b"\x04")  # the end of input: cancelled
        assert child.wait() == 4
    os.close(leader)
    assert f"cam-0102 has no card yet; do not use the one in {failing}" in told
    assert f"In {cards[0]} is still the card of cam-0101" in told_again
    assert all_told("inspect", cards[0])[1][-1]["summary"] == "cam-0101, not booted yet"


def _read_until(terminal: int, words: str) -> str:
    text = ""
    while words not in text:
        text += os.read(terminal, 1 << 16).decode(errors="replace")
    return text


def test_an_image_is_written_to_several_drives_as_it_is(
    cards: list[Path], base_image: Path
) -> None:
    status, told = all_told("write", base_image, *cards, "--yes")
    assert status == 0, told
    for card in cards:
        assert all_told("verify", card, "--image", base_image)[0] == 0
