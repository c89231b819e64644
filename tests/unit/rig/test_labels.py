"""Labels say what their cards are, and stay inside their own label whatever the names are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flasher.errors import BadInput
from flasher.rig.label_files import to_pdf, to_svg
from flasher.rig.labels import SHEETS, Label, Sheet, cells, label_of, lay_out_labels, parse_sheet
from tests.unit.rig.sample_entry import ENTRY

LINE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=70)
LINES = st.lists(LINE.filter(str.strip), min_size=1, max_size=4).map(tuple)
EVERY = [*SHEETS.values(), parse_sheet("57x32"), parse_sheet("12x9.5")]


@given(st.sampled_from(EVERY), st.lists(LINES, min_size=1, max_size=4), st.data())
def test_all_of_a_label_is_inside_it(
    sheet: Sheet, lines: list[tuple[str, ...]], data: st.DataObject
) -> None:
    skip = data.draw(st.integers(0, sheet.count - 1))
    labels = [Label(f"CAM-{number}", each) for number, each in enumerate(lines)]
    pages = lay_out_labels(labels, sheet, skip)
    assert len(pages) == -(-(skip + len(labels)) // sheet.count)
    for number, page in enumerate(pages):
        numbers = range(number * sheet.count, (number + 1) * sheet.count)
        taken = range(max(skip, numbers.start), min(skip + len(labels), numbers.stop))
        corners = [sheet.corner(place % sheet.count) for place in taken]
        boxes = [(b.x, b.y, b.x + b.width, b.y + b.height) for b in page.boxes]
        texts = [
            (t.x, t.y - 0.85 * t.size, t.x + 0.6 * t.size * cells(t.text), t.y + 0.2 * t.size)
            for t in page.texts
        ]
        for left, top, right, bottom in [*boxes, *texts]:
            assert any(
                x <= left
                and right <= x + sheet.size[0] + 0.01
                and y <= top
                and bottom <= y + sheet.size[1] + 0.01
                for x, y in corners
            )
        assert len(set(corners)) == len(corners)


@pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS)
def test_a_sheet_fits_its_paper(sheet: Sheet) -> None:
    x, y = sheet.corner(sheet.count - 1)
    first_x, first_y = sheet.corner(0)
    assert first_x >= 0
    assert first_y >= 0
    assert x + sheet.size[0] + first_x == pytest.approx(210)
    assert y + sheet.size[1] + first_y == pytest.approx(297)


def test_the_position_comes_first_and_nothing_stands_twice() -> None:
    card = replace(ENTRY, role="camera", generation=1794567890)
    lines = ("SEG1-CAM1", "cam-0101", "camera studio", "2026-05-04 #1794567890")
    assert label_of(card) == Label("CAM-0101 CCCCCCCC", lines)
    assert label_of(replace(card, position="cam-0101")).lines == lines[1:]
    assert label_of(replace(card, position=" ")).lines == lines[1:]


def test_long_names_are_broken_before_they_are_too_small_to_be_read() -> None:
    name = "camera-node-of-the-upper-northern-gallery-07"
    (page,) = lay_out_labels([Label("X", (name, name))], SHEETS["65"])
    assert min(text.size for text in page.texts) >= 1.3
    assert "".join(text.text for text in page.texts) == name * 2


@pytest.mark.parametrize("word", ["66", "", "5x", "0x0", "7x50", "57x32mm", "1e3x5"])
def test_sheets_that_are_none_are_explained(word: str) -> None:
    with pytest.raises(BadInput, match="no sheet") as caught:
        parse_sheet(word)
    assert "57x32" in caught.value.hint


def test_the_same_cards_give_the_same_files() -> None:
    def files() -> tuple[bytes, str]:
        pages = lay_out_labels([label_of(ENTRY)], SHEETS["65"])
        return to_pdf(pages), to_svg(pages[0])

    assert files() == files()
