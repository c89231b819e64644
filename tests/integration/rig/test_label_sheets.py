"""What comes out of the printer: rendered by other programs, its codes read by another one."""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import pytest

from flasher.process import run
from flasher.rig.labels import SHEETS, Sheet, label_of, parse_sheet
from flasher.rig.ledger import Ledger
from tests.integration.command_line import flasher
from tests.unit.rig.sample_entry import ENTRY

DOTS = 600
_PER_MM = DOTS / 25.4

CARDS = [
    replace(
        ENTRY, node=f"cam-010{row}", position=f"SEG1-CAM{row}", role="camera", card_id=digit * 32
    )
    for row, digit in enumerate("1a2", 1)
] + [
    replace(ENTRY, node="n" * 63, position="(Süd)\\Ärmel-im-zweiten-Stock 東", card_id="f" * 32),
]
CODES = [label_of(card).code for card in CARDS]


@pytest.fixture(autouse=True)
def cards() -> None:
    """Four cards, one of them with a name as long as they can be."""
    ledger = Ledger()
    for card in CARDS:
        ledger.record(card)
    ledger.record(replace(ENTRY, node="cam-0109", result="failed"))


def scanned(picture: Path) -> str:
    """What the QR code in a picture says."""
    argv = ["zbarimg", "--quiet", "--nodbus", "--raw", "-Sdisable", "-Sqrcode.enable", str(picture)]
    return subprocess.run(argv, capture_output=True, text=True).stdout.strip()


def cut_out(file: Path, sheet: Sheet, place: int) -> Path:
    """One label of a sheet, exactly where that label is on the paper."""
    corner, picture = sheet.corner(place), file.with_name(f"{place}.png")
    dots = [str(round(mm * _PER_MM)) for mm in (*corner, *sheet.size)]
    options = zip(("-x", "-y", "-W", "-H"), dots, strict=True)
    area = [word for pair in options for word in pair]
    pixels = ["-r", str(DOTS), "-singlefile", "-png"]
    run(["pdftoppm", *pixels, *area, str(file), str(picture.with_suffix(""))])
    return picture


@pytest.mark.parametrize("name", SHEETS)
def test_each_label_of_a_pdf_is_where_its_sticker_is(name: str, tmp_path: Path) -> None:
    file, sheet = tmp_path / "labels.pdf", SHEETS[name]
    status, told = flasher("labels", "--to", file, "--sheet", name, "--skip", "5")
    assert status == 0, told
    assert [scanned(cut_out(file, sheet, 5 + number)) for number in range(4)] == CODES
    assert scanned(cut_out(file, sheet, 4)) == ""
    run(["qpdf", "--check", str(file)])
    assert "595.276 x 841.89 pts (A4)" in run(["pdfinfo", str(file)]).text


def test_a_pdf_has_the_words_for_people(tmp_path: Path) -> None:
    file = tmp_path / "labels.pdf"
    flasher("labels", "--to", file, "--sheet", "24")
    text = run(["pdftotext", "-layout", str(file), "-"]).text
    for words in ("SEG1-CAM1", "cam-0101", "camera studio", "2026-05-04 #1", "(Süd)\\Ärmel-im-"):
        assert words in text
    assert "cam-0109" not in text


def test_a_roll_has_a_page_for_each_label(tmp_path: Path) -> None:
    file = tmp_path / "roll.pdf"
    flasher("labels", "--to", file, "--sheet", "57x32")
    assert "Pages:           4" in run(["pdfinfo", str(file)]).text
    sheet = parse_sheet("57x32")
    assert scanned(cut_out(file, sheet, 0)) == CODES[0]


def test_an_svg_is_read_too_and_keeps_every_letter(tmp_path: Path) -> None:
    file, picture = tmp_path / "label.svg", tmp_path / "label.png"
    flasher("labels", "--to", file, "--sheet", "57x32", "--node", f"{'n' * 63},cam-0101")
    second = tmp_path / "label-2.svg"
    for svg, code in ((file, CODES[0]), (second, CODES[3])):
        run(["rsvg-convert", "-d", "300", "-p", "300", str(svg), "-o", str(picture)])
        assert scanned(picture) == code
    words = [element.text for element in ElementTree.parse(second).iter() if element.text]  # noqa: S314
    assert "東" in "".join(words)


def test_a_second_page_begins_where_the_first_is_full(tmp_path: Path) -> None:
    file = tmp_path / "labels.pdf"
    flasher("labels", "--to", file, "--sheet", "24", "--skip", "22")
    assert "Pages:           2" in run(["pdfinfo", str(file)]).text


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (("--to", "labels.doc"), "bad-value"),
        (("--to", "labels.pdf", "--sheet", "7"), "no-such-sheet"),
        (("--to", "labels.pdf", "--skip", "65"), "bad-value"),
        (("--to", "labels.pdf", "--site", "elsewhere"), "no-labels"),
    ],
)
def test_what_cannot_be_printed_is_explained(argv: tuple[str, ...], code: str) -> None:
    status, told = flasher("labels", *argv)
    assert (status, told["code"]) == (2, code)


def test_what_is_scanned_finds_the_card() -> None:
    node, card_id = CODES[1].split()
    for word in (node, card_id):
        told = flasher("ledger", "certificate", word)[1]
        assert told["code"] == "no-such-site"  # found, and its site is on another laptop
