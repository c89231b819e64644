"""`flasher write` of several cards at once, one of which fails: the others are done meanwhile."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from flasher.card.plan import CardPlan, plan_card
from flasher.errors import ExitCode
from flasher.image.source import open_image
from tests.faults.conftest import CardMaker
from tests.faults.disk import Fault
from tests.faults.engine import has_table, is_right
from tests.faults.faulty_card import FaultyCard
from tests.faults.small_images import MIB, small_image


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> CardPlan:
    return plan_card(open_image(small_image(tmp_path_factory.mktemp("image"), 3)), None)


@pytest.fixture
def cards(make_card: CardMaker, plan: CardPlan) -> list[FaultyCard]:
    return [make_card(plan.size) for _ in range(3)]


class Command:
    """`flasher write` at work.

    Attributes:
        told: the objects that it has printed so far.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.told: list[dict[str, Any]] = []

    def hear(self, *, until_proven: int) -> None:
        """Listen until so many cards are read back, or to the end."""
        assert self.process.stdout
        while self._proven() < until_proven:
            line = self.process.stdout.readline()
            if not line:
                return
            self.told.append(json.loads(line))

    def _proven(self) -> int:
        ends = [told for told in self.told if told.get("event") == "StepFinished"]
        return len({told["subject"] for told in ends if told["step"] == "verify" and told["ok"]})


@pytest.fixture
def command(plan: CardPlan, cards: list[FaultyCard]) -> Iterator[Command]:
    drives = [str(card.path) for card in cards]
    argv = [sys.executable, "-m", "flasher", "write", str(plan.image.path), *drives]
    cards[1].spoil(Fault("freeze", "write", after=2 * MIB))
    with subprocess.Popen(
        [*argv, "--no-probe", "--yes", "--json"], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Command(process)
        finally:
            cards[1].spoil()
            process.kill()


def outcomes(command: Command, cards: list[FaultyCard]) -> list[dict[str, Any]]:
    """What it says of each card in the end."""
    drives = {told["drive"]: told for told in command.told[-1]["drives"]}
    return [drives[str(card.path)] for card in cards]


def check(plan: CardPlan, cards: list[FaultyCard]) -> None:
    assert [is_right(plan, card.backing) for card in cards] == [True, False, True]
    assert [has_table(card.backing) for card in cards] == [True, False, True]


def test_the_others_are_done_while_one_does_not_answer_and_its_end_is_told(
    plan: CardPlan, cards: list[FaultyCard], command: Command
) -> None:
    command.hear(until_proven=2)
    cards[1].wait("held")
    check(plan, cards)
    cards[1].spoil(Fault("pull"))
    command.hear(until_proven=3)
    assert command.process.wait(60) == ExitCode.FAILED
    check(plan, cards)
    first, pulled, last = outcomes(command, cards)
    assert pulled["error"]["code"] == "card-pulled"
    assert "error" not in {**first, **last}


def test_one_that_does_not_answer_can_be_given_up(
    plan: CardPlan, cards: list[FaultyCard], command: Command
) -> None:
    command.hear(until_proven=2)
    cards[1].wait("held")
    command.process.send_signal(signal.SIGINT)
    cards[1].spoil(Fault("pull"))  # the kernel lets no program go that waits for a drive
    command.hear(until_proven=3)
    assert command.process.wait(60) == ExitCode.INTERRUPTED
    check(plan, cards)


def test_a_command_that_is_run_again_finishes_the_card_that_failed_and_keeps_the_others(
    plan: CardPlan, cards: list[FaultyCard], command: Command
) -> None:
    command.hear(until_proven=2)
    cards[1].wait("held")
    cards[1].spoil(Fault("pull"))
    command.hear(until_proven=3)
    command.process.wait(60)
    cards[1].spoil()
    before = [card.moved().written for card in cards]
    drives = [str(card.path) for card in cards]
    argv = [sys.executable, "-m", "flasher", "write", str(plan.image.path), *drives]
    subprocess.run([*argv, "--no-probe", "--yes", "--json"], check=True, capture_output=True)
    assert all(is_right(plan, card.backing) and has_table(card.backing) for card in cards)
    written = [card.moved().written - past for card, past in zip(cards, before, strict=True)]
    assert max(written[0], written[2]) <= 2 * MIB  # the first MiB goes and comes
