"""`autosetup update` and the image's own packages, from a site's mirror."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from autosetup.status import Status
from tests.integration.autosetup.conftest import Node
from tests.integration.autosetup.releases import serving
from tests.integration.autosetup.sample_debs import make_deb
from tests.integration.autosetup.updating import (
    LIBRARIES,
    PACKAGE,
    Rig,
    Turns,
    giving_turns,
    make_rig,
    motd,
    payload,
    run,
)
from tests.integration.builder.archives import make_archive, signing
from tests.integration.builder.archives import serving as serving_archive
from tests.unit.autosetup.sample_payloads import GENERATION

SUITE = platform.freedesktop_os_release()["VERSION_CODENAME"]
KEYRING = "usr/share/keyrings/debian-archive-keyring.gpg"
GRANTED: dict[str, object] = {"granted": True, "lease_seconds": 900}
LATER: dict[str, object] = {"granted": False, "wait_seconds": 0, "why": "Others first."}
NEVER: dict[str, object] = {"granted": False, "wait_seconds": 3600, "why": "It has stopped."}


@dataclass(frozen=True, slots=True)
class Place:
    """A node with version 1.0 of a package, and a mirror of the site with version 2.0."""

    rig: Rig
    node: Node
    turns: Turns

    @property
    def version(self) -> str:
        return self.node.execute("dpkg-query", "-W", "-f${Version}", PACKAGE).stdout

    def release(self, **plan: object) -> None:
        """Publish the plan of a rollout that has nothing newer for the node."""
        self.rig.release(payload(self.rig.update, GENERATION, b"first\n"), **plan)


@pytest.fixture
def place(ground: Path, tmp_path: Path) -> Iterator[Place]:
    archive, repository = tmp_path / "archive", tmp_path / "repository"
    archive.mkdir()
    repository.mkdir()
    (ground / tmp_path.name).mkdir()
    with ExitStack() as stack:
        signer = stack.enter_context(signing(tmp_path / "archive.gpg"))
        deb = archive / "rig-tools_2.0_all.deb"
        deb.write_bytes(make_deb(tmp_path / "new", PACKAGE, "2.0"))
        make_archive(archive, SUITE, {"main": [deb]}, signer)
        mirror, _ = stack.enter_context(serving_archive({"": archive}))
        server = stack.enter_context(serving(repository))
        turns = stack.enter_context(giving_turns(GRANTED))
        rig = make_rig(ground / tmp_path.name, repository, server, turns.address, mirror=mirror)
        node = stack.enter_context(rig.node())
        keyring = node.upper / KEYRING
        keyring.parent.mkdir(parents=True, exist_ok=True)
        keyring.write_bytes(signer.public.read_bytes())
        (node.upper / "old.deb").write_bytes(make_deb(tmp_path / "old", PACKAGE))
        assert node.execute("dpkg", "--install", "/old.deb").returncode == 0
        yield Place(rig, node, turns)


def test_packages_come_from_the_site_s_mirror_in_the_node_s_turn(place: Place) -> None:
    place.release()
    place.turns.answers[:] = [LATER, GRANTED]
    assert "Brought up to date: rig-tools 2.0.\n" in run(place.node).stdout
    assert place.version == "2.0"
    assert [said["generation"] for said in place.turns.asked] == [GENERATION] * 2


def test_while_it_is_not_the_node_s_turn_they_stay_as_they_are(place: Place) -> None:
    place.release()
    place.turns.answers[:] = [NEVER]
    assert run(place.node).stdout == "waiting: It has stopped.\n"
    assert place.version == "1.0"


def test_while_the_rollout_is_paused_they_stay_as_they_are(place: Place) -> None:
    place.release(paused=True)
    assert run(place.node).stdout == "waiting: The rollout is paused.\n"
    assert place.version == "1.0"
    place.release()
    run(place.node)
    assert place.version == "2.0"


def test_a_repository_that_is_frozen_or_spoiled_keeps_no_package_away(place: Place) -> None:
    place.rig.repository.expires = datetime.now(UTC) - timedelta(days=1)
    place.release()
    ended = run(place.node)
    assert ended.returncode == 1
    assert "has had nothing to say for too long" in ended.stderr
    assert place.version == "2.0"
    assert motd(place.node) == "first\n"


def test_a_node_that_they_make_unwell_says_so(place: Place) -> None:
    place.release()
    boot = "(autosetup run; autosetup update) > /dev/null; autosetup status --json"
    told = place.node.execute("env", f"LIBRARIES={LIBRARIES}", "sh", "-c", boot).stdout
    status = Status.from_json(told.encode())
    assert (place.version, status.state) == ("2.0", "done")
    warned = {warning.code: warning.reason for warning in status.warnings}
    assert warned["unhealthy"].startswith("Since the image's packages were brought up to date: ")
