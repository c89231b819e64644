"""The line of keys: all are in sight where there is room, and what is shown no more is let go."""

from __future__ import annotations

import gc

import pytest
from textual.widgets._footer import FooterKey

from flasher.practice.condition import BROKEN
from flasher.tui.screens.question import QuestionScreen
from flasher.tui.widgets.key_line import KeyLine


def keys_of_the_past() -> int:
    """Keys that are on no screen any more, and still there."""
    gc.collect()
    return sum(isinstance(one, FooterKey) and not one.is_attached for one in gc.get_objects())


async def test_keys_that_are_shown_no_more_are_let_go(sit_down):
    async with sit_down() as technician:
        line = (await technician.go_to_bench()).query_one(KeyLine)
        kept = keys_of_the_past()
        for _ in range(5):
            first = line.children[0]
            line.refresh(recompose=True)
            await technician.until(lambda first=first: line.children and first not in line.children)
        assert keys_of_the_past() <= kept + len(line.children)


@pytest.mark.parametrize(("width", "close"), [(80, True), (120, False)])
async def test_keys_stand_closer_where_they_had_no_room(sit_down, width, close):
    async with sit_down(size=(width, 24)) as technician:
        await technician.go_to_bench()
        await technician.press("tab")
        await technician.until(lambda: "Choose node" in technician.read())
        line = technician.app.screen.query_one(KeyLine)
        await technician.until(lambda: all(key.region.right <= width for key in line.children))
        assert line.compact is close
        assert "Quit" in technician.read()


@pytest.mark.parametrize(
    ("width", "shown", "alone"), [(90, "? Help", ""), (80, "Esc Back", "?"), (74, "r Try", "Esc")]
)
async def test_where_even_that_is_too_long_the_keys_that_everybody_knows_stand_alone(
    sit_down, width, shown, alone
):
    async with sit_down(size=(width, 24)) as technician:
        await technician.go_to_bench()
        technician.app.workplace.desk.afflict("new-1", BROKEN)
        await technician.make_card()
        await technician.until(lambda: "r Try again" in technician.read())
        line = technician.app.screen.query_one(KeyLine)
        await technician.until(lambda: all(key.region.right <= width for key in line.children))
        assert shown in technician.read()
        assert "^q Quit" in technician.read()
        assert [key.description for key in line.children if key.key_display == alone] in ([], [""])


async def test_a_question_writes_its_keys_as_all_screens_do(sit_down):
    async with sit_down() as technician:
        technician.app.push_screen(QuestionScreen("Sure?", yes="Yes", no="No"))
        await technician.see(QuestionScreen)
        await technician.until(lambda: "Esc Back" in technician.read())
