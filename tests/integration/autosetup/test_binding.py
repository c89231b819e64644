"""A card that goes from one Pi to another."""

from __future__ import annotations

import pytest

from tests.integration.autosetup.conftest import Node, put_into_board
from tests.unit.autosetup.sample_payloads import GENERATION, packed

_FIRST, _SECOND = "10000000cafe0101", "10000000cafe0202"


@pytest.fixture
def moved(node: Node) -> Node:
    """A node that was set up in one Pi and was started in another."""
    assert node.run().returncode == 0
    assert (node.status.bound_to, node.status.warnings) == (_FIRST, ())
    put_into_board(node.upper, _SECOND)
    assert node.run().returncode == 0
    return node


def test_a_moved_card_works_on_and_says_so(moved: Node) -> None:
    status = moved.status
    assert (status.state, status.pi_serial, status.bound_to) == ("done", _SECOND, _FIRST)
    assert [warned.code for warned in status.warnings] == ["other-board"]
    assert _FIRST in status.warnings[0].reason
    assert _SECOND in status.warnings[0].reason
    assert "1 warning" in moved.run("status").stdout


def test_back_in_its_own_pi_there_is_nothing_to_say(moved: Node) -> None:
    put_into_board(moved.upper, _FIRST)
    moved.run()
    assert (moved.status.pi_serial, moved.status.warnings) == (_FIRST, ())


def test_the_other_pi_can_be_agreed_to(moved: Node) -> None:
    assert moved.run("rebind").returncode == 0
    assert (moved.status.bound_to, moved.status.warnings) == (_SECOND, ())
    moved.run()
    assert (moved.status.bound_to, moved.status.warnings) == (_SECOND, ())


def test_another_value_does_not_agree_to_the_other_pi(moved: Node) -> None:
    assert moved.run("set", "domain", "other.example").returncode == 0
    assert [warned.code for warned in moved.status.warnings] == ["other-board"]


def test_a_new_payload_agrees_to_the_other_pi(moved: Node) -> None:
    moved.insert(packed(generation=GENERATION + 1))
    assert moved.run().returncode == 0
    assert (moved.status.bound_to, moved.status.warnings) == (_SECOND, ())


def test_a_power_cut_before_the_binding_is_made_up_for(moved: Node) -> None:
    (record,) = (moved.upper / "var/lib/autosetup").glob("binding.json")
    record.unlink()
    moved.run()
    assert (moved.status.bound_to, moved.status.warnings) == (_SECOND, ())


def test_a_node_that_is_not_set_up_has_no_board_to_agree_to(node: Node) -> None:
    told = node.run("rebind")
    assert told.returncode == 1
    assert "not set up yet" in told.stderr
