"""Scripts that a technician added run on the node, after those of the profile, in their order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from flasher.rig.node_payload import CardIdentity, compose
from flasher.rig.own_script import draft_script
from flasher.rig.own_scripts import add_script, move_script
from flasher.rig.profile import load_profile
from flasher.rig.rigmap import RigMap, lay_out
from flasher.rig.site import load_site
from tests.integration.autosetup.conftest import Node

PROFILE = """
format = 1
name = "field"
title = "Field"
[[role]]
name = "camera"
title = "Camera"
columns = 2
node = "cam-{column}"
position = "C{column}"
[[role.script]]
source = "first.sh"
"""
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def tells(word: str) -> bytes:
    return f'#!/bin/sh\necho "{word}" >>/var/told\n'.encode()


def lay_field_out(folder: Path) -> RigMap:
    (folder / "profile.toml").write_text(PROFILE)
    (folder / "first.sh").write_bytes(tells("the profile's"))
    return lay_out(load_profile(str(folder / "profile.toml")), *load_site("demo"))


def test_own_scripts_run_after_the_profiles_in_their_order_on_the_nodes_they_are_for(
    tmp_path: Path, fresh: Callable[[], Node]
) -> None:
    for word in ("second", "first"):
        add_script("field", draft_script(f"{word}.sh", tells(f"my {word}")))
    move_script("field", "first.sh", 1)
    other = draft_script("other.sh", tells("of another node"))
    add_script("field", replace(other, nodes=("cam-2",)))
    rig, node = lay_field_out(tmp_path), fresh()
    node.insert(compose(rig, rig.find("cam-1"), CardIdentity.fresh(NOON), "0" * 64))
    finished = node.run()
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert node.read("/var/told") == "the profile's\nmy first\nmy second\n"
