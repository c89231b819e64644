"""A node whose root file system is never written: what it must remember lies on /data."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from tests.integration.autosetup.conftest import Node
from tests.unit.autosetup.sample_payloads import FILES, GENERATION, SETTINGS, packed

PLAIN = dataclasses.replace(
    SETTINGS, locale=dataclasses.replace(SETTINGS.locale, language="C.UTF-8")
)


@pytest.fixture
def new(fresh: Callable[[], Node]) -> Node:
    """A node with a partition for data, as its image made it: open."""
    node = fresh()
    (node.folder / "data/autosetup").mkdir(parents=True)
    (node.folder / "data/autosetup/open").touch()
    node.insert(packed(PLAIN))
    return node


@pytest.fixture
def sealed(new: Node) -> Node:
    """The same once it is done, at its next boot."""
    finished = new.run()
    assert finished.returncode == 0, finished.stdout
    (new.folder / "sealed").touch()
    return new


def is_open(node: Node) -> bool:
    return (node.folder / "data/autosetup/open").exists()


def test_the_agents_own_state_lies_on_the_data_partition_and_for_root_alone(new: Node) -> None:
    assert new.run().returncode == 0
    state = new.folder / "data/autosetup"
    assert (state / "state.json").exists()
    assert state.stat().st_mode & 0o777 == 0o700
    assert not (new.upper / "var/lib/autosetup/state.json").exists()


def test_a_node_that_is_done_seals_itself(new: Node) -> None:
    assert is_open(new)
    assert new.run().returncode == 0
    assert not is_open(new)


def test_a_node_that_failed_stays_open(new: Node) -> None:
    new.insert(packed(PLAIN, files={**FILES, "scripts/10-hello": b"#!/bin/false\n"}))
    assert new.run().returncode == 1
    assert is_open(new)


def test_a_power_cut_before_the_sealing_is_made_up_for(sealed: Node) -> None:
    (sealed.folder / "sealed").unlink()
    (sealed.folder / "data/autosetup/open").touch()
    assert sealed.run().returncode == 0
    assert not is_open(sealed)


def test_a_sealed_boot_with_nothing_to_do_writes_nothing(sealed: Node) -> None:
    data = {p: p.lstat().st_mtime_ns for p in (sealed.folder / "data").rglob("*")}
    before = sealed.stamps()
    told = sealed.run()
    assert (told.returncode, "cam-0101 · done" in told.stdout) == (0, True)
    assert sealed.stamps() == before
    assert {p: p.lstat().st_mtime_ns for p in (sealed.folder / "data").rglob("*")} == data


def test_a_new_payload_opens_a_sealed_node_once_and_then_seals_it_again(sealed: Node) -> None:
    sealed.insert(packed(dataclasses.replace(PLAIN, name="cam-0102"), generation=GENERATION + 1))
    told = sealed.run()
    assert (told.returncode, "is opened for changes" in told.stdout) == (0, True)
    assert is_open(sealed)
    assert sealed.read("/etc/hostname") == "cam-0101\n"
    (sealed.folder / "sealed").unlink()  # as the initramfs does then
    assert sealed.run().returncode == 0
    assert sealed.status.node == "cam-0102"
    assert not is_open(sealed)


def test_a_node_that_stays_sealed_says_so_and_never_restarts_again_and_again(sealed: Node) -> None:
    sealed.insert(packed(PLAIN, generation=GENERATION + 1))
    sealed.run()
    again = sealed.run()
    assert again.returncode == 1
    assert sealed.status.code == "sealed"
    assert "is opened for changes" not in again.stdout


def test_a_payload_with_faults_does_not_open_a_sealed_node(sealed: Node) -> None:
    raw = packed(PLAIN, generation=GENERATION + 1)
    sealed.insert({**raw, "node.toml": b"nonsense"})
    assert sealed.run().returncode == 1
    assert not is_open(sealed)


def test_a_payload_given_by_hand_to_a_sealed_node_waits_until_it_is_open(sealed: Node) -> None:
    better = packed(dataclasses.replace(PLAIN, name="cam-0102"), generation=GENERATION + 1)
    for name, data in better.items():
        path = sealed.upper / "given" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    assert sealed.run("apply", "/given").returncode == 0
    assert is_open(sealed)
    assert sealed.read("/etc/hostname") == "cam-0101\n"
    (sealed.folder / "sealed").unlink()
    assert sealed.run().returncode == 0
    assert sealed.read("/etc/hostname") == "cam-0102\n"
    (sealed.folder / "sealed").touch()
    assert sealed.run("rollback").returncode == 0
    assert is_open(sealed)
    (sealed.folder / "sealed").unlink()
    assert sealed.run().returncode == 0
    assert (sealed.status.state, sealed.status.node) == ("rolled-back", "cam-0101")
    assert not is_open(sealed)


def test_a_value_that_is_set_on_a_sealed_node_is_applied_when_it_is_open(sealed: Node) -> None:
    assert sealed.run("set", "timezone", "Asia/Tokyo").returncode == 0
    assert is_open(sealed)
    assert sealed.read("/etc/timezone") == "Europe/Berlin\n"
    (sealed.folder / "sealed").unlink()
    assert sealed.run().returncode == 0
    assert sealed.read("/etc/timezone") == "Asia/Tokyo\n"
    assert not is_open(sealed)
