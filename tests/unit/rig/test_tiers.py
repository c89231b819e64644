"""Tiers: people have keys to the central node, and only its own key leads to the others."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autosetup.host_key import private_file, public_line
from flasher.errors import BadInput
from flasher.recording import NO_NODE, node_line
from flasher.rig.entry import Entry
from flasher.rig.node_payload import CardIdentity
from flasher.rig.profile import load_profile
from flasher.rig.rigmap import RigMap, lay_out
from flasher.rig.site import load_site
from tests.unit.rig.conftest import KEY, MakeRig, payload

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


def test_people_open_the_central_node_and_only_its_key_opens_the_others(
    make_rig: MakeRig,
) -> None:
    rig = make_rig()
    central, camera = payload(rig, "central"), payload(rig, "cam-23")
    assert central.settings.users[0].authorized_keys == (KEY,)
    opened_by, people = camera.settings.users[0].authorized_keys
    public = public_line(central.secrets.user_keys["scanner"])
    assert opened_by == f"{public} central of field"
    assert people == f'from="10.40.0.1" {KEY}'
    assert camera.settings.keys_only
    assert not camera.secrets.user_keys
    assert not central.settings.keys_only


def test_where_the_central_node_has_no_fixed_address_only_its_key_opens_the_others(
    make_rig: MakeRig,
) -> None:
    rig = make_rig(
        ('[role.wired]\naddresses = ["10.40.0.1/16"]', ""),
        ('[role.serves]\nleases = ["10.40.250.1", "10.40.250.99"]', ""),
    )
    (opened_by,) = payload(rig, "cam-23").settings.users[0].authorized_keys
    assert opened_by.endswith(" central of field")
    assert line(rig, "cam-23").reached_from == ""  # which people's keys do not open


def test_the_ledger_knows_through_which_node_people_come_to_another(make_rig: MakeRig) -> None:
    rig = make_rig()
    assert (line(rig, "cam-23").reached_from, line(rig, "central").reached_from) == ("central", "")


def line(rig: RigMap, node: str) -> Entry:
    """What the ledger has of a card."""
    return node_line(NO_NODE, rig, rig.find(node), CardIdentity.fresh(NOW), "0" * 64)


def test_cards_can_be_made_in_any_order_and_on_any_computer_that_has_the_site(
    make_rig: MakeRig,
) -> None:
    rig = make_rig()
    again = lay_out(load_profile(str(rig.profile.path)), *load_site(str(rig.site.path)))
    camera = payload(again, "cam-11").settings.users[0].authorized_keys
    assert camera == payload(rig, "cam-53").settings.users[0].authorized_keys
    keys = [payload(which, "central").secrets.user_keys for which in (rig, again)]
    assert keys[0] == keys[1]


def test_a_site_without_a_key_is_told_how_to_make_one(make_rig: MakeRig) -> None:
    rig = make_rig()
    (rig.site.path.parent / "signing.key").unlink()
    keyless = lay_out(rig.profile, *load_site(str(rig.site.path)))
    for node in ("central", "cam-11"):
        with pytest.raises(BadInput, match="has no key") as caught:
            payload(keyless, node)
        assert "flasher site key field" in caught.value.hint


@pytest.mark.subprocess
def test_the_key_is_openssh_s_own_form(make_rig: MakeRig, tmp_path: Path) -> None:
    """ssh-keygen is the judge: it reads the private key, and finds the same public half."""
    body = payload(make_rig(), "central").secrets.user_keys["scanner"]
    path = tmp_path / "id_rig"
    path.touch(mode=0o600)
    path.write_bytes(private_file(body))
    told = subprocess.run(
        ["ssh-keygen", "-y", "-f", str(path)], capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == (public_line(body) or "").split()
