"""Several cards at once, and something goes wrong with one of them: no card is ever in doubt.

FLASHER_FAULTS is the number of runs, 21 by default; FLASHER_SEED chooses what goes wrong in them.
With `-s`, the table of what was reported is printed at the end.
"""

from __future__ import annotations

import os
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import Future, wait
from pathlib import Path

import pytest

from flasher.card.plan import CardPlan, plan_card
from flasher.image.source import open_image
from tests.faults.conftest import CardMaker
from tests.faults.engine import Outcome, has_table, is_right, making_all
from tests.faults.faulty_card import FaultyCard
from tests.faults.scenarios import DONE, TROUBLES, Surroundings, Trouble
from tests.faults.small_images import FORMER_LIVES, MIB, small_image

RUNS = int(os.environ.get("FLASHER_FAULTS", "21"))
SEED = os.environ.get("FLASHER_SEED", "1")
_IMAGES = 4
# Most cards need to be written.
_LIVES = (*["foreign"] * 3, *["blank"] * 2, "half", "nearly the same", "same")

Tally = defaultdict[str, list[tuple[bool, str]]]


@pytest.fixture(scope="module")
def tally() -> Iterator[Tally]:
    """By what went wrong: whether the card was met by it, and what was said. Printed as a table."""
    counted: Tally = defaultdict(list)
    yield counted
    for name, runs in sorted(counted.items()):
        codes = Counter(code for _, code in runs)
        told = ", ".join(f"`{code}` {count}" for code, count in sorted(codes.items()))
        print(f"| {name} | {len(runs)} | {sum(met for met, _ in runs)} | {told} |")  # noqa: T201


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> list[CardPlan]:
    folders = [tmp_path_factory.mktemp("image") for _ in range(_IMAGES)]
    images = [small_image(folder, seed) for seed, folder in enumerate(folders)]
    return [plan_card(open_image(image), None) for image in images]


@pytest.mark.parametrize("number", range(RUNS))
def test_a_card_is_verified_right_or_reported_wrong_and_disturbs_no_other(
    number: int, plans: list[CardPlan], make_card: CardMaker, tally: Tally
) -> None:
    dice = random.Random(f"{SEED}-{number}")  # noqa: S311 - told, to be repeated
    plan = dice.choice(plans)
    size = plan.size + dice.choice((0, MIB, 8 * MIB))
    trouble = _choose(number, plan, size, dice)
    spoiled, *others = cards = [make_card(size) for _ in range(dice.choice((2, 2, 3)))]
    probe = dice.random() < 0.5
    lives = [_live(card, plan, dice) for card in cards]
    spoiled.spoil(*trouble.faults)
    with making_all(plan, cards, probe=probe) as outcomes:
        wait(outcomes[1:], 60)
        assert [outcome.result(0).code for outcome in outcomes[1:]] == [DONE] * len(others)
        if "stalls" in trouble.name and _is_stalled(spoiled, outcomes[0]):
            spoiled.spoil(*trouble.afterwards)
        outcome = outcomes[0].result(60)
    met = f"{lives}, {'probed, ' if probe else ''}{spoiled.moved().hits} hits"
    print(f"seed {SEED}, run {number}: {trouble}\n{met}: {outcome}")  # noqa: T201
    tally[trouble.name].append((spoiled.moved().hits > 0, outcome.code))
    assert outcome.code in trouble.allowed
    assert outcome.warnings or not (trouble.warns and spoiled.moved().hits)
    assert all(is_right(plan, card.backing) and has_table(card.backing) for card in others)
    _judge(plan, spoiled, outcome, trouble)


def _choose(number: int, plan: CardPlan, size: int, dice: random.Random) -> Trouble:
    around = Surroundings(tuple(plan.ranges), plan.size, size)
    return TROUBLES[number % len(TROUBLES)](around, dice)


def _live(card: FaultyCard, plan: CardPlan, dice: random.Random) -> str:
    """Let a card have had a former life."""
    life = dice.choice(_LIVES)
    FORMER_LIVES[life](card.backing, Path(plan.image.path), dice)
    return life


def _is_stalled(card: FaultyCard, outcome: Future[Outcome]) -> bool:
    """Wait until a card is done, or does not answer; tell which."""
    while not outcome.done():
        if card.is_held():
            return True
    return False


def _judge(plan: CardPlan, card: FaultyCard, outcome: Outcome, trouble: Trouble) -> None:
    """A card that is done is right; one that is not looks good only if it was never touched."""
    wraps = next((fault.length for fault in trouble.faults if fault.kind == "wrap"), None)
    right, looks_good = is_right(plan, card.backing, wraps), has_table(card.backing)
    if outcome.code == DONE:
        assert right
        assert looks_good
    elif looks_good and not right:
        assert not any(place and place[0] == 0 for place in card.moved().log)
