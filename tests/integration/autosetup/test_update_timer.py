"""The updater's timer is on where the payload takes updates, as often as it says, and off again."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from autosetup.settings import Update
from tests.integration.autosetup.conftest import PROJECT, Node
from tests.unit.autosetup.sample_payloads import FILES, GENERATION, SECRETS, SETTINGS, packed

LAYER = PROJECT / "assets/layers/update"
WANTED = "etc/systemd/system/timers.target.wants/autosetup-update.timer"
OFTEN = "etc/systemd/system/autosetup-update.timer.d/often.conf"
PLAIN = dataclasses.replace(
    SETTINGS, locale=dataclasses.replace(SETTINGS.locale, language="C.UTF-8")
)


def taking(update: Update, generation: int) -> dict[str, bytes]:
    """A payload whose node takes updates so."""
    return packed(dataclasses.replace(PLAIN, update=update), SECRETS, FILES, generation)


def with_updater(node: Node) -> None:
    """The files of the layer."""
    units = node.upper / "usr/lib/systemd/system"
    units.mkdir(parents=True, exist_ok=True)
    for unit in ("autosetup-update.service", "autosetup-update.timer"):
        shutil.copy(LAYER / unit, units)


def apply(node: Node, update: Update, generation: int) -> str:
    """Give the node a payload; what its timer was told."""
    node.insert(taking(update, generation))
    ended = node.run()
    assert ended.returncode == 0, ended.stdout
    assert ended.stdout is not None
    told = node.upper / OFTEN
    return told.read_text() if told.exists() else ""


def test_a_payload_switches_it_on_another_changes_it_and_one_without_updates_switches_it_off(
    node: Node,
) -> None:
    with_updater(node)
    timer = node.upper / WANTED
    assert "OnUnitInactiveSec=30min" in apply(node, Update("studio", every_minutes=30), GENERATION)
    assert timer.is_symlink()
    assert "RandomizedDelaySec=75s" in apply(
        node, Update("studio", every_minutes=5), GENERATION + 1
    )
    assert apply(node, Update(), GENERATION + 2) == ""
    assert not timer.is_symlink()
    assert not (node.upper / Path(OFTEN).parent).exists()


@pytest.mark.parametrize("update", [Update(), Update("studio")], ids=["none", "wanted"])
def test_an_image_without_the_updater_is_done_all_the_same(node: Node, update: Update) -> None:
    node.insert(taking(update, GENERATION))
    said = node.run().stdout
    assert node.status.state == "done"
    assert ("has no updater" in said) == bool(update.site)
