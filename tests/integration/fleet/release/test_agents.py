"""The agents of a repository: the nodes of each site run the one that its plan names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tuf.api.metadata import TargetFile

from autosetup.rollout_plan import RolloutPlan, write_plan
from flasher.fleet.release import names, signing
from flasher.fleet.release.plan import paused, read_plan_of, withdrawn
from flasher.fleet.release.publish import publish
from flasher.fleet.release.signing import Wanted
from flasher.fleet.release.steps import change_plan
from flasher.fleet.release.store import sha256_of
from flasher.rig.signing import SiteSigner
from tests.integration.fleet.release.rigs import WISH, Reader, World

MakeReader = Callable[[], Reader]


def agent(version: int) -> str:
    return f"agent/autosetup_{version}_all.deb"


def release(world: World, version: int) -> None:
    """One of the site `field` that brings an agent."""
    package = world.folder / f"autosetup_{version}_all.deb"
    package.write_bytes(str(version).encode())
    world.release(replace(WISH, agent=package))


def release_at_barn(world: World, plan: bytes, agents: Mapping[str, bytes]) -> None:
    """One of another site of the repository."""
    state, barn = world.place.read(), SiteSigner(Ed25519PrivateKey.generate(), "barn")
    made = {
        "targets": signing.sign_targets(state, world.now, world.targets, site=barn, agents=agents),
        **signing.sign_site(state, Wanted("barn", plan), barn, world.now),
    }
    told = {"barn/rollout.json": plan, **agents}
    files = {names.stored(path, sha256_of(raw)): raw for path, raw in told.items()}
    publish(world.place, state, made, files, world.now)


def plan_of_barn(version: int) -> bytes:
    return write_plan(RolloutPlan("barn", 1, "2026-11-22T03:39:50Z", agent=agent(version)))


def take_back(world: World) -> RolloutPlan:
    return change_plan(
        world.place, world.place.read(), world.signer, withdrawn, lambda: world.targets, world.now
    )


def fetched(reader: Reader, *versions: int) -> list[bool]:
    return [reader.fetch(agent(version)) is not None for version in versions]


def test_the_agent_of_a_site_stays_where_another_site_brings_one(
    world: World, reader: MakeReader
) -> None:
    world.make_cards()
    release(world, 8)
    release_at_barn(world, plan_of_barn(9), {agent(9): b"9"})
    node = reader()
    assert fetched(node, 8, 9) == [True, True]
    world.release()
    plan = node.plan("field")
    assert plan
    assert plan.agent == agent(8)
    assert fetched(node, 8, 9) == [True, True]


def test_agents_that_no_plan_names_go_when_new_ones_come(world: World, reader: MakeReader) -> None:
    world.make_cards()
    for version in (6, 7, 8, 9):
        release(world, version)
    assert fetched(reader(), 6, 8, 9) == [False, True, True], "9 may be taken back"


def test_where_a_plan_cannot_be_read_all_agents_stay(world: World, reader: MakeReader) -> None:
    world.make_cards()
    release(world, 8)
    release_at_barn(world, b"of a newer flasher", {agent(9): b"9"})
    for version in (10, 11):
        release(world, version)
    assert fetched(reader(), 8, 9, 10, 11) == [True] * 4


def test_an_agent_that_the_repository_lost_is_not_named_again(
    world: World, reader: MakeReader
) -> None:
    """Flashers before took one site's package away with another site's; nodes waited for it."""
    world.make_cards()
    release(world, 8)
    state = world.place.read()
    delegations, no_targets = state.targets.signed.delegations, dict[str, TargetFile]()
    lost = signing.signed_targets(
        state, "targets", no_targets, world.now, world.targets, delegations
    )
    publish(world.place, state, {"targets": lost}, {}, world.now)
    world.release()
    plan = reader().plan("field")
    assert plan
    assert not plan.agent


def test_an_agent_that_is_taken_back_goes_to_no_further_node(
    world: World, reader: MakeReader
) -> None:
    world.make_cards()
    release(world, 8)
    release(world, 9)
    take_back(world)
    node = reader()
    plan = node.plan("field")
    assert plan
    assert plan.agent == agent(8)
    assert fetched(node, 8) == [True]
    world.release()
    plan = node.plan("field")
    assert plan
    assert plan.agent == agent(8), "nor with the next release"


def test_an_agent_that_came_with_an_earlier_release_stays_when_another_is_taken_back(
    world: World,
) -> None:
    world.make_cards()
    release(world, 8)
    world.release()
    change_plan(
        world.place, world.place.read(), world.signer, paused, lambda: world.targets, world.now
    )
    assert take_back(world).agent == agent(8)


@pytest.mark.parametrize("is_first", [True, False])
def test_where_nobody_knows_which_agent_was_before_none_is_named(
    world: World, is_first: bool
) -> None:
    world.make_cards()
    release(world, 8)
    if not is_first:
        release(world, 9)
        for path in world.place.folder.glob("metadata/1.field.json"):
            path.unlink()
    assert not take_back(world).agent


def test_nobody_else_says_which_agent_was_before(world: World) -> None:
    world.make_cards()
    release(world, 7)
    release(world, 8)
    release(world, 9)
    state, stranger = world.place.read(), SiteSigner(Ed25519PrivateKey.generate(), "field")
    raw = write_plan(replace(read_plan_of(state, "field"), generation=1, agent=agent(9)))
    made = signing.sign_site(state, Wanted("field", raw), stranger, world.now)["field"]
    made.signed.version = 2
    made.sign(signing.keys.site_signer(stranger))
    (world.place.folder / names.versioned("field", 2)).write_bytes(made.to_bytes())
    stored = names.stored("field/rollout.json", sha256_of(raw))
    (world.place.folder / stored).write_bytes(raw)
    assert not take_back(world).agent
