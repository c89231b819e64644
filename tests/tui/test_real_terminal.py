"""The real program in a real terminal, from its start to a card that an independent tool reads."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from flasher.practice.image import practice_image
from flasher.process import run
from flasher.rig.ledger import Ledger
from tests.tui.terminal import ENDED, Terminal, terminal

PROGRAM = f"{sys.executable} -m flasher --practice"
# The boot partition of the small image.
BOOT = 1 << 20
# The boot partition comes first, and holds little.
HALF_WRITTEN = r"[5-8]\d%.*\n.*writing ·"
# ECMA-48's colours, and those of xterm's table, without its greys.
COLOURS = re.compile(r"\x1b\[(?:[0-9;]*;)?(?:[349][1-6]|10[1-6]|[34]8;5;(?:[1-69]|1[0-4]))m")
TABLE = re.compile(r"[34]8;5;(\d+)")


@pytest.fixture
def data(folder: Path, base_image: Path) -> Path:
    """The program's data, with a small base image."""
    (folder / "images").mkdir()
    shutil.copy(base_image, folder / "images/base.img")
    return folder


@pytest.fixture
def large(folder: Path) -> Path:
    """The same, with an image that takes a card some seconds."""
    (folder / "images").mkdir()
    practice_image(folder / "images")
    return folder


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Opens the wizard in a terminal; gives it when it can be used."""
    with ExitStack() as stack:

        def enter(folder: Path, **settings: object) -> Terminal:
            environment = {"FLASHER_DATA": str(folder), "FLASHER_CACHE": str(folder / "cache")}
            environment |= settings.pop("environment", {})  # type: ignore[arg-type]
            made = terminal(PROGRAM, tmp_path, environment=environment, **settings)  # type: ignore[arg-type]
            seat = stack.enter_context(made)
            seat.until("113 nodes")
            seat.until("✓ Base image")
            return seat

        yield enter


def go_to_bench(seat: Terminal) -> None:
    seat.press("Enter")
    seat.until("Where will it stand?")
    seat.press("Enter")
    seat.until("Enter writes it")


def node_on(reader: Path, offset: int) -> str:
    return run(["mtype", "-i", f"{reader}@@{offset}", "::/autosetup/node.toml"]).text


def check_restored(seat: Terminal, folder: Path) -> None:
    """The terminal is as it was: settings, screen, cursor, mouse; and nobody runs on."""
    assert (folder / "after").read_text() == (folder / "before").read_text()
    assert seat.ask("alternate_on") == "0"
    assert seat.ask("mouse_any_flag") == "0"
    assert seat.ask("cursor_flag") == "1"
    assert seat.children() == []


def test_from_the_start_to_a_card_and_out_again(data, opened, tmp_path):
    seat = opened(data)
    go_to_bench(seat)
    seat.press("Enter")
    seat.until("TAKE OUT")
    assert 'name = "controller"' in node_on(data / "practice/readers/reader-1", BOOT)
    seat.press("C-q")
    assert f"{ENDED} 0" in seat.until(ENDED)
    check_restored(seat, tmp_path)
    (line,) = Ledger(data / "practice/ledger.sqlite").entries()
    assert (line.node, line.result) == ("controller", "verified")


def check_unfinished(folder: Path) -> None:
    """The card that was being written starts no Pi, and what was written is kept."""
    card = folder / "practice/box/new-1.card"
    with card.open("rb") as handle:
        assert handle.read(512) == bytes(512)
    assert card.stat().st_blocks * 512 > 1 << 20
    (line,) = Ledger(folder / "practice/ledger.sqlite").entries()
    assert line.result == "cancelled"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_a_card_is_written_leaves_it_to_be_gone_on_with(
    large, opened, tmp_path, number
):
    seat = opened(large)
    go_to_bench(seat)
    seat.press("Enter")
    seat.until(HALF_WRITTEN)
    (wizard, *_) = seat.children()
    os.kill(wizard, number)
    assert f"{ENDED} {128 + number}" in seat.until(ENDED)
    check_restored(seat, tmp_path)
    check_unfinished(large)


def test_control_c_ends_nothing_and_to_quit_asks_while_a_card_is_written(large, opened, tmp_path):
    seat = opened(large)
    go_to_bench(seat)
    seat.press("Enter")
    seat.until(HALF_WRITTEN)
    seat.press("C-c")
    seat.press("C-q")
    seat.until("Stay")
    seat.press("Left", "Enter")
    assert f"{ENDED} 0" in seat.until(ENDED, "TAKE OUT")
    check_restored(seat, tmp_path)
    check_unfinished(large)


def test_a_terminal_that_is_too_small_shows_what_fits_and_stays(data, opened, tmp_path):
    seat = opened(data, size=(34, 10))
    seat.press("Enter")
    seat.until("Where will it")
    seat.press("Enter")
    seat.until("● empty")
    seat.press("C-q")
    assert f"{ENDED} 0" in seat.until(ENDED)
    check_restored(seat, tmp_path)


@pytest.mark.parametrize(
    ("environment", "has_colours"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "linux"}, True)],
)
def test_signs_say_without_colours_what_colours_say(data, opened, environment, has_colours):
    seat = opened(data, environment=environment)
    go_to_bench(seat)
    seen = seat.screen(colours=True)
    assert "○ 113 to do" in seat.screen()
    from_table = [int(number) for number in TABLE.findall(seen)]
    is_coloured = bool(COLOURS.search(seen)) or any(17 <= number < 231 for number in from_table)
    assert is_coloured == has_colours
