"""A world of one's own for each test, made once; and its repository on a file server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.fleet.release.rigs import Reader, World, copy_world, make_world, serving


@pytest.fixture(scope="session")
def _first_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("release") / "world")


@pytest.fixture
def world(_first_world: World, tmp_path: Path) -> World:
    """An empty repository, and a rig without cards."""
    return copy_world(_first_world, tmp_path / "world")


@pytest.fixture
def url(world: World) -> Iterator[str]:
    """Where its repository is served."""
    with serving(world.place.folder) as url:
        yield url


@pytest.fixture
def reader(world: World, url: str, tmp_path: Path) -> Callable[[], Reader]:
    """Makes nodes that know nothing but the repository's first root."""
    root = (world.place.folder / "metadata/1.root.json").read_bytes()
    numbers = iter(range(100))
    return lambda: Reader(url, tmp_path / f"reader-{next(numbers)}", root)
