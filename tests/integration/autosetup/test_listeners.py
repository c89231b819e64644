"""Whoever listens to the agent, or stops listening: it says how it is, and goes on."""

from __future__ import annotations

import dataclasses
import os
import pty
import shlex
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autosetup.outlets import Outlets
from autosetup.settings import Script
from autosetup.status import Status
from tests.integration.autosetup.conftest import Node
from tests.unit.autosetup.sample_payloads import FILES, GENERATION, SETTINGS, packed

NOBODY = "setpriv --reuid 65534 --regid 65534 --clear-groups"
PLAIN = dataclasses.replace(
    SETTINGS, locale=dataclasses.replace(SETTINGS.locale, language="C.UTF-8")
)


@pytest.fixture
def node(fresh: Callable[[], Node]) -> Node:
    made = fresh()
    made.insert(packed(PLAIN))
    return made


@pytest.fixture
def stopped_console() -> Iterator[Path]:
    """A terminal on which somebody typed Ctrl-S, full to the brim."""
    master, slave = pty.openpty()
    termios.tcflow(slave, termios.TCOOFF)
    yield Path(os.ttyname(slave))
    os.close(slave)
    os.close(master)


def test_whoever_has_no_rights_can_wait_for_a_node_too(node: Node) -> None:
    agent, waiting = (shlex.join(node.agent(*words)) for words in ([], ["status", "--wait"]))
    told = node.execute("sh", "-c", f"{agent} >/dev/null; timeout 10 {NOBODY} {waiting}; echo $?")
    assert "cam-0101 · done" in told.stdout
    assert told.stdout.endswith("\n0\n")


def test_a_console_that_is_stopped_does_not_hold_up_the_node(
    stopped_console: Path, tmp_path: Path
) -> None:
    outlets = Outlets(None, tmp_path, (stopped_console,), sink=lambda _: None)
    outlets.announce(Status("done", node="cam-0101"))
    assert (tmp_path / "status.json").exists()


def test_a_reader_who_leaves_ends_nothing(node: Node) -> None:
    told = node.execute("bash", "-o", "pipefail", "-c", f"{shlex.join(node.agent())} | true")
    assert (told.returncode, told.stderr) == (0, "")
    assert node.status.state == "done"


def test_a_terminal_that_hangs_up_while_a_payload_is_applied_ends_nothing(node: Node) -> None:
    assert node.run().returncode == 0
    hanging_up = {**FILES, "scripts/20-hang-up": b"#!/bin/sh\nkill -HUP $PPID\n"}
    settings = dataclasses.replace(PLAIN, scripts=(*PLAIN.scripts, Script("scripts/20-hang-up")))
    raw = packed(settings, files=hanging_up, generation=GENERATION + 1)
    for name, data in raw.items():
        path = node.upper / "payload" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    told = node.run("apply", "/payload")
    assert (told.returncode, node.status.generation) == (0, GENERATION + 1), told


@pytest.mark.parametrize(
    "words", ["run", "apply /etc", "rollback", "rebind", "check", "values", "set domain x"]
)
def test_whoever_has_no_rights_is_told_so(node: Node, words: str) -> None:
    node.card.parent.chmod(0o700)  # as the image has it
    asked = f"{NOBODY} {shlex.join(node.agent(*words.split()))}"
    told = node.execute("sh", "-c", f"mkdir -m 700 -p /run/autosetup /var/lib/autosetup; {asked}")
    assert (told.returncode, told.stderr) == (1, "Only root may do this. Put sudo in front.\n")


def test_an_interrupted_wait_ends_without_a_word_too_many(node: Node) -> None:
    waiting = shlex.join(node.agent("status", "--wait"))
    told = node.execute("sh", "-c", f"timeout --foreground --signal INT 1 {waiting}; echo $?")
    assert told.stderr == "Interrupted. What was begun goes on at the next start.\n"


def test_a_payload_that_was_used_has_no_fault(node: Node) -> None:
    assert node.run().returncode == 0
    told = node.run("check")
    assert (told.returncode, told.stderr) == (0, "")
    assert "no faults · unsigned · its secrets were used and erased" in told.stdout
    (node.card / "node.toml").write_bytes(b"name = ")
    assert node.run("check").stderr.count("node.toml:1:8:") == 1
