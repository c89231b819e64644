"""What a server, a thief of one key, or a broken disk does to a repository harms no node."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tuf.api.exceptions import DownloadError, ExpiredMetadataError, RepositoryError
from tuf.api.metadata import Metadata, TargetFile, Targets

from autosetup.rollout_plan import write_plan
from flasher.errors import FlasherError
from flasher.fleet.release import names, signing
from flasher.fleet.release.plan import paused, read_plan_of
from flasher.fleet.release.publish import next_frame, publish
from flasher.fleet.release.signing import Wanted
from flasher.fleet.release.steps import change_plan, renew
from flasher.fleet.release.store import install
from flasher.rig.signing import SiteSigner
from tests.integration.fleet.release.rigs import Reader, World, serving

MakeReader = Callable[[], Reader]
Tree = dict[str, bytes]


def tree(folder: Path) -> Tree:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def plant(folder: Path, files: Tree) -> None:
    """Make a folder hold these files and no others."""
    shutil.rmtree(folder)
    for path, raw in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(raw)


@pytest.fixture
def twice(world: World, reader: MakeReader) -> tuple[Tree, Tree, Reader]:
    """The repository after a first and after a second release, and a node that saw both."""
    world.make_cards()
    world.release()
    node, first = reader(), tree(world.place.folder)
    assert node.plan("field")
    world.release()
    assert node.plan("field")
    return first, tree(world.place.folder), node


def test_a_server_cannot_go_back(world: World, twice: tuple[Tree, Tree, Reader]) -> None:
    first, _, node = twice
    plant(world.place.folder, first)
    with pytest.raises(RepositoryError):
        node.plan("field")
    with pytest.raises(FlasherError, match="was published from here"):
        world.place.read()


@pytest.mark.parametrize("role", ["snapshot", "targets", "field", "field.camera"])
def test_parts_of_two_releases_cannot_be_mixed(
    world: World, reader: MakeReader, twice: tuple[Tree, Tree, Reader], role: str
) -> None:
    first, second, _ = twice
    newest, older = (
        max((p for p in files if _role(p) == role), key=_version) for files in (second, first)
    )
    # The targets stayed as they were; there is a version before the first release.
    second[newest] = first["metadata/1.targets.json" if newest == older else older]
    plant(world.place.folder, second)
    card = world.identities["cam-101"].card_id
    with pytest.raises((RepositoryError, DownloadError)):
        reader().letter("field", "camera", card)
    with pytest.raises(FlasherError, match="not as it was published"):
        world.place.read()


def _role(path: str) -> str:
    return path.removeprefix("metadata/").partition(".")[2].removesuffix(".json")


def _version(path: str) -> int:
    return int(path.removeprefix("metadata/").partition(".")[0])


def test_a_server_that_keeps_news_back_is_found_out(world: World, reader: MakeReader) -> None:
    world.now -= timedelta(days=31)
    world.make_cards()
    world.release()
    with pytest.raises(ExpiredMetadataError):
        reader().plan("field")
    renew(world.place, world.place.read(), world.now + timedelta(days=31))
    assert reader().plan("field")


def test_a_stranger_cannot_sign_for_a_site(world: World, reader: MakeReader) -> None:
    world.make_cards()
    world.release()
    state = world.place.read()
    stranger = SiteSigner(Ed25519PrivateKey.generate(), "field")
    raw = write_plan(replace(read_plan_of(state, "field"), paused=True))
    made = signing.sign_site(state, Wanted("field", raw), stranger, world.now)
    with pytest.raises(FlasherError, match="does not fit"):
        publish(world.place, state, made, {}, world.now)
    _force(world, made)
    with pytest.raises(RepositoryError):
        reader().plan("field")


def test_a_site_cannot_speak_for_another_nor_for_the_agent(
    world: World, reader: MakeReader
) -> None:
    world.make_cards()
    world.release()
    evil = b"evil"
    paths = ["other/rollout.json", "agent/autosetup_9_all.deb", "other/camera/x.json"]
    state = world.place.read()
    signed = state.delegated["field"].signed
    signed.version += 1
    for path in paths:
        found = TargetFile.from_data(path, evil, ["sha256"])
        signed.targets[path] = found
        install(world.place.folder, {names.stored(path, found.hashes["sha256"]): evil})
    data = Metadata(signed)
    data.sign(signing.keys.site_signer(world.signer))
    _force(world, {"field": data})
    node = reader()
    assert node.plan("field")
    assert [node.fetch(path) for path in paths] == [None] * len(paths)


def test_a_site_cannot_have_another_one_sign_what_it_says_of_it(
    world: World, reader: MakeReader
) -> None:
    """Its technician has the online keys, so what it lists comes into the repository they share."""
    world.make_cards()
    generation = world.release().generation
    state = world.place.read()
    barn = SiteSigner(Ed25519PrivateKey.generate(), "barn")
    letter = names.letter_target("field", "camera", world.identities["cam-101"].card_id)
    harm = replace(read_plan_of(state, "field"), withdrawn=(generation,), canaries=())
    told = {"field/rollout.json": write_plan(harm), letter: b"evil"}
    listed = {path: TargetFile.from_data(path, raw, ["sha256"]) for path, raw in told.items()}
    for path, file in listed.items():
        install(world.place.folder, {names.stored(path, file.hashes["sha256"]): told[path]})
    by = signing.keys.site_signer(barn)
    made = {
        "targets": signing.sign_targets(state, world.now, world.targets, site=barn),
        "barn": signing.signed_targets(state, "barn", listed, world.now, by),
    }
    _force(world, made)
    after = world.place.read()
    assert after.read(letter) == state.read(letter)
    change_plan(world.place, after, world.signer, paused, lambda: world.targets, world.now)
    plan = reader().plan("field")
    assert plan
    assert plan.paused
    assert not plan.withdrawn


def _force(world: World, made: dict[str, Metadata[Targets]]) -> None:
    """Publish without looking, as somebody with the online keys could."""
    state = world.place.read()
    roles = state.root.signed.roles
    snapshot, timestamp = (
        signing.keys.online(world.place.keys, roles[role].keyids, role)
        for role in signing.keys.ONLINE
    )
    top = next_frame(state, made, world.now, [snapshot], [timestamp])
    raw = {names.versioned(role, d.signed.version): d.to_bytes() for role, d in made.items()}
    install(world.place.folder, {**raw, **top})


def test_no_file_can_be_cut_short_unnoticed(
    world: World, reader: MakeReader, twice: tuple[Tree, Tree, Reader]
) -> None:
    second, card = twice[1], world.identities["cam-101"].card_id
    plant(world.place.folder, second)
    node = reader()
    letter = node.letter("field", "camera", card)
    assert letter is not None
    wanted = node.payload(letter, world.identities["cam-101"].sealing_key)
    for path in sorted(second):
        if "metadata" not in path and card not in path and "rollout" not in path:
            continue
        plant(world.place.folder, second | {path: second[path][: len(second[path]) // 2]})
        again = reader()
        try:
            again.plan("field")
            found = again.letter("field", "camera", card)
        except (RepositoryError, DownloadError):
            continue
        assert found is not None, path
        assert found.told == letter.told, path
    assert wanted


def test_a_publish_that_was_killed_leaves_the_old_release_and_goes_on(
    world: World, reader: MakeReader
) -> None:
    world.make_cards()
    world.release()
    before = tree(world.place.folder)
    old = world.place.read().timestamp.signed.version
    generation = world.draft().generation
    world.sign()
    world.publish()
    after = tree(world.place.folder)
    new = sorted(path for path in after if before.get(path) != after[path])
    assert names.TIMESTAMP in new
    for chosen in _subsets([path for path in new if path != names.TIMESTAMP]):
        torn = {path: after[path][: len(after[path]) // 3] for path in chosen[:2]}
        plant(world.place.folder, before | {path: after[path] for path in chosen} | torn)
        plan = reader().plan("field")
        assert plan is not None
        assert plan.generation < generation
        install(world.place.folder, {path: after[path] for path in new})
        plan = reader().plan("field")
        assert plan is not None
        assert plan.generation == generation
    assert world.place.read().timestamp.signed.version == old + 1


def _subsets(paths: list[str]) -> Iterator[list[str]]:
    """What of it may be on disk when the power goes: any part, in any order."""
    chance = random.Random(8)  # noqa: S311
    for _ in range(12):
        yield chance.sample(paths, chance.randrange(len(paths) + 1))


def test_a_reader_in_the_middle_of_a_publish_has_one_release_whole(
    world: World, tmp_path: Path
) -> None:
    """It has read the old timestamp, and reads all else when the new release is in place."""
    world.make_cards()
    first = world.release().generation
    root = (world.place.folder / "metadata/1.root.json").read_bytes()
    stale = (world.place.folder / names.TIMESTAMP).read_bytes()
    world.release()
    (world.place.folder / names.TIMESTAMP).write_bytes(stale)
    with serving(world.place.folder) as url:
        node = Reader(url, tmp_path / "reader", root)
        plan = node.plan("field")
        letter = node.letter("field", "camera", world.identities["cam-101"].card_id)
    assert plan is not None
    assert letter is not None
    assert plan.generation == letter.told.generation == first
