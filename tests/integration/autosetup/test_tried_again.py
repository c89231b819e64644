"""What failed is tried again wherever it came from, and what was set by hand can be taken back."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable

import pytest

from autosetup.settings import Health
from tests.integration.autosetup.conftest import Node
from tests.unit.autosetup.sample_payloads import FILES, GENERATION, SETTINGS, packed

PLAIN = dataclasses.replace(
    SETTINGS, locale=dataclasses.replace(SETTINGS.locale, language="C.UTF-8")
)
NEEDS_CAMERA = b"#!/bin/sh\ntest -e /etc/camera\n"


@pytest.fixture
def node(fresh: Callable[[], Node]) -> Node:
    return fresh()


def given(node: Node, number: int = 0, **files: bytes) -> None:
    """Hand a payload to the node itself, and not to its card."""
    raw = packed(PLAIN, files={**FILES, **files}, generation=GENERATION + number)
    shutil.rmtree(node.upper / "payload", ignore_errors=True)
    for name, data in raw.items():
        path = node.upper / "payload" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@pytest.mark.parametrize("is_older_on_card", [False, True])
def test_a_payload_that_is_not_on_the_card_is_tried_again(
    node: Node, is_older_on_card: bool
) -> None:
    if is_older_on_card:
        node.insert(packed(PLAIN, files={**FILES, "scripts/10-hello": NEEDS_CAMERA}))
        assert node.run().returncode == 1
    given(node, 1, **{"scripts/10-hello": NEEDS_CAMERA + b"\n"})
    assert node.run("apply", "/payload").returncode == 1
    shutil.rmtree(node.upper / "payload")
    (node.upper / "etc/camera").touch()
    told = node.run()
    assert (told.returncode, f"done · generation {GENERATION + 1}" in told.stdout) == (0, True)


def test_a_way_back_that_fails_is_counted_and_gone_to_its_end_later(node: Node) -> None:
    node.insert(packed(PLAIN))
    assert node.run().returncode == 0
    spoil = b"#!/bin/sh\nrm /etc/timezone\nmkdir /etc/timezone\nexit 1\n"
    bad = packed(PLAIN, files={**FILES, "scripts/10-hello": spoil}, generation=GENERATION + 1)
    node.insert(bad)
    for attempt in (1, 2, 3):
        told = node.run("run")
        assert (told.returncode, node.status.state, node.status.step) == (1, "failed", "timezone")
        assert node.status.attempt == attempt
        assert told.stdout.count(" · failed · ") == 1
    (node.upper / "etc/timezone").rmdir()
    assert node.run().returncode == 0
    assert (node.status.state, node.status.generation) == ("rolled-back", GENERATION)


def test_a_value_that_makes_a_node_fail_can_be_set_back(node: Node) -> None:
    settings = dataclasses.replace(
        PLAIN, variables={"broker": "good"}, health=Health(("health/10-broker",), 1)
    )
    check = b"#!/bin/sh\ngrep -q good /etc/rig.conf\n"
    node.insert(packed(settings, files={**FILES, "health/10-broker": check}))
    assert node.run().returncode == 0
    assert node.run("set", "broker", "bad").returncode == 1
    assert (node.status.state, node.status.code) == ("failed", "unhealthy")
    assert node.run("set", "broker", "good too").returncode == 0
    assert (node.status.state, node.status.code) == ("done", None)


def test_an_older_payload_never_stands_in_for_a_spoiled_copy(node: Node) -> None:
    older = packed(dataclasses.replace(PLAIN, name="cam-0099"), generation=GENERATION - 1)
    node.insert(older)
    given(node, 0, **{"scripts/10-hello": NEEDS_CAMERA})
    assert node.run("apply", "/payload").returncode == 1
    (node.upper / f"var/lib/autosetup/generations/{GENERATION}/node.toml").write_bytes(b"?")
    assert node.run().returncode == 1
    assert node.read("/etc/hostname") == "cam-0101\n"


def test_a_node_whose_record_is_spoiled_goes_on_with_its_own_copy(node: Node) -> None:
    node.insert(packed(PLAIN))
    assert node.run().returncode == 0
    (node.upper / "var/lib/autosetup/state.json").write_bytes(b"\0")
    assert node.run().returncode == 0
    assert (node.status.state, node.status.generation) == ("done", GENERATION)
