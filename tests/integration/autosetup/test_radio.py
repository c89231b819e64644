"""Images that come with their radio switched off, as Raspberry Pi OS does."""

from __future__ import annotations

import dataclasses

from tests.integration.autosetup.conftest import Node
from tests.unit.autosetup.sample_payloads import GENERATION, SECRETS, SETTINGS, packed

MANAGER = "var/lib/NetworkManager/NetworkManager.state"
KEPT = "var/lib/systemd/rfkill/platform-3f300000.mmcnr:wlan"
BLUETOOTH = "var/lib/systemd/rfkill/platform-3f201000.serial:bluetooth"
OFF = "[main]\nNetworkingEnabled=true\nWirelessEnabled=false\nWWANEnabled=false\n"


def switch_off(node: Node) -> None:
    for path, text in ((MANAGER, OFF), (KEPT, "1\n"), (BLUETOOTH, "1\n")):
        file = node.upper / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def test_a_node_with_wireless_networks_has_its_radio_on_from_the_next_start(node: Node) -> None:
    switch_off(node)
    assert node.run().returncode == 0
    assert node.read(MANAGER) == OFF.replace("WirelessEnabled=false", "WirelessEnabled=true")
    assert (node.read(KEPT), node.read(BLUETOOTH)) == ("0\n", "1\n")
    before = node.stamps()
    assert node.run().returncode == 0
    assert node.stamps() == before


def test_a_node_without_wireless_networks_leaves_the_radio_off(node: Node) -> None:
    switch_off(node)
    wired = dataclasses.replace(SETTINGS, wifi=())
    secrets = dataclasses.replace(SECRETS, wifi_passphrases={})
    node.insert(packed(wired, secrets, generation=GENERATION + 1))
    assert node.run().returncode == 0
    assert node.read(MANAGER) == OFF
    assert node.read(KEPT) == "1\n"
