"""Fixtures of the builder's tests: a store, small trees in it, a bench to work at."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from builder.archive import Archive
from builder.bench import Bench
from builder.catalogue import Catalogue
from builder.emulation import Emulation
from builder.layers import Layer, Store, layer_key, open_store
from builder.lock import Lock, LockedGroup, LockedPackage
from builder.log import Log, open_log
from builder.native_root import NativeRoot, native_root
from builder.pool import Pool
from builder.recipe import ImageSettings, LayerRecipe, Recipe
from builder.release.files import Form, Release
from builder.release.make import has_release, make_release
from builder.sources.unpacked import Unpacked
from builder.wanted import TOOLS, TOOLS_SUITE
from flasher.events import CancelFlag, Progress, ignore
from flasher.process import run
from tests.integration.builder.mirror import Mirror, serving

MIB = 1 << 20
EPOCH = 1_700_000_000  # 2023-11-14 22:13:20 UTC
SETTINGS = ImageSettings(boot_size_mib=64, root_slack_mib=16)

Grow = Callable[[Path], None]
Unpack = Callable[..., Path]
Builds = Callable[..., Release]
Asks = Callable[..., bool]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "store", emit=ignore, cancel=CancelFlag()) as opened:
        yield opened


@pytest.fixture
def log(store: Store) -> Iterator[Log]:
    with open_log(store.root / "logs", ignore) as opened:
        yield opened


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with serving() as served:
        yield served


@pytest.fixture
def add_layer(store: Store) -> Callable[[str, Grow], Layer]:
    def add(name: str, grow: Grow) -> Layer:
        layer = Layer(name, layer_key("", "test", 1, {"name": name}), 0.0, 1_700_000_000)
        with store.drafting() as draft:
            grow(draft.tree)
            store.publish(draft, layer)
        return layer

    return add


@pytest.fixture
def bench_of(store: Store, log: Log) -> Callable[..., Bench]:
    def make(*layers: Layer) -> Bench:
        progress = Progress(ignore, "test", "build", 100)
        return Bench(store, layers, None, Emulation(), log, progress, CancelFlag())

    return make


@pytest.fixture
def unpack(store: Store, log: Log) -> Unpack:
    """Unpacks a file into a layer; gives the layer's tree."""

    def make(form: str, file: Path, architecture: str = "amd64") -> Path:
        step = Unpacked("base", form, file, "0" * 64, architecture, EPOCH)
        layer = Layer("base", layer_key("", form, 1, {"file": str(file)}), 0, EPOCH)
        with store.drafting() as draft:
            progress = Progress(ignore, "test", "build", 100)
            bench = Bench(store, (), draft, Emulation(), log, progress, CancelFlag(), EPOCH)
            step.make(bench)
            store.publish(draft, layer)
        return store.root / layer.tree

    return make


