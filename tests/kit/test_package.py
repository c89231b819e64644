"""The package installs on a bare Debian without network, works, and leaves nothing behind."""

from __future__ import annotations

import shutil
from pathlib import Path

import pexpect
import pytest

from builder.kit.package import Entry, write_package
from flasher import __version__, paths
from flasher.kits import FOLDER
from flasher.process import run
from tests.kit.bare import BareDebian
from tests.kit.conftest import EPOCH

pytestmark = pytest.mark.timeout(600)


def test_it_installs_works_and_goes_without_a_trace(debian: BareDebian, package: Path) -> None:
    before = debian.files()
    shutil.copy(package, debian.root / "tmp/flasher.deb")
    debian.run("dpkg", "--install", "/tmp/flasher.deb")

    assert debian.run("flasher", "--version").text == f"flasher {__version__}\n"
    assert "build the base image" in debian.run("flasher", "--help").text
    assert "body-16x7" in debian.run("flasher", "profile", "list").text
    _finds_a_kit_that_is_plugged_in(debian)
    assert debian.run("man", "-w", "flasher", "flasher-prepare").text.count(".1.gz") == 2
    _sees_the_first_screen(debian)
    _heeds_no_libraries_but_its_own(debian)

    debian.run("dpkg", "--verify", "flasher")
    debian.run("dpkg", "--purge", "flasher")
    left = {path for path in debian.files() - before if not path.startswith("root/")}
    assert left == set()


def _finds_a_kit_that_is_plugged_in(debian: BareDebian) -> None:
    brought = debian.root / "media/ann/STICK" / FOLDER / "profiles/brought"
    shutil.copytree(paths.assets() / "profiles/body-16x7", brought)
    profile = brought / "profile.toml"
    profile.write_text(profile.read_text().replace('name = "body-16x7"', 'name = "brought"', 1))
    assert "brought" in debian.run("flasher", "profile", "list").text
    shutil.rmtree(debian.root / "media/ann")


def _sees_the_first_screen(debian: BareDebian) -> None:
    terminal = debian.open("flasher", "--practice")
    terminal.expect("body-16x7|Body scanner")
    terminal.sendcontrol("q")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0


def _heeds_no_libraries_but_its_own(debian: BareDebian) -> None:
    strange = debian.root / "root/strange/flasher"
    strange.mkdir(parents=True)
    (strange / "__init__.py").write_text("raise SystemExit('a stranger')\n")
    told = debian.run("flasher", "--version", env={"PYTHONPATH": "/root/strange"})
    assert told.text == f"flasher {__version__}\n"


def test_the_same_inputs_give_the_same_bytes(files: list[Entry], tmp_path: Path) -> None:
    ours = [entry for entry in files if "/lib/flasher/lib/autosetup/" in entry.path]
    for order in (ours, ours[::-1]):
        write_package(order, tmp_path / f"{order[0].path.replace('/', '-')}.deb", EPOCH)
    first, second = (path.read_bytes() for path in tmp_path.glob("*.deb"))
    assert first == second


def test_lintian_finds_no_errors(package: Path) -> None:
    run(["lintian", "--allow-root", "--fail-on", "error", str(package)])
