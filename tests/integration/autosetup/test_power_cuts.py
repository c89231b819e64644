"""The agent killed at every rename and every start of a program: the next run ends the same."""

from __future__ import annotations

import dataclasses
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from autosetup.settings import Boot
from tests.integration.autosetup.conftest import Node, make_node
from tests.integration.autosetup.test_central import make_central
from tests.unit.autosetup.sample_payloads import (
    FILES,
    SECRETS,
    SERVER,
    SERVES,
    SETTINGS,
    USER_KEY,
    packed,
)

PLAIN = dataclasses.replace(
    SETTINGS,
    locale=dataclasses.replace(SETTINGS.locale, language="C.UTF-8"),
    boot=Boot(("dtparam=i2c_arm=on",), ("consoleblank=0",)),
    wired=SERVER,
    serves=SERVES,
    keys_only=True,
)
KEYED = dataclasses.replace(SECRETS, user_keys={"scan": USER_KEY})
COUNTING = {**FILES, "scripts/10-hello": b"#!/bin/sh\necho x > /etc/counted\n"}
PAYLOAD = packed(PLAIN, KEYED, COUNTING)
# More than there are moments: the last parts find that the run ends before its turn comes.
PARTS, MOMENTS_PER_PART = 16, 12
FEWEST_MOMENTS = 40


def insert(node: Node) -> None:
    """Make it a node that can serve, and has the files that boot settings go to."""
    make_central(node)
    node.insert(PAYLOAD)
    (node.card.parent / "config.txt").write_text("kernel=vmlinuz\n")
    (node.card.parent / "cmdline.txt").write_text("root=LABEL=rootfs rootwait\n")


@pytest.fixture(scope="module")
def undisturbed(ground: Path) -> dict[str, tuple[object, ...]]:
    """The tree of a node that nobody disturbed."""
    node = make_node(ground / "undisturbed")
    insert(node)
    assert node.run().returncode == 0
    assert "dtparam=i2c_arm=on" in node.read("/boot/firmware/config.txt")
    return node.tree()


def cut_and_boot(node: Node, moment: int) -> bool:
    """Cut the first boot at a moment, then boot again; whether there was anything to cut."""
    insert(node)
    was_cut = node.run(kill_at=moment).returncode == 128 + signal.SIGKILL
    if was_cut:
        assert node.run().returncode == 0
    return was_cut


@pytest.mark.parametrize("part", range(PARTS))
def test_a_power_cut_at_any_step_ends_in_the_same_node(
    fresh: Callable[[], Node], undisturbed: dict[str, tuple[object, ...]], part: int
) -> None:
    for moment in range(1 + part, 1 + PARTS * MOMENTS_PER_PART, PARTS):
        node = fresh()
        was_cut = cut_and_boot(node, moment)
        assert node.status.state == "done"
        assert node.tree() == undisturbed
        if not was_cut:
            assert moment > FEWEST_MOMENTS
            return
    pytest.fail("there are more moments than this test tries: raise MOMENTS_PER_PART")


@pytest.mark.parametrize("seed", range(4))
def test_a_power_cut_in_the_middle_of_a_program_ends_in_the_same_node(
    fresh: Callable[[], Node], undisturbed: dict[str, tuple[object, ...]], seed: int
) -> None:
    moments = random.Random(seed)  # noqa: S311  (the same moments every time)
    for _ in range(5):
        node = fresh()
        insert(node)
        node.cut_after(moments.uniform(0.1, 0.6))
        assert node.run().returncode == 0
        assert node.tree() == undisturbed


def test_a_run_that_was_cut_goes_on_where_it_was(fresh: Callable[[], Node]) -> None:
    node = fresh()
    insert(node)
    node.run(kill_at=45)
    told = node.run().stdout
    assert "it goes on where it was" in told
    assert "step 1 of" not in told
