"""Wireless networks, as NetworkManager itself reads them back."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autosetup.settings import Wifi, Wired
from autosetup.steps.keyfile import write_wifi, write_wired
from tests.examples import examples
from tests.integration.autosetup.conftest import Node


def as_read(keyfile: bytes, *properties: str) -> list[str]:
    """Properties of a connection as NetworkManager's own parser understands them."""
    command = ["nmcli", "--offline", "connection", "modify", "connection.autoconnect", "yes"]
    normal = subprocess.run(command, input=keyfile, capture_output=True, check=True).stdout
    values = {}
    group = ""
    for line in normal.decode().splitlines():
        if line.startswith("["):
            group = line.strip("[]")
        elif "=" in line:
            key, _, value = line.partition("=")
            values[f"{group}.{key}"] = value
    return [values.get(name, "") for name in properties]


def octets(value: str) -> bytes:
    """The octets of an SSID in the normal form that NetworkManager writes."""
    listed = value.split(";")
    if value.endswith(";") and all(item.isdigit() for item in listed[:-1]):
        return bytes(int(item) for item in listed[:-1])
    # NetworkManager puts a backslash before each semicolon, and GLib another before that.
    return unescape(value).replace("\\;", ";").encode()


def unescape(value: str) -> str:
    """A string of GLib's key file format."""
    meaning = {"s": " ", "t": "\t", "n": "\n", "r": "\r", "\\": "\\"}
    text, letters = "", iter(value)
    for letter in letters:
        text += meaning[next(letters)] if letter == "\\" else letter
    return text


ODD = [
    "65;66;",
    "65",
    "a\\sb",
    "🦊",
    " lead",
    "trail ",
    "\\",
    "end\\",
    ";",
    "#x",
    "a=b",
    "[x]",
    '"q"',
]
_texts = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=32)
SSIDS = _texts.filter(lambda text: len(text.encode()) <= 32)
PHRASES = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=8, max_size=63)


@pytest.mark.parametrize("ssid", [*ODD, "x" * 32, "Scan-Net_1", "rig 5 GHz", "ä" * 16])
def test_networkmanager_reads_the_ssid_that_was_meant(ssid: str) -> None:
    keyfile = write_wifi(Wifi(ssid, "open"), None, node="cam-1", priority=1)
    found, name = as_read(keyfile, "wifi.ssid", "connection.id")
    assert (octets(found), unescape(name)) == (ssid.encode(), ssid)


@pytest.mark.parametrize("octets_meant", [b"\xff\xfe\x00", b"\xc3", b"65;", bytes(range(32))])
def test_networkmanager_reads_an_ssid_that_is_no_text(octets_meant: bytes) -> None:
    wifi = Wifi(f"hex:{octets_meant.hex()}", "open")
    keyfile = write_wifi(wifi, None, node="cam-1", priority=1)
    assert octets(as_read(keyfile, "wifi.ssid")[0]) == octets_meant


@given(SSIDS | st.binary(min_size=1, max_size=32).map(lambda raw: f"hex:{raw.hex()}"), PHRASES)
@example("0;", "12345678")
@example("\\;", "\\;\\;\\;\\;")
@settings(max_examples=examples(40))
def test_networkmanager_reads_any_ssid_and_any_passphrase(ssid: str, phrase: str) -> None:
    wifi = Wifi(ssid)
    keyfile = write_wifi(wifi, phrase, node="cam-1", priority=1)
    name, psk = as_read(keyfile, "wifi.ssid", "wifi-security.psk")
    assert (octets(name), unescape(psk)) == (wifi.octets, phrase)


@pytest.mark.parametrize(
    "phrase",
    [
        " spaces  ",
        "back\\slash",
        "trailing\\\\",
        "65;66;67;68;",
        "\\s\\n\\t\\r",
        "#comment",
        "f0" * 32,
    ],
)
@pytest.mark.parametrize("security", ["wpa-psk", "sae"])
def test_networkmanager_reads_the_passphrase_that_was_meant(phrase: str, security: str) -> None:
    wifi = Wifi("net", "sae" if security == "sae" else "wpa-psk", hidden=True)
    keyfile = write_wifi(wifi, phrase, node="cam-1", priority=1)
    psk, management, hidden = as_read(
        keyfile, "wifi-security.psk", "wifi-security.key-mgmt", "wifi.hidden"
    )
    assert (unescape(psk), management, hidden) == (phrase, security, "true")


def test_networkmanager_reads_the_fixed_addresses_that_were_meant() -> None:
    wired = Wired(
        ("192.168.40.7/24", "10.0.0.7/8", "2001:db8::7/64"),
        "192.168.40.1",
        ("192.168.40.1", "2001:db8::1"),
    )
    keyfile = write_wired(wired, node="cam-1", domain="rig.example", priority=100)
    found = as_read(
        keyfile,
        *("connection.type", "ipv4.method", "ipv4.address1", "ipv4.address2", "ipv4.gateway"),
        *("ipv4.dns", "ipv4.dns-search", "ipv6.method", "ipv6.address1", "ipv6.dns"),
        *("ipv4.dns-priority", "ipv4.dad-timeout"),
    )
    # The gateway may be written behind the first address instead.
    first, _, gateway = found[2].partition(",")
    assert (first, gateway or found[4]) == ("192.168.40.7/24", "192.168.40.1")
    assert found[:2] + found[3:4] == ["ethernet", "manual", "10.0.0.7/8"]
    assert found[5:] == [
        *("192.168.40.1;", "rig.example;", "manual", "2001:db8::7/64", "2001:db8::1;", "50", "0")
    ]


def test_what_has_no_fixed_address_asks_for_one() -> None:
    keyfile = write_wired(Wired(("10.0.0.7/8",)), node="cam-1", domain="", priority=100)
    assert as_read(keyfile, "ipv6.method", "ipv6.address1") == ["auto", ""]


def test_the_installed_connections_are_read_by_networkmanager_and_closed_to_others(
    node: Node,
) -> None:
    assert node.run().returncode == 0
    folder = node.upper / "etc/NetworkManager/system-connections"
    found = sorted(folder.iterdir())
    assert [(path.name, path.stat().st_mode & 0o777) for path in found] == [
        (f"autosetup-{name}.nmconnection", 0o600) for name in ("1", "2", "3", "4", "wired")
    ]
    ssids = [octets(as_read(path.read_bytes(), "wifi.ssid")[0]) for path in found[:4]]
    assert ssids == [b"65;66;", " a\\sb🦊 ".encode(), b"guest", b"\xff\x00"]


def test_the_same_network_has_the_same_uuid_and_another_on_another_node() -> None:
    first, again, other = (
        as_read(write_wifi(Wifi("n", "open"), None, node=n, priority=1), "connection.uuid")
        for n in ("a", "a", "b")
    )
    assert first == again != other
