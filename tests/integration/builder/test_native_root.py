"""Programs of other suites run on this computer, whatever it is."""

import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.layers import Store
from builder.lock import LockedGroup
from builder.native_root import NativeRoot, native_root
from builder.pool import Pool
from flasher.errors import FlasherError


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def root(request: pytest.FixtureRequest, extract_native: Callable[..., NativeRoot]) -> NativeRoot:
    return extract_native(request.param, "e2fsprogs", "passwd")


def locked_version(root: NativeRoot, package: str) -> str:
    """Upstream's version of a package in the root, as its .deb says it."""
    for deb in (root.folder.parent.parent / "pool").glob("*.deb"):
        argv = ["dpkg-deb", "--show", "--showformat=${Package} ${source:Upstream-Version}", deb]
        told = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        if told.startswith(f"{package} "):
            return told.split()[1]
    raise LookupError(package)


def test_a_program_runs_with_the_libraries_of_its_own_suite(root: NativeRoot):
    argv = root.argv("usr/sbin/mke2fs", "-V")
    told = subprocess.run(argv, capture_output=True, text=True, check=True, env={}).stderr
    own = locked_version(root, "e2fsprogs")
    assert f"mke2fs {own} " in told
    assert f"EXT2FS Library version {own}" in told


def test_every_library_comes_from_the_root(root: NativeRoot):
    env = {"LD_TRACE_LOADED_OBJECTS": "1"}
    argv = root.argv("usr/sbin/mke2fs")
    told = subprocess.run(argv, capture_output=True, text=True, check=True, env=env).stdout
    found = [line.split(" => ")[1] for line in told.splitlines() if " => " in line]
    assert found
    assert all(path.startswith(f"{root.folder}/") for path in found)


def test_what_older_suites_ship_outside_of_usr_lies_in_usr(root: NativeRoot):
    assert (root.folder / "usr/sbin/mke2fs").is_file()
    for name in ("bin", "lib", "lib64", "sbin"):
        assert (root.folder / name).readlink() == Path("usr", name)


def test_nothing_in_it_lends_anybody_rights(root: NativeRoot):
    assert (root.folder / "usr/bin/passwd").is_file()
    for path in root.folder.rglob("*"):
        if not path.is_symlink():
            assert not path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID)


def test_packages_without_a_c_library_are_refused(store: Store):
    group = LockedGroup("tools", 0, (), ())
    with pytest.raises(FlasherError) as refused:
        native_root(store, Pool(store.root / "pool"), group)
    assert refused.value.code == "tools-unusable"
    assert not (store.root / "native").exists()
