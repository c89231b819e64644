"""The root changes, keys are lost or stolen: nodes follow from whichever root they know."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from flasher.errors import BadInput, FlasherError
from flasher.fleet.release.keys import offline
from flasher.fleet.release.place import Place
from flasher.fleet.release.root import Change, RootKeys, make_repository, renew_root
from flasher.fleet.release.state import State
from flasher.fleet.release.steps import renew
from tests.integration.fleet.release.rigs import PASSPHRASE, Reader, World

MakeReader = Callable[[], Reader]


def change(world: World, *changes: Change, wanted: RootKeys | None = None) -> State:
    return renew_root(
        world.place,
        world.place.read(),
        world.place.keys,
        lambda: PASSPHRASE,
        world.now,
        changes=changes,
        wanted=wanted,
    )


def remove(world: World, *patterns: str) -> None:
    for pattern in patterns:
        for path in world.place.keys.glob(pattern):
            path.unlink()


def targets_key(world: World) -> None:
    wanted = world.place.read().root.signed.roles["targets"].keyids
    (world.targets,) = offline(world.place.keys, "targets", wanted, lambda: PASSPHRASE)


def test_images_with_any_root_of_the_repository_take_its_releases(world: World) -> None:
    world.make_cards()
    baked = [(world.place.home / "root.json").read_bytes()]
    steps: tuple[tuple[Change, ...], ...] = ((), ("root", "online"))
    for changes in steps:
        change(world, *changes)
        baked.append((world.place.home / "root.json").read_bytes())
    digests = [sha256(raw).hexdigest() for raw in baked]
    lines = zip(world.lines, [*digests, *[""] * len(world.lines)], strict=False)
    world.lines = [replace(line, update_root=digest) for line, digest in lines]
    assert len(world.draft().cards) == len(world.rig.nodes)


def test_nodes_follow_a_root_from_whichever_they_know(world: World, reader: MakeReader) -> None:
    world.make_cards()
    world.release()
    seen = reader()
    assert seen.plan("field")
    change(world)
    change(world, "root", "targets", "online", wanted=RootKeys(3, 2))
    for node in (seen, reader()):
        assert node.plan("field")
    remove(
        world, "root-1-v3.vault", "root-1.vault", "snapshot.key", "timestamp.key", "targets.vault"
    )
    targets_key(world)
    generation = world.release().generation
    for node in (seen, reader()):
        plan = node.plan("field")
        assert plan is not None
        assert plan.generation == generation
    assert change(world).root.signed.version == 4
    remove(world, "root-2-v3.vault")
    with pytest.raises(BadInput, match="1 of the 2 root keys"):
        change(world)


def test_readers_find_a_whole_repository_before_the_new_root_is_there(
    world: World, reader: MakeReader
) -> None:
    world.make_cards()
    world.release()
    change(world, "targets", "online")
    root = world.place.folder / "metadata/2.root.json"
    raw = root.read_bytes()
    root.unlink()
    assert reader().plan("field")
    root.write_bytes(raw)
    assert reader().plan("field")


def test_a_root_that_was_kept_here_but_not_published_yet_comes_with_the_next_release(
    world: World, reader: MakeReader
) -> None:
    world.make_cards()
    world.release()
    change(world, "online")
    (world.place.folder / "metadata/2.root.json").unlink()
    generation = world.release().generation
    plan = reader().plan("field")
    assert plan is not None
    assert plan.generation == generation


@pytest.mark.parametrize(
    ("lost", "replaced"), [("targets.vault", "targets"), ("snapshot.key", "online")]
)
def test_keys_that_are_lost_are_replaced_without_them(
    world: World, reader: MakeReader, lost: str, replaced: Change
) -> None:
    world.make_cards()
    world.release()
    remove(world, lost)
    change(world, replaced)
    targets_key(world)
    assert reader().plan("field")
    world.release()
    assert reader().plan("field")


def test_an_online_key_that_is_lost_is_told(world: World) -> None:
    world.make_cards()
    world.draft()
    world.sign()
    remove(world, "timestamp.key")
    with pytest.raises(BadInput, match="no timestamp key"):
        world.publish()


def test_with_a_stolen_online_key_nothing_can_be_signed_after_it_was_replaced(
    world: World, reader: MakeReader
) -> None:
    world.make_cards()
    world.release()
    change(world, "online")
    remove(world, "snapshot-v2.key", "timestamp-v2.key")
    world.draft()
    world.sign()
    with pytest.raises(BadInput, match="no snapshot key"):
        world.publish()
    assert reader().plan("field")


@pytest.fixture
def second(world: World) -> Place:
    """Another computer with a copy of all that a release needs, and the same repository."""
    world.make_cards()
    world.release()
    home = world.folder / "second"
    shutil.copytree(world.place.home, home)
    return replace(world.place, home=home)


def test_a_computer_that_lacks_the_new_online_keys_spoils_nothing(
    world: World, reader: MakeReader, second: Place
) -> None:
    change(world, "online")
    node = reader()
    assert node.plan("field")
    with pytest.raises(BadInput, match="no snapshot key") as caught:
        renew(second, second.read(), world.now)
    assert caught.value.code == "no-release-key"
    assert node.plan("field")
    world.release()
    shutil.copytree(world.place.keys, second.keys, dirs_exist_ok=True)
    renew(second, second.read(), world.now)
    for each in (node, reader()):
        assert each.plan("field")


def test_a_root_of_another_computer_is_followed_and_kept(world: World, second: Place) -> None:
    change(world)
    change(world, "root")
    assert second.read().root.signed.version == 3
    assert second.root_file.read_bytes() == world.place.root_file.read_bytes()


def test_a_root_that_came_before_what_goes_with_it_is_not_kept(
    world: World, second: Place, tmp_path: Path
) -> None:
    before, kept = tmp_path / "before", second.root_file.read_bytes()
    shutil.copytree(second.folder, before)
    remove(world, "snapshot.key", "timestamp.key")
    change(world, "online")
    shutil.copytree(before, second.folder, dirs_exist_ok=True)  # the new root alone stays
    with pytest.raises(FlasherError, match="not as it was published"):
        second.read()
    assert second.root_file.read_bytes() == kept
    shutil.rmtree(second.folder)
    shutil.copytree(before, second.folder)  # as the error's hint has it
    assert second.read().root.signed.version == 1


def test_a_root_that_the_one_before_did_not_sign_is_refused(
    world: World, second: Place, tmp_path: Path
) -> None:
    stranger = replace(world.place, folder=tmp_path / "other", home=tmp_path / "other-home")
    make_repository(stranger, RootKeys(), PASSPHRASE, world.now)
    renew_root(stranger, stranger.read(), stranger.keys, lambda: PASSPHRASE, world.now)
    shutil.copy(stranger.folder / "metadata/2.root.json", second.folder / "metadata/2.root.json")
    kept = second.root_file.read_bytes()
    with pytest.raises(FlasherError, match="not as it was published"):
        second.read()
    assert second.root_file.read_bytes() == kept


def test_a_wrong_passphrase_is_told_as_such(world: World) -> None:
    with pytest.raises(BadInput) as caught:
        offline(world.place.keys, "root", [], lambda: "another")
    assert caught.value.code == "wrong-passphrase"


@pytest.mark.parametrize("wanted", [RootKeys(0, 0), RootKeys(1, 2), RootKeys(17, 1)])
def test_root_keys_that_cannot_be_are_refused(wanted: RootKeys) -> None:
    with pytest.raises(BadInput, match="root keys cannot"):
        wanted.check()


def test_only_the_owner_may_read_keys(world: World) -> None:
    kept: list[Path] = list(world.place.keys.iterdir())
    assert len(kept) == 4
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}
