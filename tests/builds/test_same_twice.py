"""Two builds from one lock, the second one in an empty store and without a network."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from tests.builds.conftest import Reference
from tests.builds.places import FLASHER, Wrap

Told = dict[tuple[str, str], str]

pytestmark = pytest.mark.timeout(1200)

# What is hardest to make twice: compiled Python, an initramfs, locales, users, hosts' keys, caches.
RECIPE = """
format = 1
name = "twice"
title = "A tree with all that likes to differ"
from = "debian:trixie"
architecture = "amd64"

[image]
boot_size_mib = 64
root_slack_mib = 16

[[layer]]
name = "system"
packages = ["initramfs-tools", "linux-image-cloud-amd64", "locales", "openssh-server"]

[[layer.file]]
path = "/etc/motd"
lines = ["Hello."]

[[layer]]
uses = "agent"
"""

# Of the overlay itself, never seen in the merged tree; they name the computer's own inodes.
_OVERLAYS_OWN = ("user.overlay.origin", "user.overlay.impure", "user.overlay.uuid")


def build(folder: Path, recipe: Path, *options: str, wrap: Wrap = list) -> Path:
    argv = ["env", f"FLASHER_CACHE={folder / 'cache'}", FLASHER, "build-base", str(recipe)]
    argv += ["--out", str(folder / "out"), "--json", *options]
    done = subprocess.run(wrap(argv), stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    return folder


def bring_pool(source: Path, folder: Path) -> None:
    """Give a store that has nothing else the packages of another."""
    store = folder / "cache/layers"
    store.mkdir(parents=True)
    subprocess.run(["cp", "-a", "--link", str(source / "pool"), str(store)], check=True)


@pytest.fixture(scope="module")
def twice(reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folders of two builds of one lock."""
    first, second = (tmp_path_factory.mktemp(name) for name in ("first", "second"))
    recipe = first / "twice.toml"
    recipe.write_text(RECIPE)
    bring_pool(reference.place.store, first)
    build(first, recipe)
    bring_pool(first / "cache/layers", second)
    lock = ("--lock", str(first / "out/twice.lock"))
    build(second, recipe, *lock, wrap=lambda argv: ["unshare", "--net", *argv])
    return first, second


def test_every_layer_is_the_same(twice: tuple[Path, Path]):
    one, other = (describe(folder / "cache/layers") for folder in twice)
    assert differing(one, other) == []
    assert ("system", "usr/sbin/sshd") in one
    assert any("/__pycache__/" in path for _, path in one)
    assert any(path.startswith("boot/initrd.img-") for _, path in one)


def test_every_file_of_the_release_is_the_same_but_the_log(twice: tuple[Path, Path]):
    one, other = (digests(folder / "out") for folder in twice)
    assert {"twice.img", "twice.img.zst", "twice.lock", "SHA256SUMS"} <= one.keys()
    assert one == other


def digests(folder: Path) -> dict[str, str]:
    return {
        path.name: digest(path)
        for path in folder.iterdir()
        if path.is_file() and path.suffix != ".log"
    }


def digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def differing(one: Told, other: Told) -> list[tuple[tuple[str, str], str | None, str | None]]:
    paths = sorted(one.keys() | other.keys())
    return [(at, one.get(at), other.get(at)) for at in paths if one.get(at) != other.get(at)]


def describe(store: Path) -> Told:
    """All that can be said of each path, by layer and name."""
    told = {}
    for record in store.glob("*/layer.json"):
        layer, tree = json.loads(record.read_bytes())["name"], record.parent / "tree"
        for path in (tree, *tree.rglob("*")):
            told[layer, str(path.relative_to(tree))] = describe_path(path)
    return told


def describe_path(path: Path) -> str:
    found = path.lstat()
    content = ""
    if stat.S_ISREG(found.st_mode):
        content = digest(path)
    elif stat.S_ISLNK(found.st_mode):
        content = str(path.readlink())
    attributes = {
        name: os.getxattr(path, name, follow_symlinks=False)
        for name in os.listxattr(path, follow_symlinks=False)
        if name not in _OVERLAYS_OWN
    }
    owner, time = f"{found.st_uid}:{found.st_gid}", found.st_mtime_ns
    return f"{found.st_mode:o} {owner} {time} {found.st_rdev} {content} {attributes}"
