"""Releases as our own nodes find them: over the network, and on a stick's folder."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

from autosetup.payload import unpack
from autosetup.settings import Update
from autosetup.system import System
from autosetup.update.here import Ground
from autosetup.update.look import looking
from autosetup.update.sources import sources
from autosetup.update.store import Store
from flasher.fleet.release.copies import copy_in_force
from flasher.fleet.release.plan import withdrawn
from flasher.fleet.release.steps import change_plan
from tests.integration.fleet.release.rigs import WISH, World, serving


def ground(world: World, url: str, folder: Path, name: str = "cam-101") -> Ground:
    """A node with the card that was made for it, and the root that images bring."""
    identity = world.identities[name]
    return Ground(
        System(folder / "root"),
        folder / "update",
        world.place.root_file.read_bytes(),
        Update("field", url),
        world.rig.find(name).role,
        identity.card_id,
        identity.generation,
        identity.generation,
        identity.sealing_key,
    )


def asked(system: System, update: Update) -> Generator[Store, None, None]:
    """The sources of a node with no stick in it."""
    return sources(system, update, partitions=lambda _: [])


def test_a_node_finds_what_was_released_for_its_card(
    world: World, url: str, tmp_path: Path
) -> None:
    world.make_cards()
    package = world.folder / "autosetup_99.0_all.deb"
    package.write_bytes(b"!<arch>\n")
    draft = world.release(replace(WISH, canaries=("cam-101",), agent=package))
    with looking(ground(world, url, tmp_path), asked) as found:
        assert found.is_newer
        payload = unpack(found.payload())
        assert found.plan
        assert found.plan.is_canary(payload.manifest.card_id)
        assert found.agent
        assert found.fetch_agent().read_bytes() == b"!<arch>\n"
    assert payload.manifest.generation == draft.generation
    assert payload.settings.name == "cam-101"


def test_a_node_finds_the_same_in_a_copy(world: World, tmp_path: Path) -> None:
    world.make_cards()
    draft = world.release()
    copy_in_force(world.place.read(), tmp_path / "copy")
    with (
        serving(tmp_path / "copy") as url,
        looking(ground(world, url, tmp_path), asked) as found,
    ):
        assert unpack(found.payload()).manifest.generation == draft.generation


def test_a_node_hears_that_a_generation_is_taken_back(
    world: World, url: str, tmp_path: Path
) -> None:
    world.make_cards()
    draft = world.release()
    node = ground(world, url, tmp_path)
    change_plan(
        world.place, world.place.read(), world.signer, withdrawn, lambda: world.targets, world.now
    )
    with looking(node, asked) as found:
        assert not found.is_newer
    has_it = replace(node, generation=draft.generation, newest=draft.generation)
    with looking(has_it, asked) as found:
        assert found.takes_back
