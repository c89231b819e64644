"""A long day at the bench: many cards, good and bad ones, pulled and broken; every line is true."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from flasher.bench.runner import BenchPorts, BenchRunner
from flasher.image.source import open_image
from flasher.practice.bench import PracticeBench
from flasher.practice.image import practice_image
from flasher.rig.ledger import Ledger
from flasher.rig.profile import load_profile
from flasher.rig.rigmap import lay_out
from flasher.rig.site import load_site
from tests.soak.hand import Hand

SEED = int(os.environ.get("FLASHER_SEED", "1"))
# Fewer cards say nothing about memory: what is loaded once counts for more.
ENOUGH_FOR_MEMORY = 100


def seat_at(folder: Path, readers: int, cards: int) -> tuple[Hand, BenchRunner, Ledger]:
    rig = lay_out(load_profile("body-16x7"), *load_site("demo"))
    desk, ledger = PracticeBench(folder, readers=readers), Ledger(folder / "ledger.sqlite")
    desk.lay_out(rig)
    path = practice_image(folder)
    image = open_image(path)
    ports = BenchPorts(desk, desk.signal, ledger, desk.making, lambda: datetime.now(UTC))
    runner = BenchRunner(ports, rig, lambda: image, on_change=lambda _: None)
    hand = Hand(desk, runner, path, Random(SEED * 1000 + cards))  # noqa: S311
    return hand, runner, ledger


def check_ledger(hand: Hand, ledger: Ledger) -> None:
    """What is verified was found right; what is not holds no whole card, unless it was pulled out
    at the very last moment, when nobody could read it back any more."""
    entries = ledger.entries()
    verified = {entry.card_id for entry in entries if entry.result == "verified"}
    assert hand.good <= verified
    assert verified - hand.good <= hand.found
    others = (entry for entry in entries if entry.card_id not in verified)
    odd = [entry for entry in others if entry.card_id in hand.found]
    assert all("was pulled out" in entry.reason for entry in odd), odd


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def check_memory(cards: int, early: int, late: int) -> None:
    """Of a third of the day, and at its end; nothing was done at either moment."""
    assert cards < ENOUGH_FOR_MEMORY or late <= 1.1 * early, f"{early} bytes became {late}"


@pytest.mark.timeout(3600)
def test_a_long_day_leaves_no_doubt_about_any_card(tmp_path, cards, readers, stumbles):
    hand, runner, ledger = seat_at(tmp_path, readers, cards)
    threads, files = threading.active_count(), open_files()
    runner.start()
    runner.set_auto(True)
    hand.work(cards // 3)
    early = hand.rest()
    hand.work(cards)
    late = hand.rest()
    runner.close()
    assert runner.wait_closed(60)
    print(f"{cards} cards, {readers} lanes: {dict(hand.ends)}; {early >> 20} MiB, {late >> 20} MiB")  # noqa: T201
    assert not hand.wrong
    assert not stumbles
    assert "internal" not in hand.ends
    assert hand.ends["ready"] > cards / 4
    check_ledger(hand, ledger)
    assert threading.active_count() <= threads + 1  # one that was told to stop may be ending
    assert open_files() <= files + 2
    check_memory(cards, early, late)
