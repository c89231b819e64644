"""Software of a payload on the real agent: put in place as a whole, switched, and put back."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace

import pytest

from autosetup.settings import Locale, NodeSettings, Script, Secrets
from autosetup.software import Software
from tests.integration.autosetup.conftest import Node
from tests.unit.autosetup.sample_payloads import GENERATION, packed
from tests.unit.autosetup.sample_trees import tree

SOURCE, PATH = "software/10-capture.tar", "/opt/rig/capture"
CAPTURE = Software(SOURCE, PATH, "v1 (1a2b3c4d5e6f)")
SETTINGS = NodeSettings(
    "cam-0101", "camnode", locale=Locale(timezone="Etc/UTC"), software=(CAPTURE,)
)
FIRST = tree({"bin/run": b"#!/bin/sh\necho first\n", "only-first": b""}, {"start": "bin/run"})
SECOND = tree({"bin/run": b"#!/bin/sh\necho second\n"}, {"start": "bin/run"})
BAD = {"scripts/10-bad": b"#!/bin/sh\nexit 3\n"}


def give(node: Node, number: int, raw: bytes | None, *, bad: bool = False) -> None:
    """Put a payload on the card, with software or without."""
    settings = SETTINGS if raw else replace(SETTINGS, software=())
    files = {**({SOURCE: raw} if raw else {}), **(BAD if bad else {})}
    scripts = (Script("scripts/10-bad"),) if bad else ()
    made = replace(settings, scripts=scripts)
    node.insert(packed(made, Secrets(bytes(32)), files, GENERATION + number))


def says(node: Node) -> str:
    """What the software says when it is run."""
    return node.execute(f"{PATH}/start").stdout


@pytest.fixture
def done(fresh: Callable[[], Node]) -> Node:
    """A node with the first version."""
    node = fresh()
    give(node, 0, FIRST)
    ended = node.run()
    assert ended.returncode == 0, ended.stdout
    return node


def test_it_is_put_in_place_and_left_alone_from_then_on(done: Node) -> None:
    assert says(done) == "first\n"
    before = done.stamps()
    assert done.run().returncode == 0
    assert done.stamps() == before


def test_another_version_takes_its_place_whole(done: Node) -> None:
    give(done, 1, SECOND)
    assert done.run().returncode == 0
    assert says(done) == "second\n"
    assert done.execute("ls", PATH).stdout.split() == ["bin", "start"]


def test_with_a_payload_that_is_taken_back_the_version_before_is_back(done: Node) -> None:
    give(done, 1, SECOND, bad=True)
    done.run()
    assert done.status.state == "rolled-back"
    assert says(done) == "first\n"


def test_what_no_payload_wants_any_more_is_gone(done: Node) -> None:
    (done.card / SOURCE).unlink()
    give(done, 1, None)
    assert done.run().returncode == 0
    assert not (done.upper / PATH.lstrip("/")).is_symlink()
    assert not (done.upper / "opt/rig").exists()


def test_what_lies_there_already_and_is_no_software_is_not_touched(
    fresh: Callable[[], Node],
) -> None:
    node = fresh()
    (node.upper / PATH.lstrip("/")).mkdir(parents=True)
    give(node, 0, FIRST)
    assert node.run().returncode == 1
    assert "is there already, and is no link" in (node.status.reason or "")


def test_a_tree_that_leads_elsewhere_changes_nothing(fresh: Callable[[], Node]) -> None:
    node = fresh()
    give(node, 0, tree({}, {"way-out": "/etc"}))
    assert node.run().returncode == 1
    assert "leads out of it" in (node.status.reason or "")
    assert not (node.upper / "opt").exists()


@pytest.mark.parametrize("moment", range(12, 60, 6))
def test_a_power_cut_leaves_one_version_or_the_other_and_then_the_newer(
    done: Node, moment: int
) -> None:
    give(done, 1, SECOND)
    assert done.run(kill_at=moment).returncode == 128 + signal.SIGKILL
    assert says(done) in ("first\n", "second\n")
    assert done.run().returncode == 0
    assert says(done) == "second\n"
