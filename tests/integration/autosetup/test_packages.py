"""Packages of the payload, installed by the real apt and dpkg; dpkg's own record is the judge."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.autosetup.conftest import Node
from tests.integration.autosetup.sample_debs import make_deb
from tests.unit.autosetup.sample_payloads import FILES, GENERATION, SETTINGS, packed

PLAIN = dataclasses.replace(
    SETTINGS, locale=dataclasses.replace(SETTINGS.locale, language="C.UTF-8")
)


def insert(node: Node, debs: dict[str, bytes], generation: int = GENERATION) -> None:
    files = {**FILES, **{f"packages/{name}.deb": deb for name, deb in debs.items()}}
    node.insert(packed(PLAIN, files=files, generation=generation))


def installed(node: Node, name: str) -> str:
    form = "-f${db:Status-Status} ${Version}"
    return node.execute("dpkg-query", "-W", form, name).stdout


@pytest.fixture
def node(fresh: Callable[[], Node]) -> Node:
    return fresh()


def test_packages_are_installed_in_the_order_that_they_need(node: Node, tmp_path: Path) -> None:
    one = make_deb(tmp_path, "a-rig-tools", Depends="z-rig-library (>= 2)")
    insert(node, {"a-rig-tools": one, "z-rig-library": make_deb(tmp_path, "z-rig-library", "2.1")})
    told = node.run()
    assert told.returncode == 0, told.stdout
    assert installed(node, "a-rig-tools") == "installed 1.0"
    assert installed(node, "z-rig-library") == "installed 2.1"
    before = node.stamps()
    assert node.run().returncode == 0
    assert node.stamps() == before


def test_what_a_power_cut_left_half_installed_is_made_whole(node: Node, tmp_path: Path) -> None:
    names = ["rig-library", "rig-tools"]
    insert(node, {name: make_deb(tmp_path, name) for name in names})
    node.execute("dpkg", "--unpack", "/boot/firmware/autosetup/packages/rig-tools.deb")
    assert installed(node, "rig-tools") == "unpacked 1.0"
    assert node.run().returncode == 0
    assert [installed(node, name) for name in names] == ["installed 1.0"] * 2
    assert node.execute("dpkg", "--audit").stdout == ""


def test_dpkg_that_a_power_cut_kept_from_its_last_word_has_it(node: Node, tmp_path: Path) -> None:
    insert(node, {"rig-tools": make_deb(tmp_path, "rig-tools")})
    node.execute("dpkg", "--install", "/boot/firmware/autosetup/packages/rig-tools.deb")
    known = node.read("/var/lib/dpkg/status").split("\n\n")
    (ours,) = (package for package in known if package.startswith("Package: rig-tools\n"))
    dpkg = node.upper / "var/lib/dpkg"
    (dpkg / "status").write_text("\n\n".join(package for package in known if package != ours))
    (dpkg / "updates/0000").write_text(f"{ours}\n")
    assert "dpkg was interrupted" in node.execute("apt-get", "check").stderr
    assert installed(node, "rig-tools") == "installed 1.0"
    assert node.run().returncode == 0
    assert node.execute("apt-get", "check").returncode == 0


def test_another_version_of_a_higher_generation_takes_its_place(node: Node, tmp_path: Path) -> None:
    for generation, version in enumerate(("1.0", "1.1", "1.0"), GENERATION):
        folder = tmp_path / str(generation)
        insert(node, {"rig-tools": make_deb(folder, "rig-tools", version)}, generation)
        assert node.run().returncode == 0
        assert installed(node, "rig-tools") == f"installed {version}"


def test_a_package_that_needs_what_is_not_there_is_named_and_not_unpacked(
    node: Node, tmp_path: Path
) -> None:
    insert(node, {"rig-tools": make_deb(tmp_path, "rig-tools", Depends="no-such-thing")})
    assert node.run().returncode == 1
    assert node.status.step == "packages"
    assert "no-such-thing" in (node.status.reason or "")
    assert installed(node, "rig-tools") == ""


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda deb: deb[: len(deb) // 3], "no whole Debian package"),
        (lambda _: b"text", "no whole Debian package"),
    ],
)
def test_what_is_no_package_is_told_before_anything_is_changed(
    node: Node, tmp_path: Path, spoil: Callable[[bytes], bytes], told: str
) -> None:
    insert(node, {"rig-tools": spoil(make_deb(tmp_path, "rig-tools"))})
    before = node.tree()
    assert node.run().returncode == 1
    assert {path: facts for path, facts in node.tree().items() if path != "tmp"} == before
    assert f"packages/rig-tools.deb: This is {told}" in (node.status.reason or "")


def test_a_package_for_another_computer_is_told_before_anything_is_changed(
    node: Node, tmp_path: Path
) -> None:
    insert(node, {"rig-tools": make_deb(tmp_path, "rig-tools", Architecture="s390x")})
    assert node.run().returncode == 1
    assert "The package is for s390x" in (node.status.reason or "")
