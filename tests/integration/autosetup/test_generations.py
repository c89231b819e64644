"""Which payload counts: higher, equal, lower, conflicting."""

from __future__ import annotations

import dataclasses

import pytest

from tests.integration.autosetup.conftest import Node
from tests.unit.autosetup.sample_payloads import GENERATION, SECRETS, SETTINGS, packed

PLAIN = dataclasses.replace(
    SETTINGS, locale=dataclasses.replace(SETTINGS.locale, language="C.UTF-8")
)


@pytest.fixture
def done(node: Node) -> Node:
    node.insert(packed(PLAIN))
    assert node.run().returncode == 0
    return node


def test_a_higher_generation_replaces_a_lower_one_and_its_secrets(done: Node) -> None:
    fewer = dataclasses.replace(PLAIN, name="cam-0102", wifi=PLAIN.wifi[:1], wired=None)
    phrases = {"65;66;": "another passphrase"}
    secrets = dataclasses.replace(SECRETS, wifi_passphrases=phrases)
    done.insert(packed(fewer, secrets, generation=GENERATION + 1))
    assert done.run().returncode == 0
    assert (done.status.node, done.status.generation) == ("cam-0102", GENERATION + 1)
    left = (done.upper / "etc/NetworkManager/system-connections").glob("autosetup-*")
    assert [path.name for path in left] == ["autosetup-1.nmconnection"]
    done.insert(packed(fewer, secrets, generation=GENERATION + 2))
    assert done.run().returncode == 0
    # The one before is remembered whole, to return to; those older are gone.
    copies = (done.upper / "var/lib/autosetup/generations").iterdir()
    assert {path.name for path in copies} == {str(GENERATION + 1), str(GENERATION + 2)}


def test_a_lower_generation_is_ignored(done: Node) -> None:
    older = dataclasses.replace(PLAIN, name="cam-0000")
    done.insert(packed(older, generation=GENERATION - 1))
    assert done.run().returncode == 0
    assert (done.status.state, done.status.node) == ("done", "cam-0101")
    assert "older: ignored" in (done.card / "log.txt").read_text()


def test_another_payload_of_the_same_generation_is_a_conflict(done: Node) -> None:
    done.insert(packed(dataclasses.replace(PLAIN, name="cam-0000")))
    assert done.run().returncode == 1
    assert (done.status.state, done.status.code) == ("failed", "conflict")
    assert done.read("/etc/hostname") == "cam-0101\n"


def test_an_edit_after_success_is_told_and_ignored(done: Node) -> None:
    node_file = done.card / "node.toml"
    node_file.write_bytes(node_file.read_bytes().replace(b"cam-0101", b"cam-0000"))
    told = done.run()
    assert (told.returncode, done.status.state) == (0, "done")
    assert "Ignored, as this generation is done already: node.toml" in told.stdout
