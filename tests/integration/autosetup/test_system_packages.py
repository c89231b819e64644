"""The image's own packages, brought up to date by the real apt from archives of this test."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from autosetup.update.system_packages import is_due
from tests.integration.autosetup.conftest import Node
from tests.integration.autosetup.sample_debs import make_deb

# Only these archives count, whatever this computer has.
TROUBLE = 'mount -t tmpfs sources "$root/etc/apt/sources.list.d"\n'
SOURCES = "".join(f"deb [trusted=yes] file:/archives/{name} ./\n" for name in ("plain", "safe"))
DRIVER = """
import sys
sys.path = [sys.argv[1], *sys.path]
from pathlib import Path
from autosetup.errors import AgentError
from autosetup.system import System
from autosetup.update.system_packages import bring_up_to_date, restart_asked
stamp = Path("/var/lib/autosetup/update/packages-at")
try:
    taken = bring_up_to_date(System(), sys.argv[2], "", stamp)
except AgentError as error:
    sys.exit(error.code)
print(*(newer.name for newer in taken))
print("restart" if restart_asked(System(), taken) else "")
"""


def archive(node: Node, folder: Path, name: str, label: str, *packages: str) -> None:
    """An archive with version 2.0 of some packages, as apt reads it."""
    place = node.upper / "archives" / name
    place.mkdir(parents=True)
    listed = ""
    for package in packages:
        deb = make_deb(folder / name, package, "2.0")
        (place / f"{package}.deb").write_bytes(deb)
        listed += (
            f"Package: {package}\nVersion: 2.0\nArchitecture: all\nMaintainer: a <a@b>\n"
            f"Filename: ./{package}.deb\nSize: {len(deb)}\n"
            f"SHA256: {hashlib.sha256(deb).hexdigest()}\nDescription: for tests\n\n"
        )
    (place / "Packages").write_text(listed)
    digest = hashlib.sha256(listed.encode()).hexdigest()
    (place / "Release").write_text(
        f"Origin: Debian\nLabel: {label}\nSuite: stable\nCodename: stable\n"
        f"Date: Sun, 22 Nov 2026 00:00:00 UTC\nSHA256:\n {digest} {len(listed)} Packages\n"
    )


@pytest.fixture
def node(fresh: Callable[[], Node], tmp_path: Path) -> Node:
    """A node with version 1.0 of two packages, of which one has a security update."""
    node = fresh()
    (node.folder / "trouble").write_text(TROUBLE)
    apt = node.upper / "etc/apt"
    apt.mkdir(parents=True)
    (apt / "sources.list").write_text(SOURCES)
    for package in ("rig-tools", "linux-image-rig"):
        (node.upper / f"{package}.deb").write_bytes(make_deb(tmp_path / "old", package))
        assert node.execute("dpkg", "--install", f"/{package}.deb").returncode == 0
    archive(node, tmp_path, "plain", "Debian", "rig-tools")
    archive(node, tmp_path, "safe", "Debian-Security", "linux-image-rig")
    return node


def bring(node: Node, which: str) -> list[str]:
    """Bring its packages up to date; what it says."""
    with node.start(DRIVER, which) as running:
        said, _ = running.communicate()
    return [line for line in said.splitlines() if line]


def version(node: Node, package: str) -> str:
    return node.execute("dpkg-query", "-W", "-f${Version}", package).stdout


def test_security_updates_alone_leave_the_rest_as_it_is(node: Node) -> None:
    assert bring(node, "security") == ["linux-image-rig", "restart"]
    assert (version(node, "linux-image-rig"), version(node, "rig-tools")) == ("2.0", "1.0")


def test_all_are_brought_up_to_date_also_after_dpkg_was_cut_short(node: Node) -> None:
    node.execute("dpkg", "--unpack", "/rig-tools.deb")
    taken = bring(node, "all")
    assert {"rig-tools", "linux-image-rig"} <= set(taken[0].split())
    assert version(node, "rig-tools") == "2.0"
    assert node.execute("dpkg", "--audit").stdout == ""
    assert bring(node, "all") == []


def test_where_nothing_is_wanted_nothing_is_done(node: Node) -> None:
    assert bring(node, "none") == []
    assert version(node, "rig-tools") == "1.0"


def test_a_sealed_node_is_left_alone(node: Node) -> None:
    (node.folder / "sealed").touch()
    assert bring(node, "all") == []
    assert version(node, "rig-tools") == "1.0"


def test_it_is_due_once_a_day_and_after_a_clock_that_went_back(tmp_path: Path) -> None:
    stamp = tmp_path / "stamp"
    assert is_due(stamp, 1_000_000)
    stamp.touch()
    os.utime(stamp, (1_000_000, 1_000_000))
    moments = (1_000_000, 1_086_399, 1_086_400, 999_999)
    assert [is_due(stamp, moment) for moment in moments] == [False, False, True, True]
