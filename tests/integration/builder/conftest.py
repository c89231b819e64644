"""Fixtures of the builder's tests: a store, small trees in it, a bench to work at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from builder.bench import Bench
from builder.layers import Layer, Store, layer_key, open_store
from builder.log import Log, open_log
from flasher.events import CancelFlag, Progress, ignore

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
