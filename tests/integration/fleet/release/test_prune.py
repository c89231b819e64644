"""A repository from which was taken what no node needs any more: nodes go on as if nothing had."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from autosetup.errors import AgentError
from autosetup.update.found import Found
from autosetup.update.here import Ground
from autosetup.update.look import looking
from flasher.errors import FlasherError
from flasher.fleet.release.copies import copy_in_force, in_force
from flasher.fleet.release.plan import going, paused, plan_before, plan_of
from flasher.fleet.release.prune import Keep, prune, unneeded
from flasher.fleet.release.root import renew_root
from flasher.fleet.release.steps import change_plan, publish_draft, renew
from tests.integration.autosetup.conftest import PROJECT
from tests.integration.fleet.release.rigs import PASSPHRASE, Reader, World, copy_world
from tests.integration.fleet.release.test_nodes import asked, ground
from tests.unit.rig.whole_rig import load_rig

FEW = Keep(versions=1, days=30)
# Prunes, and is killed at the change of the repository that is told.
DRIVER = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from flasher.fleet.release.place import Place
from flasher.fleet.release.prune import Keep, prune
folder, home, moment = sys.argv[1:]
left = [int(moment)]
def watch(event, args):
    if event in ("os.remove", "os.rename") and str(args[0]).startswith(folder):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
place = Place("studio", Path(folder), Path(home))
with place.alone():
    prune(place, place.read(), Keep(versions=1, days=30), datetime.now(UTC))
"""


def release(world: World, text: str) -> None:
    """A release in which the central node's script is another one."""
    draft(world, text)
    world.sign()
    world.publish()


def draft(world: World, text: str) -> None:
    (world.folder / "profile/check.sh").write_text(f"#!/bin/sh\n# {text}\nexit 0\n")
    world.rig = load_rig(world.folder)
    world.draft()


def let_pass(world: World, days: int) -> None:
    """As if all that is there had been written so many days earlier."""
    for path in world.place.folder.rglob("*"):
        about = path.stat()
        os.utime(path, (about.st_atime, about.st_mtime - timedelta(days=days).total_seconds()))


def pruned(world: World, keep: Keep = FEW) -> set[str]:
    """What goes; it is gone then."""
    with world.place.alone():
        return set(prune(world.place, world.place.read(), keep, datetime.now(UTC)))


