"""Whoever has a slow card hears whether it is the card, or the reader."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flasher.rig.entry import Entry
from flasher.rig.readers import judge_reader
from tests.unit.rig.sample_entry import ENTRY


def cards(*speeds: float, port: str = "usb 1-2", laptop: str = "bench") -> list[Entry]:
    """Cards written in one reader, by their speed in MB/s."""
    line = replace(ENTRY, bytes_written=1 << 30, result="verified", reader_port=port, laptop=laptop)
    return [
        replace(line, entry_id=f"{number:032x}", write_speed=speed)
        for number, speed in enumerate(speeds)
    ]


@pytest.mark.parametrize(
    ("speeds", "said"),
    [
        ((2.0, 3.0, 1.5), "The last 3 cards in this reader (usb 1-2) were all slow"),
        ((30.0, 2.0, 3.0, 2.0, 3.5, 1.5), "The last 5 cards in this reader"),
        ((20.0, 30.0, 25.0, 2.0), "The 3 cards before it in this reader (usb 1-2) were faster"),
        ((2.0, 30.0, 2.0), ""),
        ((30.0, 2.0), ""),
        ((2.0, 2.0, 30.0), ""),
    ],
)
def test_a_reader_is_judged_by_its_last_cards(speeds: tuple[float, ...], said: str) -> None:
    entries = cards(*speeds)
    sentence = judge_reader(entries, entries[-1])
    assert sentence.startswith(said)
    assert bool(sentence) == bool(said)


def test_other_readers_and_laptops_do_not_count() -> None:
    others = [*cards(2.0, 2.0, port="usb 1-3"), *cards(2.0, 2.0, laptop="other")]
    latest = replace(cards(2.0)[0], entry_id="f" * 32)
    assert judge_reader([*others, latest], latest) == ""


def test_a_few_kilobytes_tell_nothing() -> None:
    few = [replace(card, bytes_written=4096) for card in cards(0.1, 0.1, 0.1)]
    assert judge_reader(few, few[-1]) == ""


def test_a_reader_that_nothing_is_known_of_is_not_blamed() -> None:
    entries = cards(2.0, 2.0, 2.0, port="")
    assert judge_reader(entries, entries[-1]) == ""
