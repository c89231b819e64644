"""Locks resolved from Debian's archive as it is now."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from builder.archive import Archive
from builder.diagnosis import StepFailed
from builder.epochs import epochs_of, with_epochs
from builder.lock import Lock, read_lock, write_lock
from builder.recipe import ImageSettings, LayerRecipe, Recipe
from builder.resolve import Desk, choose_lock, resolve
from builder.wanted import Native
from flasher.errors import BadInput, EnvironmentLacks
from flasher.events import CancelFlag, ignore

ARCHITECTURE = subprocess.run(
    ["dpkg", "--print-architecture"], check=True, stdout=subprocess.PIPE, text=True
).stdout.strip()
NATIVE = Native(ARCHITECTURE)
WIFI = LayerRecipe("wifi", ("iw",))
SCREEN = LayerRecipe("screen", ("tmux",))
RECIPE = Recipe("small", "", "trixie", ARCHITECTURE, ImageSettings(), (WIFI, SCREEN))

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("lists")
    return Desk(folder, lambda _: None, Path(os.devnull), ignore, CancelFlag(), Archive())


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, desk: Desk) -> Path:
    """A lock of the recipe, resolved at 1,000,000,000; not to change."""
    path = tmp_path_factory.mktemp("out") / "small.lock"
    write_lock(path, resolve(RECIPE, NATIVE, desk, now=1_000_000_000))
    return path


@pytest.fixture
def offline(tmp_path: Path, desk: Desk) -> Desk:
    """A desk with nothing on it, and no way to an archive."""
    archive = Archive("http://127.0.0.1:9/debian", "http://127.0.0.1:9/security")
    return replace(desk, folder=tmp_path / "lists", archive=archive)


def names(lock: Lock, layer: str) -> list[str]:
    (group,) = (group for group in lock.layers if group.name == layer)
    return [package.name for package in group.packages]


def test_each_layer_adds_what_those_below_do_not_have(kept: Path):
    lock = read_lock(kept)
    everything = [name for layer in lock.layers for name in names(lock, layer.name)]
    assert len(everything) == len(set(everything))
    assert {"dpkg", "apt", "systemd", "python3", "libc6"} <= set(names(lock, "debian"))
    assert "iw" in names(lock, "wifi")
    assert {"tmux", "libevent-core-2.1-7t64"} <= set(names(lock, "screen"))
    assert "e2fsprogs" in [package.name for package in lock.tools.packages]
    assert lock.twins.packages == ()


def test_what_the_archive_tells_is_all_there(kept: Path):
    lock = read_lock(kept)
    (tmux,) = (each for each in lock.layers[2].packages if each.name == "tmux")
    assert tmux.source == "tmux"
    assert tmux.section == "admin"
    assert tmux.homepage.startswith("https://")
    assert tmux.description == "terminal multiplexer"
    assert tmux.filename == f"tmux_{tmux.version}_{ARCHITECTURE}.deb"
    (libc,) = (each for each in lock.layers[0].packages if each.name == "libc6")
    assert libc.source == "glibc"


def test_a_kept_lock_that_fits_asks_nobody(kept: Path, offline: Desk):
    before = kept.read_bytes()
    assert choose_lock(RECIPE, NATIVE, offline, kept) == read_lock(kept)
    assert kept.read_bytes() == before
    assert [path.name for path in offline.folder.iterdir()] == ["epochs.json"]


def test_groups_that_stay_the_same_keep_their_time(kept: Path, desk: Desk, tmp_path: Path):
    path = tmp_path / "small.lock"
    path.write_bytes(kept.read_bytes())
    changed = replace(RECIPE, layers=(WIFI, replace(SCREEN, packages=("screen",))))
    before, after = read_lock(kept), choose_lock(changed, NATIVE, desk, path)
    assert after.layers[:2] == before.layers[:2]
    assert after.layers[2].epoch > before.layers[2].epoch
    assert after.epoch == after.layers[2].epoch
    assert read_lock(path) == after


def test_a_store_gives_equal_packages_their_time_again_without_their_lock(
    kept: Path, desk: Desk, tmp_path: Path
):
    choose_lock(RECIPE, NATIVE, desk, kept)
    shorter = replace(RECIPE, name="shorter", layers=(WIFI,))
    after = choose_lock(shorter, NATIVE, desk, tmp_path / "shorter.lock")
    assert after.layers == read_lock(kept).layers[:2]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda recipe: replace(recipe, suite="bookworm"), "It is for trixie"),
        (lambda recipe: replace(recipe, updates=False), "takes updates of the suite"),
        (lambda recipe: replace(recipe, layers=()), "It has 3 layers with packages"),
        (
            lambda recipe: replace(recipe, layers=(SCREEN, WIFI)),
            "Its layer wifi has not the packages of the recipe's layer screen.",
        ),
    ],
)
def test_a_given_lock_of_another_recipe_is_refused_and_says_why(
    kept: Path, offline: Desk, change: Callable[[Recipe], Recipe], why: str
):
    with pytest.raises(BadInput) as refused:
        choose_lock(change(RECIPE), NATIVE, offline, kept.with_name("other.lock"), given=kept)
    assert refused.value.code == "lock-misfit"
    assert why in refused.value.message
    assert not kept.with_name("other.lock").exists()


def test_a_given_lock_of_another_computer_is_refused(kept: Path, offline: Desk):
    with pytest.raises(BadInput, match="this computer is riscv64"):
        choose_lock(RECIPE, Native("riscv64"), offline, kept, given=kept)


def test_a_lock_from_the_future_is_refused_before_anything_is_built(kept: Path, offline: Desk):
    early = with_epochs(read_lock(kept), dict.fromkeys(epochs_of(read_lock(kept)), 1 << 40))
    given, other = kept.with_name("early.lock"), kept.with_name("other.lock")
    write_lock(given, early)
    with pytest.raises(EnvironmentLacks) as refused:
        choose_lock(RECIPE, NATIVE, offline, other, given=given)
    assert refused.value.code == "clock-behind"
    assert not other.exists()


def test_the_person_behind_sudo_owns_the_lock(
    kept: Path, offline: Desk, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SUDO_UID", "4711")
    monkeypatch.setenv("SUDO_GID", "4712")
    owned = kept.with_name("owned.lock")
    choose_lock(RECIPE, NATIVE, offline, owned, given=kept)
    assert (owned.stat().st_uid, owned.stat().st_gid) == (4711, 4712)


def test_a_suite_that_is_not_there_is_named(tmp_path: Path, desk: Desk):
    with pytest.raises(StepFailed, match="trixy") as failed:
        choose_lock(replace(RECIPE, suite="trixy"), NATIVE, desk, tmp_path / "small.lock")
    assert failed.value.code == "suite-unknown"


def test_a_package_that_is_not_there_is_named_with_its_layer(tmp_path: Path, desk: Desk):
    recipe = replace(RECIPE, layers=(WIFI, replace(SCREEN, packages=("tmux", "no-such-thing"))))
    with pytest.raises(StepFailed) as failed:
        choose_lock(recipe, NATIVE, desk, tmp_path / "small.lock")
    assert failed.value.code == "package-unknown"
    assert "The layer screen cannot have its packages from trixie" in failed.value.message
    assert "no-such-thing" in failed.value.message
    assert not (tmp_path / "small.lock").exists()


def test_a_layer_that_would_remove_packages_below_it_is_refused(tmp_path: Path, desk: Desk):
    clock, other = (LayerRecipe(name, (name,)) for name in ("systemd-timesyncd", "chrony"))
    with pytest.raises(StepFailed, match="The layer chrony cannot have its packages") as failed:
        choose_lock(replace(RECIPE, layers=(clock, other)), NATIVE, desk, tmp_path / "small.lock")
    assert failed.value.code == "packages-conflict"
    assert "systemd-timesyncd" in failed.value.message


def test_a_mirror_that_is_down_is_told_as_such(tmp_path: Path, offline: Desk):
    with pytest.raises(StepFailed) as failed:
        choose_lock(RECIPE, NATIVE, offline, tmp_path / "small.lock")
    assert failed.value.code == "network-down"


def test_an_archive_signed_by_others_is_refused(tmp_path: Path, desk: Desk):
    nobodys = tmp_path / "keys.gpg"
    nobodys.touch()
    archive = replace(desk.archive, keyring=nobodys)
    strict = replace(desk, folder=tmp_path / "lists", archive=archive)
    with pytest.raises(StepFailed) as failed:
        choose_lock(RECIPE, NATIVE, strict, tmp_path / "small.lock")
    assert failed.value.code == "signature-bad"


def test_debians_own_places_are_those_that_mmdebstrap_knows():
    lines = Archive().sources("trixie", "arm64").splitlines()
    names = [line.split()[2] for line in lines]
    assert names == ["trixie", "trixie-updates", "trixie-security"]
    assert all(line.endswith(" main non-free-firmware") for line in lines)
    assert Archive(updates=False).sources("trixie", "arm64").splitlines() == lines[:1]


def test_what_is_kept_of_the_archives_lists_is_a_small_part_of_them(kept: Path, desk: Desk):
    assert read_lock(kept).layers
    folder = desk.folder / f"trixie-{ARCHITECTURE}"
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any("_Packages" in path.name for path in files)
    assert sum(path.stat().st_size for path in files) < 40 << 20  # unpacked, 150
