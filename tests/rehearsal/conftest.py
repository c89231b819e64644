"""The real chain: the image as users build it, and cards made from it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flasher import paths

Run = Callable[..., list[dict[str, object]]]


def call(*argv: str | Path, env: dict[str, str]) -> list[dict[str, object]]:
    """Run the real program; its JSON objects without those of progress."""
    done = subprocess.run(
        [sys.executable, "-m", "flasher", *map(str, argv), "--json"],
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        text=True,
    )
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    results = [content for content in objects if content["kind"] != "progress"]
    assert done.returncode == 0, results
    return results


@pytest.fixture
def ground() -> Iterator[Path]:
    """A folder for nodes, in memory."""
    with tempfile.TemporaryDirectory(prefix="node-", dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def base_image() -> Path:
    """The base image, built with the layers that are kept between runs."""
    out = paths.cache() / "images"
    (built,) = call("build-base", "--out", out, env={"FLASHER_CACHE": str(paths.cache())})
    return Path(str(built["image"]))


@pytest.fixture(scope="session")
def armhf_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for older boards, from the suite as it was last released."""
    text = (paths.assets() / "recipes" / "base.toml").read_text(encoding="utf-8")
    recipe = tmp_path_factory.mktemp("recipe") / "released.toml"
    recipe.write_text(text.replace("\narchitecture", "\nupdates = false\narchitecture", 1))
    out = paths.cache() / "images-armhf"
    env = {"FLASHER_CACHE": str(paths.cache())}
    (built,) = call("build-base", recipe, "--arch", "armhf", "--out", out, env=env)
    return Path(str(built["image"]))


@pytest.fixture(scope="session")
def pc_image() -> Path:
    """The image for PCs that ships."""
    recipe, out = paths.assets() / "recipes/pc.toml", paths.cache() / "images-pc"
    (built,) = call("build-base", recipe, "--out", out, env={"FLASHER_CACHE": str(paths.cache())})
    return Path(str(built["image"]))


@pytest.fixture(scope="module")
def flasher(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The program with folders of the module's own."""
    folder = tmp_path_factory.mktemp("flasher")
    env = {"FLASHER_DATA": str(folder / "data"), "FLASHER_CACHE": str(folder / "cache")}

    def run(*argv: str | Path) -> list[dict[str, object]]:
        return call(*argv, env=env)

    return run
