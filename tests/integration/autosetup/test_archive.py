"""Packages by name from an archive of our own; whatever goes wrong is told in plain words."""

from __future__ import annotations

import dataclasses
import platform
import socket
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from autosetup.settings import Packages
from tests.integration.autosetup.conftest import Node
from tests.integration.autosetup.sample_debs import make_deb as deb_bytes
from tests.integration.builder.archives import Signer, make_archive, make_deb, serving, signing
from tests.unit.autosetup.sample_payloads import FILES, SETTINGS, packed

SUITE = platform.freedesktop_os_release()["VERSION_CODENAME"]
KEYRING = "usr/share/keyrings/debian-archive-keyring.gpg"
PLAIN = dataclasses.replace(
    SETTINGS, locale=dataclasses.replace(SETTINGS.locale, language="C.UTF-8")
)
DAY = 86400.0


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signer]:
    with signing(tmp_path_factory.mktemp("key") / "archive.gpg") as made:
        yield made


@dataclasses.dataclass(frozen=True)
class Archive:
    """One that is served; `asked` grows."""

    folder: Path
    url: str
    asked: list[str]

    def offer(self, signer: Signer | None, suite: str = SUITE, **release: str) -> None:
        with TemporaryDirectory(dir=self.folder) as place:
            library = make_deb(Path(place), "rig-library", "2.1")
            tools = make_deb(Path(place), "rig-tools", Depends="rig-library (>= 2)")
            make_archive(self.folder, suite, {"main": [library, tools]}, signer, **release)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with serving({"": tmp_path}) as (url, asked):
        yield Archive(tmp_path, url, asked)


@pytest.fixture
def node(fresh: Callable[[], Node], signer: Signer) -> Node:
    """One that trusts the archive's key."""
    made = fresh()
    keyring = made.upper / KEYRING
    keyring.parent.mkdir(parents=True)
    keyring.write_bytes(signer.public.read_bytes())
    # Whatever this computer's own settings say.
    settings = made.upper / "etc/apt/apt.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text('Acquire { Check-Date "true"; Check-Valid-Until "true"; };')
    return made


def insert(node: Node, mirror: str, *names: str, **debs: bytes) -> None:
    settings = dataclasses.replace(PLAIN, packages=Packages(names, mirror))
    files = {f"packages/{name}.deb": deb for name, deb in debs.items()}
    node.insert(packed(settings, files={**FILES, **files}))


def installed(node: Node, name: str) -> str:
    form = "-f${db:Status-Status} ${Version}"
    return node.execute("dpkg-query", "-W", form, name).stdout


def failure(node: Node) -> tuple[str | None, str | None, str]:
    assert node.run().returncode == 1
    return node.status.step, node.status.code, node.status.reason or ""


def test_packages_come_from_the_mirror_with_what_they_need_and_then_no_network_is_asked(
    node: Node, signer: Signer, archive: Archive, tmp_path: Path
) -> None:
    archive.offer(signer)
    # One of the payload's own may need one of the mirror's.
    own = deb_bytes(tmp_path / "own", "rig-own", Depends="rig-tools")
    insert(node, archive.url, "rig-tools", rig=own)
    told = node.run()
    assert told.returncode == 0, told.stdout
    assert installed(node, "rig-tools") == "installed 1"
    assert installed(node, "rig-library") == "installed 2.1"
    assert installed(node, "rig-own") == "installed 1.0"
    before = len(archive.asked)
    assert node.run().returncode == 0
    assert len(archive.asked) == before


def test_what_is_installed_needs_no_archive(node: Node) -> None:
    insert(node, "http://192.0.2.1", "dpkg", "coreutils")
    assert node.run().returncode == 0


def test_without_a_mirror_the_images_own_sources_are_asked(
    node: Node, signer: Signer, archive: Archive
) -> None:
    archive.offer(signer, suite="rig")
    sources = node.upper / "etc/apt/sources.list.d"
    sources.mkdir(parents=True)
    listed = f"deb [signed-by=/{KEYRING}] {archive.url} rig main\n"
    (sources / "rig.list").write_text(listed)
    # Those of this computer are not the image's.
    trouble = 'for f in "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/*; do'
    trouble += ' case "$f" in *rig.list) ;; *) rm -f "$f";; esac; done\n'
    (node.folder / "trouble").write_text(trouble)
    insert(node, "", "rig-tools")
    told = node.run()
    assert told.returncode == 0, told.stdout
    assert installed(node, "rig-tools") == "installed 1"


def test_a_mirror_that_comes_back_is_found_by_the_next_try(
    node: Node, signer: Signer, archive: Archive
) -> None:
    insert(node, archive.url, "rig-tools")
    step, code, reason = failure(node)
    assert (step, code) == ("packages", "archive-refused")
    assert f"has nothing for this system: {SUITE}" in reason
    archive.offer(signer)
    assert node.run().returncode == 0


def test_a_package_that_the_archive_lacks_is_named(
    node: Node, signer: Signer, archive: Archive
) -> None:
    archive.offer(signer)
    insert(node, archive.url, "rig-tools", "rig-toolz")
    assert failure(node) == ("packages", "package-unknown", "The archive has no package rig-toolz.")
    assert installed(node, "rig-tools") == ""


def test_an_archive_that_nobody_signed_or_somebody_else_is_refused(
    node: Node, archive: Archive, tmp_path: Path
) -> None:
    insert(node, archive.url, "rig-tools")
    archive.offer(None)
    assert failure(node)[1] == "archive-refused"
    with signing(tmp_path / "other.gpg") as other:
        archive.offer(other)
    step, code, reason = failure(node)
    assert (step, code) == ("packages", "archive-refused")
    assert "not signed by a key that this image trusts" in reason
    assert installed(node, "rig-tools") == ""


@pytest.mark.parametrize(
    ("field", "days", "told"),
    [("Date", 2, "the clock is behind"), ("Valid_Until", -2, "has expired")],
)
def test_an_archive_of_another_time_is_said_to_be_so(
    node: Node, signer: Signer, archive: Archive, field: str, days: int, told: str
) -> None:
    archive.offer(signer, **{field: formatdate(time.time() + days * DAY, usegmt=True)})
    insert(node, archive.url, "rig-tools")
    step, code, reason = failure(node)
    assert (step, code) == ("packages", "clock-wrong")
    assert told in reason


def test_a_server_that_is_not_there_is_told_from_one_that_nobody_knows(node: Node) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    insert(node, f"http://127.0.0.1:{port}", "rig-tools")
    step, code, reason = failure(node)
    assert (step, code) == ("packages", "archive-unreachable")
    assert "no server of packages runs on it" in reason


@pytest.mark.parametrize(
    ("mirror", "told"),
    [
        ("http://controller.invalid", "No name server knows controller.invalid"),
        ("http://192.0.2.1", "There is no way to 192.0.2.1"),
    ],
)
def test_without_a_network_that_is_said(node: Node, mirror: str, told: str) -> None:
    insert(node, mirror, "rig-tools")
    cut_off = node.execute("unshare", "--net", *node.agent())
    assert cut_off.returncode == 1
    assert (node.status.step, node.status.code) == ("packages", "archive-unreachable")
    assert told in (node.status.reason or "")
