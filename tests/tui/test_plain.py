"""What cards, files and errors are called is shown, and never obeyed or read as markup."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from textual import work
from textual.color import Color
from textual.strip import Strip
from textual.widgets import Static

from flasher.errors import FlasherError
from flasher.rig import vault
from flasher.rig.site_travel import site_name_in
from flasher.tui.places import typed_path
from flasher.tui.plain import PlainText
from flasher.tui.screens.base import WizardScreen
from flasher.tui.screens.choose_file import ChooseFileScreen
from flasher.tui.screens.pick import PickScreen
from flasher.tui.screens.told import ToldScreen

HOSTILE = "a\x1b]0;title\x07b\x9b2Jc\u202ed\u2028e\ud800f"
TAGS = "[/] [red"


class Stumbling(WizardScreen[None]):
    """A worker of it ends in an error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def on_mount(self) -> None:
        self.stumble()

    @work(thread=True, exit_on_error=False)
    def stumble(self) -> None:
        raise self._error


class Showing(WizardScreen[None]):
    """Shows a text without a thought."""

    def compose(self):
        yield Static(HOSTILE, markup=False)

    def on_mount(self) -> None:
        self.notify(f"told {HOSTILE}", markup=False)


async def test_the_words_of_an_error_are_no_markup(sit_down):
    async with sit_down() as technician:
        technician.app.push_screen(Stumbling(ValueError(TAGS)))
        await technician.until(lambda: f"ValueError: {TAGS}" in technician.read())


async def test_titles_of_windows_are_no_markup(sit_down):
    async with sit_down() as technician:
        for screen in (
            ToldScreen(TAGS, FlasherError("x", "What", "Do")),
            PickScreen(TAGS, [("a", "A")]),
            ChooseFileScreen(TAGS, accepts=lambda _path: True, refusal="no"),
        ):
            technician.app.push_screen(screen)
            await technician.see(type(screen))
            await technician.until(lambda: TAGS in technician.read())


async def test_no_widget_passes_orders_on_to_the_terminal(sit_down):
    async with sit_down() as technician:
        technician.app.push_screen(Showing())
        await technician.see(Showing)
        await technician.until(lambda: "told a]0;title" in technician.read())
        update = technician.app.screen._compositor.render_full_update()
        shown = "".join(Strip.join(strips).text for strips in update.strips)
        assert "a]0;titleb2Jcde?f" in shown
        assert shown.isprintable()
        shown.encode()


@given(st.lists(st.text()))
def test_lines_stay_as_wide_as_they_are_and_good_text_stays_as_it_is(texts: list[str]) -> None:
    before = [Segment(text) for text in texts]
    after = PlainText().apply(before, Color(0, 0, 0))
    assert Strip(after).cell_length == Strip(before).cell_length
    assert all(a.text == b.text for a, b in zip(after, before, strict=True) if b.text.isprintable())
    "".join(segment.text for segment in after).encode()


@pytest.mark.parametrize("typed", ["~nobody-of-this-name", "~nobody-of-this-name/x", "a/b"])
def test_a_path_of_somebody_who_is_not_there_is_only_a_path(typed: str) -> None:
    assert typed_path(typed) == Path(typed)


def test_a_name_that_nothing_vouches_for_is_told_only_if_it_is_one(tmp_path, monkeypatch):
    monkeypatch.setattr(vault, "_N", 2)
    file = tmp_path / "a.flasher-site"
    for name, told in (("studio", "studio"), ("studio\x1b]0;title\x07", "")):
        file.write_bytes(vault.seal({"site.toml": b""}, "wren kettle", "site", {"site": name}))
        assert site_name_in(file) == told
