"""Every moment at which the power may be cut while a node is brought up to date, agent and all."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

import autosetup
from tests.integration.autosetup.agent_disk import record_agent, versions_after
from tests.integration.autosetup.launching import NEWER
from tests.integration.autosetup.releases import serving
from tests.integration.autosetup.update_cuts import KINDS, cut_and_go_on, ended, prepare
from tests.integration.autosetup.updating import make_rig, run

pytestmark = pytest.mark.timeout(6000)


@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_any_moment_an_update_ends_the_same(
    ground: Path, tmp_path: Path, kind: str
) -> None:
    with serving(tmp_path) as server:
        rig = make_rig(ground / kind, tmp_path, server)
        prepare(rig, kind)
        with rig.node() as node:
            run(node)
            undisturbed = ended(node)
        for moment in count(1):
            with rig.node() as node:
                was_cut = cut_and_go_on(node, [moment])
                assert ended(node) == undisturbed, f"cut at {moment}"
            if not was_cut:
                break


def test_whatever_a_power_cut_leaves_of_a_newer_agent_there_is_one(ground: Path) -> None:
    wanted = [(version, NEWER) for version in (autosetup.__version__, NEWER)]
    differing = [
        (moment, loss)
        for moment, loss, tree in record_agent(ground).trees.values()
        if versions_after(tree, ground) not in wanted
    ]
    assert differing == []