@pytest.fixture(scope="session")
def extract_native(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., NativeRoot]:
    """Extracts the newest packages of a suite for this computer; all workers share what is made."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def extract(suite: str, *names: str) -> NativeRoot:
        folder = shared / f"native-{suite}"
        folder.mkdir(exist_ok=True)
        with (folder / "turn").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            group = _resolve_native(folder / "lists", suite, names)
            return native_root(Store(folder), Pool(folder / "pool"), group)

    return extract


def _resolve_native(folder: Path, suite: str, names: tuple[str, ...]) -> LockedGroup:
    architecture = run(["dpkg", "--print-architecture"]).text.strip()
    flag, nowhere = CancelFlag(), Path(os.devnull)
    catalogue = Catalogue(
        folder, suite, architecture, Archive(), cancel=flag, log=lambda _: None, log_path=nowhere
    )
    catalogue.update()
    packages = tuple(offer.package for offer in catalogue.closure(names))
    return LockedGroup("tools", 1_700_000_000, names, packages)


@pytest.fixture(scope="session")
def tools(extract_native: Callable[..., NativeRoot]) -> NativeRoot:
    """The programs that make file systems."""
    return extract_native(TOOLS_SUITE, *TOOLS)


def locked(name: str, version: str, architecture: str = "arm64") -> LockedPackage:
    uri = f"http://deb.debian.org/debian/pool/{name}_{version.split(':')[-1]}_{architecture}.deb"
    home = f"https://example.org/{name}"
    return LockedPackage(
        name, version, architecture, f"{name}-src", version, uri, 1, "5" * 64, "admin", "It.", home
    )


@pytest.fixture
def lock() -> Lock:
    """Names and versions with all that needs escaping somewhere."""
    debian = (locked("libstdc++6", "14.2.0-19"), locked("tzdata", "2025b-4+deb13u1", "all"))
    system = (locked("openssh-server", "1:10.0p1-7~bpo1"),)
    tools = LockedGroup("tools", EPOCH, (), (locked("e2fsprogs", "1.47.2-3", "amd64"),))
    layers = (
        LockedGroup("debian", EPOCH - 9, (), debian),
        LockedGroup("system", EPOCH, ("openssh-server",), system),
    )
    twins = LockedGroup("twins", EPOCH, (), ())
    return Lock("trixie", "arm64", "", layers, "amd64", twins, tools)


def grow_below(tree: Path) -> None:
    (tree / "etc").mkdir()
    (tree / "etc/kept").write_text("from below")
    (tree / "etc/replaced").write_text("old")
    (tree / "etc/removed").write_text("never seen")
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "usr/bin/tool").write_bytes(os.urandom(3 * MIB))
    os.chown(tree / "usr/bin/tool", 123, 45678)
    (tree / "usr/bin/tool").chmod(0o4755)
    (tree / "usr/bin/again").hardlink_to(tree / "usr/bin/tool")
    (tree / "bin").symlink_to("usr/bin")
    (tree / "boot/firmware/overlays").mkdir(parents=True)
    (tree / "data/conf").mkdir(parents=True)
    (tree / "data/conf/rig").write_text("for every rig")


def grow_above(tree: Path) -> None:
    (tree / "etc").mkdir()
    (tree / "etc/replaced").write_text("new")
    os.mknod(tree / "etc/removed", 0o020000, 0)
    firmware = tree / "boot/firmware"
    (firmware / "overlays").mkdir(parents=True)
    (firmware / "config.txt").write_text("kernel=vmlinuz-6.12.117+deb13-arm64\n")
    (firmware / "vmlinuz-6.12.117+deb13-arm64").write_bytes(b"kernel" * 1000)
    (firmware / "cmdline.txt").write_text("root=LABEL=rootfs\n")
    (firmware / "start.elf").write_bytes(b"firmware")
    (firmware / "overlays/disable-bt.dtbo").write_bytes(b"overlay")


@pytest.fixture
def tiny_recipe() -> Recipe:
    """The recipe of `build`."""
    return recipe_of()


def recipe_of(settings: ImageSettings = SETTINGS) -> Recipe:
    layers = (LayerRecipe("system", ("openssh-server",)), LayerRecipe("agent", (), (), ("us",)))
    return Recipe("tiny", "A tiny tree", "trixie", "amd64", settings, layers)  # for no board


@pytest.fixture
def tiny_trees() -> tuple[Grow, Grow]:
    """Two layers of which the upper one replaces and removes."""
    return grow_below, grow_above


@pytest.fixture
def build(
    tmp_path: Path,
    tiny_trees: tuple[Grow, Grow],
    add_layer: Callable[[str, Grow], Layer],
    bench_of: Callable[..., Bench],
    lock: Lock,
    tools: NativeRoot,
) -> Callable[..., Release]:
    """Make the set of a tiny tree: `settings` of the image, `folder`, `form`, `packed_only`."""
    layers = (add_layer("below", tiny_trees[0]), add_layer("above", tiny_trees[1]))

    def make(
        settings: ImageSettings = SETTINGS,
        folder: str = "out",
        form: Form = "zst",
        *,
        packed_only: bool = False,
    ) -> Release:
        release = Release(tmp_path / folder, "tiny", form, packed_only)
        make_release(release, recipe_of(settings), lock, bench_of(*layers), tools)
        return release

    return make


@pytest.fixture
def is_there(store: Store, lock: Lock) -> Callable[..., bool]:
    """Whether a set that `build` makes is there, whole."""

    def ask(release: Release, settings: ImageSettings = SETTINGS, lock: Lock = lock) -> bool:
        top = layer_key("", "test", 1, {"name": "above"})
        return has_release(release, top, recipe_of(settings), lock, store.root)

    return ask
