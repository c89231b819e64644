"""Programs of another architecture that run natively make what emulated ones make.

Downloads are kept between runs, layers are not.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from builder.archive import Archive
from builder.bench import Bench
from builder.emulating import emulating
from builder.emulation import Emulator, find_emulator
from builder.layers import Layer, Store, open_store
from builder.lock import Lock
from builder.log import Log, open_log
from builder.plan import plan_steps
from builder.pool import Pool
from builder.recipe import Recipe, load_recipe
from builder.resolve import Desk, choose_lock
from builder.twins import TWIN_PACKAGES, Counts, count_runs
from builder.wanted import Native
from builder.workshop import Workshop, make_layers
from flasher.events import CancelFlag, Progress, ignore
from flasher.paths import cache

pytestmark = pytest.mark.timeout(1800)

LEAST_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Yard:
    """A store with what a build of the foreign recipe needs."""

    store: Store
    log: Log
    recipe: Recipe
    lock: Lock
    emulator: Emulator

    def workshop(self, *, twins: bool) -> Workshop:
        begin = partial(
            emulating,
            self.store,
            Pool(self.store.root / "pool"),
            self.lock,
            self.emulator,
            twins=twins,
            note=self.log.write,
            cancel=CancelFlag(),
        )
        return Workshop(self.store, begin, self.log, ignore, CancelFlag())

    def make(self, *, twins: bool) -> tuple[Layer, ...]:
        return make_layers(self.workshop(twins=twins), plan_steps(self.recipe, self.lock))[0]

    @contextmanager
    def bench(self, layers: tuple[Layer, ...]) -> Iterator[Bench]:
        """A place to run programs of the finished tree in."""
        with self.workshop(twins=True).emulating() as emulation, self.store.drafting() as draft:
            progress = Progress(ignore, "test", "build", 100)
            yield Bench(self.store, layers, draft, emulation, self.log, progress, CancelFlag())


@pytest.fixture(scope="module")
def yard() -> Iterator[Yard]:
    folder = cache() / "tests" / "twins"
    recipe = load_recipe(Path(__file__).with_name("foreign.toml"))
    with (
        open_store(folder, emit=ignore, cancel=CancelFlag()) as store,
        open_log(folder / "logs", ignore) as log,
    ):
        for record in folder.glob("*/layer.json"):
            shutil.rmtree(record.parent)
        desk = Desk(folder / "apt", log.write, log.path, ignore, CancelFlag(), Archive())
        native = Native("amd64", TWIN_PACKAGES)
        lock = choose_lock(recipe, native, desk, folder / "foreign.lock")
        yield Yard(store, log, recipe, lock, find_emulator(recipe.architecture))


@dataclass(frozen=True, slots=True)
class Natively:
    """What was made with twins, and how many there were."""

    layers: tuple[Layer, ...]
    counts: Counts


@pytest.fixture(scope="module")
def natively(yard: Yard) -> Natively:
    layers = yard.make(twins=True)
    return Natively(layers, count_runs(yard.store))


def test_nearly_every_program_runs_natively(natively: Natively) -> None:
    assert natively.counts.native > 1000
    assert natively.counts.share >= LEAST_SHARE


def test_native_twins_make_what_plain_emulation_makes(yard: Yard, natively: Natively) -> None:
    upper = [layer for layer in natively.layers if layer.name != "debian"]
    found = {layer.name: scan(yard.store.root / layer.tree) for layer in upper}
    for layer in upper:
        shutil.rmtree((yard.store.root / layer.tree).parent)
    yard.make(twins=False)
    for layer in upper:
        assert scan(yard.store.root / layer.tree) == found[layer.name]


def test_programs_speak_of_the_images_architecture(yard: Yard, natively: Natively) -> None:
    with yard.bench(natively.layers) as bench:
        for argv, word in (
            (("dpkg", "--print-architecture"), yard.lock.architecture),
            (("uname", "-m"), yard.emulator.machine.names[0]),
            (("apt-config", "dump", "APT::Architecture"), f'"{yard.lock.architecture}";'),
        ):
            heard: list[str] = []
            bench.run_in_tree(argv, on_line=heard.append)
            assert heard[-1].split()[-1] == word


def test_a_script_that_takes_the_loaders_folder_away_slows_nothing_down(
    yard: Yard, natively: Natively
) -> None:
    with yard.bench(natively.layers) as bench:
        heard: list[str] = []
        orders = "rm /lib64 && basename /a/b && dpkg --print-architecture"
        bench.run_in_tree(("sh", "-c", orders), on_line=heard.append)
    assert heard[-2:] == ["b", yard.lock.architecture]
    assert count_runs(yard.store).emulated == 0


def test_nothing_of_the_twins_is_part_of_a_layer(yard: Yard, natively: Natively) -> None:
    for layer in natively.layers:
        tree = yard.store.root / layer.tree
        native = subprocess.run(["find", tree, "-name", "*x86_64*"], stdout=subprocess.PIPE)
        assert native.stdout == b""
        assert not (tree / ".twin").exists()
        assert not (tree / "usr/lib64").exists()


def test_an_older_kernels_only_table_is_used_for_the_time_of_a_build(
    yard: Yard, natively: Natively
) -> None:
    older = replace(yard, emulator=replace(yard.emulator, private=False))
    tree = yard.store.root / natively.layers[0].tree
    heard: list[str] = []
    assert not runs_on_the_host(tree)
    with older.bench(natively.layers) as bench:
        bench.run_in_tree(("dpkg", "--print-architecture"), on_line=heard.append)
        # What has nothing to do with the build runs too: the handler brings its emulator.
        assert runs_on_the_host(tree)
    assert heard[-1] == yard.lock.architecture
    assert not runs_on_the_host(tree)


def runs_on_the_host(tree: Path) -> bool:
    """Whether a foreign program runs outside of any sandbox."""
    loader, libraries = tree / "usr/lib/ld-linux-aarch64.so.1", tree / "usr/lib/aarch64-linux-gnu"
    argv = [str(path) for path in (loader, "--library-path", libraries, tree / "usr/bin/true")]
    try:
        return subprocess.run(argv).returncode == 0
    except OSError:
        return False


def scan(tree: Path) -> dict[str, tuple[object, ...]]:
    """All that an image takes over from a layer, by path."""
    found: dict[str, tuple[object, ...]] = {}
    for folder, folders, names in os.walk(tree):
        for path in (Path(folder, name) for name in (*folders, *names)):
            status = path.lstat()
            found[str(path.relative_to(tree))] = (
                stat.filemode(status.st_mode),
                status.st_uid,
                status.st_gid,
                status.st_mtime_ns,
                status.st_nlink if path.is_file() else 0,
                content(path, status),
                {name: os.getxattr(path, name, follow_symlinks=False) for name in xattrs(path)},
            )
    return found


def content(path: Path, status: os.stat_result) -> object:
    if stat.S_ISLNK(status.st_mode):
        return path.readlink()
    if stat.S_ISREG(status.st_mode):
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return status.st_rdev


def xattrs(path: Path) -> list[str]:
    return os.listxattr(path, follow_symlinks=False)
