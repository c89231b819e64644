"""Where no server gives turns, lot follows lot: by what the nodes' own agent makes of the plan."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from autosetup.counting import Sequence
from autosetup.rollout_plan import RolloutPlan
from autosetup.update.look import looking
from autosetup.update.turns import Asking
from flasher.errors import BadInput, FlasherError
from flasher.fleet.release.plan import going, paused
from flasher.fleet.release.steps import change_plan
from tests.integration.fleet.release.rigs import WISH, World
from tests.integration.fleet.release.test_nodes import asked, ground

LOTS = replace(WISH, canaries=("cam-101",), at_once=5, spacing_seconds=1200)
MINUTE = timedelta(minutes=1)


def plan_on_nodes(world: World, url: str, tmp_path: Path) -> RolloutPlan:
    """The plan in force, as a node reads it."""
    with looking(ground(world, url, tmp_path), asked) as found:
        assert found.plan
        return found.plan


def begun(plan: RolloutPlan, at: datetime) -> int:
    """How many nodes would begin by then, where each asks for itself and no server answers."""
    askings = [Asking(card, "", (), "", lambda: Sequence(1), lambda: at) for card in plan.cards]
    turns = Counter(asking.ask(plan.generation, plan).granted for asking in askings)
    return turns[True]


def test_a_draft_that_is_published_days_later_begins_with_its_canaries_all_the_same(
    world: World, url: str, tmp_path: Path
) -> None:
    world.make_cards()
    world.draft(LOTS)
    world.now += timedelta(days=3)
    world.sign()
    world.publish()
    plan = plan_on_nodes(world, url, tmp_path)
    count = {m: begun(plan, world.now + m * MINUTE) for m in (0, 19, 40, 60, 80)}
    assert count == {0: 1, 19: 1, 40: 6, 60: 11, 80: 16}


@pytest.mark.parametrize(("spacing", "minutes"), [(7200, 10), (120, 2), (5, 1)])
def test_what_was_signed_so_long_ago_that_lots_would_begin_with_the_canaries_is_signed_again(
    world: World, spacing: int, minutes: int
) -> None:
    world.make_cards()
    world.draft(replace(LOTS, spacing_seconds=spacing))
    world.sign()
    before = world.place.read().timestamp.signed.version
    world.now += minutes * MINUTE + timedelta(seconds=1)
    with pytest.raises(FlasherError) as refused:
        world.publish()
    assert refused.value.code == "draft-late"
    assert world.place.read().timestamp.signed.version == before
    world.sign()
    world.now += minutes * MINUTE
    world.publish()


def test_whoever_takes_long_to_type_a_passphrase_need_not_type_it_again(world: World) -> None:
    world.make_cards()
    world.draft(LOTS)
    assert "targets" in world.sign(asked_for=15 * MINUTE)
    world.publish()


@pytest.mark.parametrize("change", [{"spacing_seconds": 0}, {"nodes": ("cam-101",)}])
def test_where_there_are_no_lots_nothing_is_signed_again(
    world: World, change: dict[str, int]
) -> None:
    world.make_cards()
    world.draft(replace(LOTS, **change))
    world.sign()
    world.now += timedelta(days=3)
    world.publish()


def test_a_plan_that_was_spoiled_is_not_signed(world: World) -> None:
    world.make_cards()
    world.draft(LOTS)
    (plan,) = (world.place.draft / "files/targets/field").glob("*.rollout.json")
    plan.write_bytes(plan.read_bytes().replace(b"1200", b"1000"))
    with pytest.raises(BadInput, match="not as it was made"):
        world.sign()


def test_after_a_pause_the_lots_that_are_left_do_not_begin_all_at_once(
    world: World, url: str, tmp_path: Path
) -> None:
    world.make_cards()
    world.release(LOTS)
    for change in (paused, going):
        world.now += timedelta(days=1)
        state = world.place.read()
        change_plan(world.place, state, world.signer, change, lambda: world.targets, world.now)
    plan = plan_on_nodes(world, url, tmp_path)
    assert begun(plan, world.now + 19 * MINUTE) == 1
    assert begun(plan, world.now + 40 * MINUTE) == 6
