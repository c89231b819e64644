"""Fixtures of the builder's tests: a store, small trees in it, a bench to work at."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from builder.bench import Bench
from builder.catalogue import Archive, Catalogue
from builder.layers import Layer, Store, layer_key, open_store
from builder.lock import LockedGroup
from builder.log import Log, open_log
from builder.native_root import NativeRoot, native_root
from builder.pool import Pool
from builder.resolve import TOOLS, TOOLS_SUITE
from flasher.events import CancelFlag, Progress, ignore
from flasher.process import run

Grow = Callable[[Path], None]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "store", emit=ignore, cancel=CancelFlag()) as opened:
        yield opened


@pytest.fixture
def log(store: Store) -> Iterator[Log]:
    with open_log(store.root / "logs", ignore) as opened:
        yield opened


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
    def make(*layers: Layer, handler: str = "") -> Bench:
        progress = Progress(ignore, "test", "build", 100)
        return Bench(store, layers, None, handler, log, progress, CancelFlag())

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
