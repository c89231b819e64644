"""Trouble of every kind: each ends in a state that names the step and the likely cause."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable

import pytest

from autosetup.settings import Script
from tests.integration.autosetup.conftest import Node
from tests.unit.autosetup.sample_payloads import FILES, SETTINGS, packed

PLAIN = dataclasses.replace(
    SETTINGS, locale=dataclasses.replace(SETTINGS.locale, language="C.UTF-8")
)


@pytest.fixture
def node(fresh: Callable[[], Node]) -> Node:
    return fresh()


def insert(node: Node, script: str = "exit 0", seconds: int = 5, **files: bytes) -> None:
    """A payload with this script."""
    settings = dataclasses.replace(PLAIN, scripts=(Script("scripts/10-hello", seconds),))
    content = {**FILES, **files, "scripts/10-hello": f"#!/bin/sh\n{script}\n".encode()}
    node.insert(packed(settings, files=content))


def trouble(node: Node, *commands: str) -> None:
    """What is wrong with the node's tree, `$root`, from its next start on."""
    (node.folder / "trouble").write_text("\n".join(commands) + "\n")


def test_a_hanging_script_is_stopped_with_whatever_it_hid(node: Node) -> None:
    hidden = "setsid sh -c '(while :; do date >/etc/alive; sleep 0.01; done) &' &"
    insert(node, f"{hidden}\nuntil [ -e /etc/alive ]; do :; done\nsleep 1000", seconds=1)
    agent = shlex.join(node.agent())
    # Its process namespace lives on until what it started has ended.
    told = node.execute("sh", "-c", f"{agent}; rm /etc/alive; sleep 0.3; ls /etc/alive")
    assert (node.status.code, node.status.step) == ("script-timeout", "scripts")
    assert "10-hello left 3 programs running" in (node.card / "log.txt").read_text()
    assert "No such file" in told.stderr


def test_a_full_disk_is_named_with_its_size_and_nothing_is_half_written(node: Node) -> None:
    insert(node)
    place = "$root/var/lib/autosetup"
    trouble(node, f"mkdir -p {place}", f"mount -t tmpfs -o size=64k full {place}")
    files = {**FILES, "files/motd": bytes(1 << 20)}
    node.insert(packed(PLAIN, files=files))
    told = node.execute("sh", "-c", f"{shlex.join(node.agent())}; find /var/lib/autosetup")
    assert (node.status.state, node.status.code) == ("failed", "no-space")
    assert "The file system of /var/lib/autosetup is full: 0.1 MB" in (node.status.reason or "")
    assert "It takes 1.1 MB." in (node.status.reason or "")
    assert "/var/lib/autosetup/generations" not in told.stdout.replace("generations\n", "")
    (node.folder / "trouble").unlink()
    assert node.run().returncode == 0
