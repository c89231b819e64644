"""Releases as our own server hands them out, and as it reads their plan itself."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from autosetup.site_key import SiteKey
from flasher.events import Emit, Event, Noted, ignore
from flasher.fleet.server.guard import Guard
from flasher.fleet.server.rig_side import RigSide, Whose, rig_side
from flasher.fleet.server.shelf import Folder
from flasher.fleet.server.signed_plan import PlanReader
from flasher.fleet.server.ticker import Ticker
from flasher.rig.ledger import Ledger
from tests.integration.fleet.release.rigs import WISH, Reader, World
from tests.integration.fleet.server.served import mirroring, serving_folder


def plans(world: World, key: SiteKey | None = None) -> PlanReader:
    return PlanReader(Folder(world.place.folder), "field", key or world.signer.public)


@asynccontextmanager
async def following(world: World, emit: Emit = ignore) -> AsyncIterator[RigSide]:
    """A server's side of the site, which goes on where the last one ended."""
    whose = Whose("field", world.signer.public, Ledger())
    rig = rig_side(whose, Guard(frozenset({"http://a"})), "", "", Folder(world.place.folder))
    ticker = Ticker(rig, emit, seconds=0.001)
    await ticker.begin()
    try:
        yield rig
    finally:
        await ticker.end()


async def test_another_client_reads_a_whole_release_from_the_server_and_its_mirror(
    world: World, tmp_path: Path
) -> None:
    card = world.make_card("cam-101")
    draft = world.release()
    root = (world.place.folder / "metadata/1.root.json").read_bytes()
    private = world.identities["cam-101"].sealing_key

    def read(url: str, memory: Path) -> dict[str, bytes]:
        reader = Reader(url, memory, root)
        plan, letter = reader.plan("field"), reader.letter("field", "camera", card)
        assert plan is not None
        assert letter is not None
        assert plan.generation == letter.told.generation == draft.generation
        return reader.payload(letter, private)

    async with (
        serving_folder(world.place.folder) as first,
        mirroring(first, tmp_path / "mirror") as second,
        mirroring(second, tmp_path / "mirror of it") as third,
    ):
        payloads = [
            await asyncio.to_thread(read, url, tmp_path / f"reader-{number}")
            for number, url in enumerate((first, second, third))
        ]
    assert payloads[0] == payloads[1] == payloads[2]
    assert "node.toml" in payloads[0]


async def test_the_plan_of_the_newest_release_is_followed(world: World) -> None:
    reader = plans(world)
    assert await reader.look() is None
    world.make_cards()
    first = world.release(replace(WISH, at_once=4, canaries=("cam-101",)))
    plan = await reader.look()
    assert plan is not None
    assert (plan.generation, plan.at_once) == (first.generation, 4)
    assert len(plan.canaries) == 1
    second = world.release()
    plan = await reader.look()
    assert plan is not None
    assert plan.generation == second.generation > first.generation


async def test_a_plan_that_the_site_did_not_sign_is_none(world: World) -> None:
    world.make_cards()
    world.release()
    assert await plans(world, SiteKey(bytes(32))).look() is None


async def test_a_plan_that_was_changed_is_none(world: World) -> None:
    world.make_cards()
    world.release()
    (plan,) = world.place.folder.glob("targets/field/*.rollout.json")
    plan.write_bytes(plan.read_bytes().replace(b'"at_once": 10', b'"at_once": 99'))
    assert await plans(world).look() is None


async def test_an_older_release_that_is_put_back_changes_nothing(
    world: World, tmp_path: Path
) -> None:
    world.make_cards()
    world.release()
    shutil.copytree(world.place.folder, tmp_path / "old")
    newest = world.release()
    reader = plans(world)
    assert await reader.look() is not None
    shutil.copytree(tmp_path / "old", world.place.folder, dirs_exist_ok=True)
    plan = await reader.look()
    assert plan is not None
    assert plan.generation == newest.generation


async def test_an_older_release_that_is_put_back_changes_nothing_for_the_next_server_either(
    world: World, tmp_path: Path
) -> None:
    world.make_cards()
    world.release()
    shutil.copytree(world.place.folder, tmp_path / "old")
    newest = world.release()
    shutil.copytree(world.place.folder, tmp_path / "new")
    async with following(world) as rig:
        while not rig.desk.desk.plan:
            await asyncio.sleep(0)
    shutil.copytree(tmp_path / "old", world.place.folder, dirs_exist_ok=True)
    told: asyncio.Queue[Event] = asyncio.Queue()
    async with following(world, told.put_nowait) as rig:
        event = await told.get()
        assert isinstance(event, Noted)
        assert "older plan" in event.text
        assert "plan.json" in event.text
        assert rig.desk.desk.plan is None
        shutil.copytree(tmp_path / "new", world.place.folder, dirs_exist_ok=True)
        while not (plan := rig.desk.desk.plan):
            await asyncio.sleep(0)
        assert plan.generation == newest.generation
    assert told.empty()


async def test_an_older_plan_under_a_newer_number_changes_nothing(world: World) -> None:
    world.make_cards()
    world.release()
    metadata = world.place.folder / "metadata"
    old = (metadata / "1.field.json").read_bytes()
    newest = world.release()
    reader = plans(world)
    assert await reader.look() is not None
    timestamp = json.loads((metadata / "timestamp.json").read_bytes())
    timestamp["signed"]["meta"]["snapshot.json"]["version"] = 99
    snapshot = {"signed": {"meta": {"field.json": {"version": 99}}}}
    (metadata / "99.field.json").write_bytes(old)
    (metadata / "99.snapshot.json").write_text(json.dumps(snapshot))
    (metadata / "timestamp.json").write_text(json.dumps(timestamp))
    plan = await reader.look()
    assert plan is not None
    assert plan.generation == newest.generation


async def test_a_repository_that_is_torn_leaves_the_last_plan(world: World) -> None:
    world.make_cards()
    released = world.release()
    reader = plans(world)
    await reader.look()
    for spoiled in (b"", b"{", b"[]", b'{"signed": {}}', b'{"signed": {"meta": 1}}'):
        (world.place.folder / "metadata/timestamp.json").write_bytes(spoiled)
        plan = await reader.look()
        assert plan is not None
        assert plan.generation == released.generation
