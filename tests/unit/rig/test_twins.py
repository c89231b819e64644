"""Whoever is about to make a second card of a node is asked before, not told after."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from flasher.rig.twins import before_overwriting, farewell, former_life, revoked, twins
from tests.unit.rig.sample_entry import ENTRY, NOW


def made(before: timedelta, **changes: object) -> list[object]:
    finished = (NOW - before).isoformat(timespec="seconds")
    return [replace(ENTRY, finished_at=finished, laptop="bench", **changes)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=2, minutes=50), "2 hours ago"),
        (timedelta(days=3), "3 days ago"),
        (timedelta(minutes=-7), "at 2026-05-04 12:07 UTC"),
    ],
)
def test_a_second_card_of_a_node_is_asked_about(before: timedelta, told: str) -> None:
    question = twins(made(before), "cam-0101", "studio", NOW)
    assert question.startswith(f"cam-0101 was already written {told} to another card on bench")


@pytest.mark.parametrize(
    ("node", "site", "changes"),
    [
        ("cam-0102", "studio", {}),
        ("cam-0101", "elsewhere", {}),
        ("cam-0101", "studio", {"result": "failed"}),
    ],
)
def test_other_nodes_other_sites_and_failed_cards_are_no_twins(
    node: str, site: str, changes: dict[str, object]
) -> None:
    assert twins(made(timedelta(hours=2), **changes), node, site, NOW) == ""


def test_a_card_that_is_written_again_is_no_twin_of_itself() -> None:
    lines = made(timedelta(hours=2))
    assert twins(lines, "cam-0101", "studio", NOW, replaced=ENTRY.card_id) == ""
    assert twins(lines, "cam-0101", "studio", NOW, replaced="d" * 32)


def test_a_card_that_became_another_nodes_is_no_twin_any_more() -> None:
    lines = made(timedelta(days=2))
    lines += made(timedelta(hours=2), node="cam-0102", card_id="d" * 32, replaces=ENTRY.card_id)
    assert twins(lines, "cam-0101", "studio", NOW) == ""
    assert "2 hours ago" in twins(lines, "cam-0102", "studio", NOW)


def test_the_latest_card_counts() -> None:
    lines = [*made(timedelta(days=2)), *made(timedelta(hours=2), card_id="d" * 32)]
    assert "2 hours ago" in twins(lines, "cam-0101", "studio", NOW)


def test_who_makes_a_node_anew_hears_that_the_older_card_counts_no_more() -> None:
    lines = made(timedelta(hours=2), sealing_key=f"{'A' * 42}E=")
    asked = ("cam-0101", "studio")
    assert "gets no updates" in revoked(lines, *asked)
    assert before_overwriting(lines, *asked, NOW, "")[1:] == (revoked(lines, *asked),)
    assert revoked(lines, *asked, replaced=ENTRY.card_id) == ""
    assert revoked(made(timedelta(hours=2)), *asked) == ""


def test_who_made_a_node_anew_hears_which_card_counts_no_more() -> None:
    lines = made(timedelta(hours=2), sealing_key=f"{'A' * 42}E=")
    asked = ("cam-0101", "studio")
    told = farewell(lines, *asked)
    assert f"The older card of cam-0101 ({ENTRY.card_id}) counts no more" in told
    assert "its letter goes" in told
    assert farewell(lines, *asked, replaced=ENTRY.card_id) == ""
    assert farewell(lines, "cam-0102", "studio") == ""


def test_cards_that_were_swapped_are_known_by_what_they_are_now() -> None:
    lines = made(timedelta(hours=2)) + made(timedelta(hours=3), node="cam-0102", card_id="d" * 32)
    lines += made(timedelta(0), result="released", node="cam-0102")
    lines += made(timedelta(0), result="released", card_id="d" * 32)
    assert "written 3 hours ago" in twins(lines, "cam-0101", "studio", NOW)
    assert former_life(lines, ENTRY.card_id, NOW).startswith("It is the card of cam-0102 at studio")


def test_what_is_on_the_drive_is_told_from_the_ledger() -> None:
    lines = made(timedelta(days=1))
    told = former_life(lines, ENTRY.card_id, NOW)
    assert told == "It is the card of cam-0101 at studio, verified 1 day ago."
    assert former_life(lines, "d" * 32, NOW) == ""
    assert former_life([replace(ENTRY, card_id="")], "", NOW) == ""


def test_a_line_without_a_time_still_counts() -> None:
    assert "some time ago" in twins([replace(ENTRY, written_at="")], "cam-0101", "studio", NOW)
