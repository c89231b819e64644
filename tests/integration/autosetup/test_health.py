"""A node proves itself: the payload's checks pass, in time; or the payload is at fault."""

from __future__ import annotations

import dataclasses

import pytest

from autosetup.settings import Health
from tests.integration.autosetup.conftest import Node
from tests.unit.autosetup.sample_payloads import FILES, GENERATION, SECRETS, SETTINGS, packed

PLAIN = dataclasses.replace(
    SETTINGS, locale=dataclasses.replace(SETTINGS.locale, language="C.UTF-8")
)


def with_check(
    check: bytes, *, seconds: int = 1, name: str = "cam-0102", generation: int = GENERATION
) -> dict[str, bytes]:
    """A payload with one check."""
    health = Health(("health/10-camera",), seconds, timeout_seconds=1)
    settings = dataclasses.replace(PLAIN, name=name, health=health)
    files = {**FILES, "health/10-camera": check}
    return packed(settings, SECRETS, files, generation)


def test_a_node_whose_checks_pass_is_done(node: Node) -> None:
    node.insert(with_check(b'#!/bin/sh\n[ "$NODE_NAME" = cam-0102 ]\n'))
    assert node.run().returncode == 0
    assert node.status.steps[-1].name == "health"
    assert node.status.state == "done"


def test_what_needs_time_is_given_it(node: Node) -> None:
    third_time = b"#!/bin/sh\necho x >> /etc/tries\n[ $(wc -l < /etc/tries) -ge 3 ]\n"
    node.insert(with_check(third_time, seconds=30))
    assert node.run().returncode == 0
    assert node.status.state == "done"


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        (b"#!/bin/sh\necho no camera\nexit 1\n", "10-camera failed (1): no camera"),
        (b"#!/bin/sh\nsleep 60\n", "10-camera was stopped after 1 s."),
        (b"#!/no/such/program\n", "10-camera cannot be started: No such file or directory."),
    ],
)
def test_a_check_that_does_not_pass_in_time_is_named(node: Node, check: bytes, reason: str) -> None:
    node.insert(with_check(check))
    assert node.run().returncode == 1
    status = node.status
    assert (status.state, status.step, status.code) == ("failed", "health", "unhealthy")
    assert reason in (status.reason or "")


def test_a_new_payload_that_is_not_healthy_is_taken_back(node: Node) -> None:
    node.insert(with_check(b"#!/bin/sh\n", name="cam-0101"))
    assert node.run().returncode == 0
    node.insert(with_check(b"#!/bin/sh\nexit 1\n", generation=GENERATION + 1))
    node.run()
    status = node.status
    assert (status.state, status.step, status.code) == ("rolled-back", "health", "unhealthy")
    assert node.read("/etc/hostname") == "cam-0101\n"


def test_a_check_that_the_payload_lacks_is_a_fault(node: Node) -> None:
    whole = with_check(b"#!/bin/sh\n")
    named = whole["node.toml"].replace(b"health/10-camera", b"health/20-lens")
    node.insert({**whole, "node.toml": named})
    told = node.run("check")
    assert told.returncode == 1
    assert "which the payload lacks" in told.stderr