def there(folder: Path) -> set[str]:
    """Every file, by its path."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def script(found: Found) -> bytes:
    """What a release brings the central node."""
    return found.payload()["scripts/10-check.sh"]


@pytest.fixture
def old(world: World) -> World:
    """A rig with three releases, each of them 40 days after the one before."""
    for name in ("central", "cam-101", "cam-102"):
        world.make_card(name)
    for text in ("first", "second", "third"):
        let_pass(world, 40)
        release(world, text)
    return world


@pytest.fixture
def central(old: World, url: str, tmp_path: Path) -> Callable[[], Ground]:
    """The central node, which remembers what it saw; it has only what its card brought."""
    return lambda: ground(old, url, tmp_path, "central")


def test_what_is_in_force_stays_and_nothing_older(old: World) -> None:
    let_pass(old, 40)
    before, whole = there(old.place.folder), set(in_force(old.place.read()))
    gone = pruned(old)
    assert there(old.place.folder) == whole | {"metadata/pruned.json"}
    assert gone == before - whole
    assert {"metadata/3.snapshot.json", "metadata/2.field.json", "metadata/1.targets.json"} < gone
    assert any(path.startswith("blobs/") for path in gone)
    assert pruned(old) == set()


def test_nodes_old_and_new_update_from_what_is_left(
    old: World, central: Callable[[], Ground], tmp_path: Path, url: str
) -> None:
    first_root = old.place.root_file.read_bytes()
    node = central()
    with looking(node, asked) as found:
        assert b"third" in script(found)
    state, keys = old.place.read(), old.place.keys
    renew_root(old.place, state, keys, lambda: PASSPHRASE, old.now, changes=["root"])
    for text in ("fourth", "fifth"):
        let_pass(old, 40)
        release(old, text)
    let_pass(old, 40)
    pruned(old)
    with looking(node, asked) as found:
        assert b"fifth" in script(found)
    fresh = Reader(url, tmp_path / "fresh", first_root)
    for name, identity in old.identities.items():
        letter = fresh.letter("field", old.rig.find(name).role, identity.card_id)
        assert letter
        assert fresh.payload(letter, identity.sealing_key)


def test_a_node_that_is_fetching_what_was_in_force_until_lately_gets_all_of_it(
    old: World, central: Callable[[], Ground]
) -> None:
    with looking(central(), asked) as found:
        let_pass(old, 400)
        release(old, "fourth")
        pruned(old)
        assert b"third" in script(found)


def test_a_node_that_is_fetching_the_newest_but_one_gets_it_however_old(
    old: World, central: Callable[[], Ground]
) -> None:
    with looking(central(), asked) as found:
        let_pass(old, 40)
        release(old, "fourth")
        let_pass(old, 40)
        pruned(old, Keep(versions=2, days=30))
        assert b"third" in script(found)
        pruned(old)
        found.forget()
        with pytest.raises(AgentError) as failed:
            script(found)
    assert failed.value.code == "source-failed"


def test_what_a_renewal_left_behind_goes_and_is_no_release(old: World) -> None:
    for _ in range(5):
        let_pass(old, 40)
        renew(old.place, old.place.read(), old.now)
    let_pass(old, 40)
    gone = pruned(old, Keep(versions=3, days=30))
    assert {path for path in gone if not path.endswith(".snapshot.json")} == set()
    left = sorted(path for path in there(old.place.folder) if path.endswith("snapshot.json"))
    assert left == [f"metadata/{number}.snapshot.json" for number in (7, 8, 9)]


def test_what_was_before_a_release_is_known_however_often_it_was_paused(old: World) -> None:
    before = plan_of(old.place.read(), "field")
    release(old, "fourth")
    for change in (paused, going, paused, going):
        let_pass(old, 40)
        change_plan(old.place, old.place.read(), old.signer, change, lambda: old.targets, old.now)
    let_pass(old, 40)
    pruned(old, Keep(versions=2, days=30))
    assert plan_before(old.place.read(), "field") == before
    pruned(old)
    assert plan_before(old.place.read(), "field") is None


def test_what_the_draft_counts_on_stays(old: World, central: Callable[[], Ground]) -> None:
    draft(old, "first")  # its script is in the repository still
    let_pass(old, 40)
    pruned(old)
    old.sign()
    old.publish()
    with looking(central(), asked) as found:
        assert b"first" in script(found)


def test_a_draft_of_another_computer_that_counted_on_what_went_is_made_anew(
    old: World, tmp_path: Path
) -> None:
    other = replace(old.place, home=tmp_path / "other")
    shutil.copytree(old.place.home, other.home)
    draft(old, "first")
    old.sign()
    let_pass(old, 40)
    prune(other, other.read(), FEW, datetime.now(UTC))
    with pytest.raises(FlasherError) as refused:
        publish_draft(old.place, old.place.read(), old.now)
    assert refused.value.code == "draft-outdated"
    release(old, "first")
    assert in_force(old.place.read())


def test_files_that_nobody_released_stay(old: World) -> None:
    ours = ["index.html", "blobs/README", "metadata/notes.json", "targets/field/notes.txt"]
    for name in ours:
        (old.place.folder / name).write_text("mine\n")
    torn = old.place.folder / "blobs/.half.part"
    torn.write_bytes(b"torn")
    (old.place.folder / "blobs/link").symlink_to(old.place.folder / "index.html")
    let_pass(old, 40)
    assert "blobs/.half.part" in pruned(old)
    assert {*ours, "blobs/link"} < there(old.place.folder)


@pytest.mark.parametrize("what", ["blobs/", "targets/field/central/", "metadata/3.field.json"])
def test_a_repository_that_is_not_whole_is_not_pruned(old: World, what: str) -> None:
    let_pass(old, 40)
    whole = in_force(old.place.read())
    (old.place.folder / next(path for path in whole if path.startswith(what))).unlink()
    before = there(old.place.folder)
    with pytest.raises(FlasherError) as refused:
        pruned(old)
    assert refused.value.code == "repository-damaged"
    assert there(old.place.folder) == before


def test_older_metadata_that_makes_no_sense_is_as_good_as_none(old: World) -> None:
    let_pass(old, 40)
    for name in ("2.snapshot.json", "2.field.json", "2.field.central.json"):
        (old.place.folder / "metadata" / name).write_bytes(b"{}")
    before = set(in_force(old.place.read()))
    pruned(old, Keep(versions=2, days=1))
    assert before < there(old.place.folder)
    pruned(old)
    copy_in_force(old.place.read(), old.folder / "copy")


def test_copies_of_long_ago_are_known_for_its_own_still(old: World, tmp_path: Path) -> None:
    copy_in_force(old.place.read(), tmp_path / "stick")
    other = copy_world(old, tmp_path / "other")
    other.now += timedelta(hours=1)
    release(other, "of another computer")
    copy_in_force(other.place.read(), tmp_path / "theirs")
    for text in ("fourth", "fifth"):
        let_pass(old, 40)
        release(old, text)
    let_pass(old, 40)
    assert "metadata/4.snapshot.json" in pruned(old)
    copy_in_force(old.place.read(), tmp_path / "stick")
    with pytest.raises(FlasherError) as refused:
        copy_in_force(old.place.read(), tmp_path / "theirs")
    assert refused.value.code == "copy-newer"


@pytest.mark.parametrize("moment", [0, 1, 2, 3, 7, 13])
def test_killed_at_any_moment_it_leaves_a_whole_repository_and_the_next_try_goes_on(
    old: World, central: Callable[[], Ground], moment: int
) -> None:
    let_pass(old, 40)
    whole = set(in_force(old.place.read()))
    goes = unneeded(old.place, old.place.read(), FEW, datetime.now(UTC))
    driven = [sys.executable, "-c", DRIVER, old.place.folder, old.place.home, str(moment)]
    killed = subprocess.run(driven, cwd=PROJECT, check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert set(in_force(old.place.read())) == whole
    with looking(central(), asked) as found:
        assert b"third" in script(found)
    left = goes.keys() & there(old.place.folder)
    assert len(goes) - len(left) == max(moment - 2, 0)  # the first two are of a note
    let_pass(old, 40)
    assert pruned(old) >= left
    assert there(old.place.folder) == whole | {"metadata/pruned.json"}
    copy_in_force(old.place.read(), old.folder / "copy")
