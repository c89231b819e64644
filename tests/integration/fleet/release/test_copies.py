"""What is in force, elsewhere: in a server's folder, on a stick, on FAT."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from flasher.errors import BadInput, FlasherError
from flasher.fleet.release.copies import copy_in_force, in_force
from flasher.fleet.release.place import Place
from flasher.fleet.release.root import RootKeys, make_repository, renew_root
from flasher.process import run
from tests.integration.fleet.release.rigs import (
    NOW,
    PASSPHRASE,
    Reader,
    World,
    copy_world,
    serving,
)

MIB = 1 << 20


def read_all(world: World, folder: Path, memory: Path) -> None:
    """Every card gets its payload from there."""
    root = (world.place.folder / "metadata/1.root.json").read_bytes()
    with serving(folder) as url:
        node = Reader(url, memory, root)
        for name, identity in world.identities.items():
            letter = node.letter("field", world.rig.find(name).role, identity.card_id)
            assert letter is not None
            assert node.payload(letter, identity.sealing_key)


def test_a_copy_has_all_that_nodes_need_and_nothing_older(world: World, tmp_path: Path) -> None:
    world.make_cards()
    world.release()
    world.release()
    copy = tmp_path / "copy"
    assert copy_in_force(world.place.read(), copy) > 0
    read_all(world, copy, tmp_path / "reader")
    there = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
    assert there == set(in_force(world.place.read()))
    assert "metadata/1.field.json" not in there


def test_what_is_there_already_is_not_copied_again(world: World, tmp_path: Path) -> None:
    world.make_cards()
    world.release()
    copy = tmp_path / "copy"
    copy_in_force(world.place.read(), copy)
    stamp = (world.place.folder / "metadata/timestamp.json").stat().st_size
    assert copy_in_force(world.place.read(), copy) == stamp
    torn = next((copy / "blobs").rglob("[0-9a-f]*[0-9a-f]/*"))
    whole = torn.read_bytes()
    torn.write_bytes(b"x" * len(whole))
    assert copy_in_force(world.place.read(), copy) == stamp + len(whole)
    assert torn.read_bytes() == whole


def test_a_spoiled_repository_is_not_copied(world: World, tmp_path: Path) -> None:
    world.make_cards()
    world.release()
    blob = next(path for path in (world.place.folder / "blobs").rglob("*") if path.is_file())
    blob.write_bytes(b"spoiled")
    with pytest.raises(FlasherError, match="not as it was published"):
        copy_in_force(world.place.read(), tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_another_repository_is_not_overwritten(world: World, tmp_path: Path) -> None:
    other = Place("other", tmp_path / "other", tmp_path / "home")
    make_repository(other, RootKeys(), PASSPHRASE, NOW)
    with pytest.raises(BadInput, match="other keys"):
        copy_in_force(world.place.read(), other.folder)


def test_what_another_computer_published_is_not_overwritten(world: World, tmp_path: Path) -> None:
    world.make_cards()
    world.release()
    server = tmp_path / "server"
    copy_in_force(world.place.read(), server)
    other = copy_world(world, tmp_path / "other")
    other.now += timedelta(hours=1)
    other.release()
    copy_in_force(other.place.read(), server)
    newer = (server / "metadata/timestamp.json").read_bytes()
    for _ in ("an older one", "another one of that version", "another one with a higher version"):
        with pytest.raises(FlasherError) as refused:
            copy_in_force(world.place.read(), server)
        assert refused.value.code == "copy-newer"
        assert (server / "metadata/timestamp.json").read_bytes() == newer
        world.release()
    change_root(other)
    copy_in_force(other.place.read(), server)


def change_root(world: World) -> None:
    state, keys = world.place.read(), world.place.keys
    renew_root(world.place, state, keys, lambda: PASSPHRASE, world.now)


def test_a_copy_with_a_newer_root_is_not_overwritten(world: World, tmp_path: Path) -> None:
    other = copy_world(world, tmp_path / "other")
    change_root(other)
    copy_in_force(other.place.read(), tmp_path / "server")
    with pytest.raises(FlasherError) as refused:
        copy_in_force(world.place.read(), tmp_path / "server")
    assert refused.value.code == "copy-newer"


def test_two_computers_that_share_a_folder_publish_one_after_the_other(
    world: World, tmp_path: Path
) -> None:
    other = replace(world.place, home=tmp_path / "other")
    shutil.copytree(world.place.home, other.home)
    with world.place.alone(), pytest.raises(FlasherError) as refused, other.alone():
        pass
    assert refused.value.code == "repository-busy"
    with other.alone():
        assert other.read().root


def test_a_copy_on_fat_is_the_same_one(world: World, tmp_path: Path) -> None:
    world.make_cards()
    world.release()
    copy, image = tmp_path / "flasher-repository", tmp_path / "stick.img"
    copy_in_force(world.place.read(), copy)
    with image.open("wb") as handle:
        handle.truncate(40 * MIB)
    run(["mkfs.fat", "-F", "32", str(image)])
    run(["mcopy", "-s", "-i", str(image), str(copy), "::/"])
    (tmp_path / "back").mkdir()
    run(["mcopy", "-s", "-i", str(image), "::/flasher-repository", str(tmp_path / "back")])
    read_all(world, tmp_path / "back/flasher-repository", tmp_path / "reader")
    paths = [path.lower() for path in in_force(world.place.read())]
    assert len(set(paths)) == len(paths)
