"""Connections where NetworkManager keeps them by netplan, as on Raspberry Pi OS since Debian 13.

There NetworkManager hands each keyfile to libnetplan, which writes YAML of it; at the next boot
netplan makes the keyfile anew.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings

from autosetup.settings import Wifi, Wired
from autosetup.steps.keyfile import write_wifi, write_wired
from tests.examples import examples
from tests.integration.autosetup.test_keyfiles import PHRASES, SSIDS, as_read, octets, unescape


def through_netplan(keyfile: bytes, folder: Path) -> bytes:
    """The keyfile that comes back."""
    given = folder / "given.nmconnection"
    given.write_bytes(keyfile)
    given.chmod(0o600)
    kept = folder / "root/etc/netplan/90-NM.yaml"
    kept.parent.mkdir(parents=True)
    kept.touch(mode=0o600)
    kept.write_bytes(as_yaml(given))
    argv = ["netplan", "generate", "--root-dir", folder / "root"]
    subprocess.run(argv, capture_output=True, check=True)
    (made,) = (folder / "root/run/NetworkManager/system-connections").iterdir()
    return made.read_bytes()


def as_yaml(keyfile: Path) -> bytes:
    """What libnetplan writes down of a keyfile; these are the calls that NetworkManager makes."""
    library = ctypes.CDLL(ctypes.util.find_library("netplan"))
    library.netplan_parser_new.restype = library.netplan_state_new.restype = ctypes.c_void_p
    parser = ctypes.c_void_p(library.netplan_parser_new())
    state = ctypes.c_void_p(library.netplan_state_new())
    error = ctypes.byref(ctypes.c_void_p())
    written = os.memfd_create("yaml")
    assert library.netplan_parser_load_keyfile(parser, str(keyfile).encode(), error)
    assert library.netplan_state_import_parser_results(state, parser, error)
    assert library.netplan_state_dump_yaml(state, written, error)
    with os.fdopen(written, "rb") as handle:
        handle.seek(0)
        return handle.read()


@pytest.mark.parametrize(
    ("wifi", "phrase"),
    [
        (Wifi("65;66;"), "correct horse"),
        (Wifi(" a\\sb🦊 ", "sae", hidden=True), 'quote " and \\ slash'),
        (Wifi("hex:ff00c3"), "f0" * 32),
        (Wifi('"q": #[x]'), "#comment: {x}"),
        (Wifi("guest", "open"), None),
    ],
)
def test_a_wireless_network_is_the_same_after_netplan(
    wifi: Wifi, phrase: str | None, tmp_path: Path
) -> None:
    keyfile = write_wifi(wifi, phrase, node="cam-1", priority=7)
    asked = [
        *("wifi.ssid", "wifi-security.psk", "wifi-security.key-mgmt", "wifi.hidden"),
        *("connection.uuid", "connection.autoconnect-priority", "ipv4.method", "ipv6.method"),
    ]
    ssid, psk, *others = as_read(through_netplan(keyfile, tmp_path), *asked)
    assert octets(ssid) == wifi.octets
    assert unescape(psk) == (phrase or "")
    assert others == as_read(keyfile, *asked)[2:]


@given(SSIDS, PHRASES)
@settings(max_examples=examples(8))
def test_any_wireless_network_is_the_same_after_netplan(ssid: str, phrase: str) -> None:
    keyfile = write_wifi(Wifi(ssid), phrase, node="cam-1", priority=7)
    with tempfile.TemporaryDirectory() as folder:
        made = through_netplan(keyfile, Path(folder))
    name, psk = as_read(made, "wifi.ssid", "wifi-security.psk")
    assert (octets(name), unescape(psk)) == (ssid.encode(), phrase)


def test_fixed_addresses_are_the_same_after_netplan(tmp_path: Path) -> None:
    wired = Wired(("192.168.40.7/24", "2001:db8::7/64"), "192.168.40.1", ("192.168.40.1",))
    keyfile = write_wired(wired, node="cam-1", domain="rig.example", priority=100)
    asked = [
        *("ipv4.method", "ipv4.dns", "ipv4.dns-search"),
        *("ipv6.method", "ipv6.address1", "connection.uuid", "connection.type"),
    ]
    made = through_netplan(keyfile, tmp_path)
    assert as_read(made, *asked) == as_read(keyfile, *asked)
    # The gateway may be written behind the address, or as a route.
    address, gateway, route = as_read(made, "ipv4.address1", "ipv4.gateway", "ipv4.route1")
    first, _, behind = address.partition(",")
    assert first == "192.168.40.7/24"
    assert "192.168.40.1" in (behind, gateway, route.partition(",")[2])
