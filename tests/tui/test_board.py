"""The board in a terminal: what is seen of a rig that lives, and what keys do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from flasher.errors import EnvironmentLacks
from flasher.fleet.board.model import Board, Card
from flasher.rig.profile import load_profile
from flasher.tui.board_app import BoardApp
from flasher.tui.board_words import LOOKS, WARNINGS
from flasher.tui.screens.board import BoardScreen
from flasher.tui.screens.board_node import NodeScreen
from flasher.tui.screens.find_node import FindNodeScreen
from flasher.tui.screens.walk import WalkScreen
from flasher.tui.widgets.board_grid import BoardGrid
from tests.tui.board_rig import NOON, SECOND, HeldBoard, Holder, lively, quiet, report
from tests.tui.pictures import check_picture
from tests.tui.technician import Technician

at_both_sizes = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
FIRST = Holder("2".zfill(32), "cam-0101", "camera", "SEG1-CAM1", 0)


class Looker(Technician):
    """Somebody in front of the board."""

    feed: HeldBoard

    @property
    def board(self) -> BoardScreen:
        return next(s for s in self.app.screen_stack if isinstance(s, BoardScreen))

    async def hear(self, board: Board) -> None:
        """Have the server tell of another state, and wait until it is seen."""
        self.feed.tell(board.view())
        await self.until(lambda: self.board.view is not None and self.board.view == board.view())
        await self.until(lambda: self.board.painted is self.board.view)


@asynccontextmanager
async def looking(
    board: Board, size: tuple[int, int] = (80, 24), ticks: Callable[[], float] = lambda: 0.0
) -> AsyncIterator[Looker]:
    feed = HeldBoard(board.view())
    app = BoardApp(feed, ticks)
    app.animation_level = "none"
    async with app.run_test(size=size, notifications=True) as pilot:
        looker = Looker(app, pilot)  # type: ignore[arg-type]
        looker.feed = feed
        await looker.until(lambda: looker.board.painted is not None)
        await looker.until(lambda: "Blink" in looker.read())
        yield looker


def says(board: Board, **told: object) -> Board:
    """The first camera says this."""
    return board.heard(report(FIRST, 2, **told), "10.20.0.2", board.now)


@at_both_sizes
async def test_the_board(size):
    async with looking(lively(), size) as looker:
        await looker.press("down", *["down"] * 4)
        await looker.until(lambda: "cam-0105 · SEG1-CAM5" in looker.read())
        check_picture(looker.app, "board")


async def test_the_board_in_light_and_without_colours(monkeypatch):
    async with looking(lively()) as looker:
        await looker.press("ctrl+t")
        await looker.until(lambda: looker.app.theme == "flasher-light")
        await looker.pilot.pause()
        check_picture(looker.app, "board-light")
    monkeypatch.setenv("NO_COLOR", "1")
    async with looking(lively()) as looker:
        check_picture(looker.app, "board-no-colour")


async def test_only_those_in_trouble():
    async with looking(lively()) as looker:
        await looker.press("slash", "down")
        await looker.until(lambda: "cam-0105 · SEG1-CAM5" in looker.read())
        assert "? cam-0904" in looker.read()
        check_picture(looker.app, "board-trouble")
        await looker.press("slash")
        await looker.until(lambda: "Camera node × 112" in looker.read())
        assert looker.board.under == "cam-0105"


async def test_all_of_one_node_stays_true_while_it_is_looked_at():
    async with looking(lively()) as looker:
        await looker.press("down", "enter")
        await looker.see(NodeScreen)
        await looker.until(lambda: "✓ done" in looker.read())
        await looker.hear(says(lively(), state="failed", step="scripts", code="script-failed"))
        await looker.until(lambda: "✗ failed at scripts" in looker.read())
        await looker.press("b")
        await looker.until(lambda: looker.feed.asked == [FIRST.card_id])
        await looker.press("escape")
        await looker.see(BoardScreen)


async def test_what_nodes_say_is_drawn_in_their_places():
    async with looking(quiet()) as looker:
        await looker.press("down")
        working = says(quiet(), state="applying", step="packages", step_number=5, step_count=9)
        await looker.hear(working)
        assert "▶ applying, step 5 of 9: packages" in looker.read()
        assert "▶ 1 applying" in looker.read()
        await looker.hear(working.at(NOON + 60 * SECOND))
        assert "? missing for 60 s;" in looker.read()


async def test_all_that_a_node_tells_of_itself_can_be_read():
    async with looking(quiet(), (120, 50)) as looker:
        await looker.press("down", "enter")
        await looker.see(NodeScreen)
        late = round((NOON - 4 * SECOND).timestamp() * 1000)
        await looker.hear(says(quiet(), time_ms=late, card_wear_percent=90, temperature_c=61))
        await looker.until(lambda: "Clock 4.0 s slow" in looker.read())
        told = looker.read()
        for fact in ("Clock 4.0 s slow", "Card worn 90 %", "Heat 61 °C", "Agent 0.1.0"):
            assert fact in told
        assert "Heard just now Generation 1795240000" in told
        await looker.hear(says(quiet()).at(NOON + 30 * SECOND))
        await looker.until(lambda: "Heard 30 s ago" in looker.read())


async def test_of_a_node_that_is_missing_the_last_word_is_told():
    async with looking(quiet(), (120, 40)) as looker:
        await looker.press("down")
        failed = says(quiet(), state="failed", step="scripts", reason="The lens is not there.")
        await looker.hear(failed.at(NOON + 60 * SECOND))
        assert "? missing for 60 s; last word: failed" in looker.read()
        assert "The lens is not there." in looker.read()


async def test_time_goes_on_while_no_node_says_anything_and_stands_still_without_a_server():
    ticks = [0.0]
    async with looking(quiet(), (120, 40), ticks=lambda: ticks[0]) as looker:
        await looker.press("down")
        await looker.hear(says(quiet(), state="failed").at(NOON + 60 * SECOND))
        assert "● 12:01:00 UTC" in looker.read()
        ticks[0] = 100.4
        await looker.until(lambda: "● 12:02:40 UTC" in looker.read())
        assert "? missing for 3 min; last word: failed" in looker.read()
        looker.feed.tell(EnvironmentLacks("no-board", "No board answers at X.", "Start it."))
        await looker.until(lambda: "no contact" in looker.read())
        ticks[0] = 900.0
        looker.feed.tell(EnvironmentLacks("no-board", "No board answers at Y.", "Start it."))
        await looker.until(lambda: "answers at Y" in looker.read())
        assert "? missing for 3 min; last word: failed" in looker.read()


async def test_of_a_node_that_was_not_heard_yet_one_learns_what_to_do():
    async with looking(quiet(), (120, 40)) as looker:
        await looker.press("down")
        fresh = {**quiet().cards, FIRST.node: Card("e" * 32, 0)}
        await looker.hear(quiet().with_cards(fresh))
        assert "→ Put its card in, and start it." in looker.read()


async def test_a_node_that_a_copy_of_its_card_silenced_is_told_with_what_to_do():
    async with looking(quiet(), (200, 40)) as looker:
        await looker.press("down")
        silenced = quiet().at(NOON + 60 * SECOND)
        await looker.hear(silenced.copied(FIRST.card_id, "10.20.0.66", silenced.now))
        seen = looker.read()
        assert "Two computers report with this card's key" in seen
        assert "make a new card" in seen
        assert "10.20.0.66" in seen
        assert "Look at its power" not in seen


async def test_a_node_whose_card_was_replaced_says_so_until_the_new_one_speaks():
    async with looking(quiet(), (200, 40)) as looker:
        await looker.press("down")
        new, old = "e" * 32, FIRST.card_id
        cards = {**quiet().cards, FIRST.node: Card(new, 0, replaces=old)}
        replaced = quiet().with_cards(cards)
        await looker.hear(replaced)
        assert "○ not heard yet" in looker.read()
        assert "Put its new card in: what the older one says is refused." in looker.read()
        assert old in looker.read()
        await looker.hear(replaced.heard(report(FIRST._replace(card_id=new), 2), "", NOON))
        assert "Put its new card in" not in looker.read()


async def test_a_server_that_is_gone_is_told_and_the_last_words_stay():
    async with looking(lively()) as looker:
        looker.feed.tell(EnvironmentLacks("no-board", "No board answers at X.", "Start it."))
        await looker.until(lambda: "✗ no contact" in looker.read())
        assert "No board answers at X." in looker.read()
        assert "✗ 1 failed" in looker.read()
        await looker.hear(lively().at(NOON + SECOND))
        await looker.until(lambda: "● 12:00:01 UTC" in looker.read())


async def test_before_the_server_answers_keys_do_nothing():
    class Silent(HeldBoard):
        async def follow(self):
            yield EnvironmentLacks("no-board", "No board answers at X.", "Start it.")

    app = BoardApp(Silent(lively().view()))
    async with app.run_test(size=(80, 24)) as pilot:
        looker = Looker(app, pilot)
        await looker.until(lambda: "no contact" in looker.read())
        await looker.press("down", "right", "enter", "b", "f", "slash", "slash", "w", "tab")
        await looker.see(BoardScreen)


async def test_a_node_is_found_by_what_stands_on_its_label():
    async with looking(lively()) as looker:
        await looker.press("f")
        await looker.see(FindNodeScreen)
        await looker.press(*"seg9-cam5", "enter")
        await looker.see(BoardScreen)
        await looker.until(lambda: looker.board.under == "cam-0905")


async def test_keys_that_follow_one_another_fast_are_for_the_node_under_the_cursor():
    async with looking(quiet()) as looker:
        grid = looker.board.query_one(BoardGrid)
        grid.action_move(0, 1)
        grid.action_move(1, 0)
        looker.board.action_blink()
        await looker.until(
            lambda: looker.feed.asked == [looker.board.view.node("cam-0201").card_id]
        )


async def test_a_node_without_a_card_cannot_blink():
    async with looking(lively()) as looker:
        await looker.press("f", *"cam-1607", "enter")
        await looker.until(lambda: looker.board.under == "cam-1607")
        await looker.press("b")
        await looker.until(lambda: "has no card yet" in looker.told())
        assert looker.feed.asked == []


async def test_the_walk_ends_with_the_command_that_puts_right_what_was_mixed_up():
    async with looking(lively()) as looker:
        await looker.press("down", "w")
        walk = await looker.see(WalkScreen)
        await looker.until(lambda: "SEG1-CAM1" in looker.read())
        await looker.until(lambda: looker.feed.asked == [FIRST.card_id])
        await looker.hear(lively().blinking(FIRST.card_id, NOON + 15 * SECOND, NOON))
        await looker.until(lambda: "It blinks now" in looker.read())
        check_picture(looker.app, "walk")
        await looker.press("o")
        await looker.see(FindNodeScreen)
        await looker.press(*"cam-0102", "enter")
        await looker.see(WalkScreen)
        await looker.until(lambda: walk.walk.here == "cam-0102")
        await looker.press("space", "enter", "enter", "escape")
        await looker.until(lambda: "cam-0101 ↔ cam-0102" in looker.read())
        assert "Not seen: cam-0102" in looker.read()
        assert walk.command.endswith("--node cam-0101,cam-0102 --swap cam-0101=cam-0102")
        check_picture(looker.app, "walk-end")
        await looker.press("c")
        assert looker.app.clipboard == walk.command
        await looker.press("escape")
        await looker.see(BoardScreen)


async def test_a_walk_in_a_rig_in_which_no_node_speaks_says_so_and_offers_nothing_to_answer():
    async with looking(lively().at(NOON + 600 * SECOND), (120, 40)) as looker:
        await looker.press("w")
        await looker.see(WalkScreen)
        await looker.until(lambda: "No node speaks yet." in looker.read())
        assert "See that they have power and a network." in looker.read()
        await looker.press("c", "enter", "space", "backspace")
        assert looker.app.clipboard == ""
        for words in ("Copy the command", "One back", "Not seen", "another's place"):
            assert words not in looker.read()


async def test_a_walk_that_found_nothing_amiss_has_no_command_to_copy():
    async with looking(lively()) as looker:
        await looker.press("w")
        await looker.see(WalkScreen)
        await looker.press("enter", "escape")
        await looker.until(lambda: "No node was seen in another's place." in looker.read())
        assert "One back" in looker.read()
        assert "Copy the command" not in looker.read()


async def test_nodes_that_do_not_speak_are_not_walked_to():
    async with looking(lively()) as looker:
        await looker.press("w")
        walk = await looker.see(WalkScreen)
        silent = {n.name for n in looker.board.view.nodes if n.state in ("missing", "unheard")}
        assert silent
        assert not silent & set(walk.walk.order)


async def test_a_step_back_in_the_walk_asks_the_same_node_again():
    async with looking(quiet()) as looker:
        await looker.press("w")
        walk = await looker.see(WalkScreen)
        await looker.press("enter", "backspace")
        assert (walk.walk.step, walk.walk.confirmed) == (0, 0)


async def test_three_hundred_nodes_that_all_speak_are_drawn_as_they_are_in_the_end():
    """More comes than can be drawn; what counts is what stands there afterwards."""
    profile = load_profile("body-16x7")
    roles = tuple(replace(role, columns=20, rows=15) for role in profile.roles[1:])
    board = quiet(replace(profile, roles=roles))
    assert len(board.nodes) == 300
    async with looking(board) as looker:
        for step in range(1, 10):
            for number, node in enumerate(board.nodes[:-2], 1):
                told = {"state": "applying", "step_number": step, "step_count": 9}
                holder = Holder(f"{number:032x}", node.name, node.role, node.position, 0)
                board = board.heard(report(holder, number, **told), "10.0.0.1", NOON)
            looker.feed.tell(board.view())
            await looker.press("right")
        await looker.until(lambda: "▶ 298 applying" in looker.read())
        await looker.until(lambda: "step 9 of 9" in looker.read())


async def test_what_nodes_say_gives_no_orders_to_the_terminal():
    async with looking(quiet()) as looker:
        await looker.press("down")
        hostile = "a\x1b]0;title\x07[/] [red"
        await looker.hear(says(quiet(), state="failed", step=hostile, reason=hostile))
        await looker.until(lambda: "[red" in looker.read())
        assert "\x1b" not in looker.read()


def test_every_state_has_a_sign_of_its_own():
    assert len({look.sign for look in LOOKS.values()}) == len(LOOKS)


def test_every_warning_of_the_board_has_words_and_stands_in_the_guide():
    guide = (Path(__file__).parents[2] / "docs/rig.md").read_text()
    assert all(f"`{code}`" in guide for code in WARNINGS)
