"""Wireless networks on an image without NetworkManager, as wpa_supplicant itself reads them."""

from __future__ import annotations

import dataclasses
import os
import re
import stat
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings

from autosetup.settings import Wifi
from autosetup.steps.supplicant import write_supplicant
from tests.examples import examples
from tests.integration.autosetup.conftest import Node
from tests.integration.autosetup.test_keyfiles import PHRASES, SSIDS
from tests.unit.autosetup.sample_payloads import GENERATION, SECRETS, SETTINGS, packed

PLAIN = dataclasses.replace(
    SETTINGS, locale=dataclasses.replace(SETTINGS.locale, language="C.UTF-8"), wired=None
)
CONFIGURATION = "etc/wpa_supplicant/wpa_supplicant-wlan0.conf"
WANTS = "etc/systemd/system/multi-user.target.wants/wpa_supplicant@wlan0.service"


def as_read(folder: Path, configuration: bytes) -> str:
    """What wpa_supplicant understands, and that it has nothing against it.

    The driver is none and the radio not there, so that it ends once it has read.
    """
    path = folder / "conf"
    path.write_bytes(configuration)
    argv = ["wpa_supplicant", "-ddKt", "-Dnone", "-ino-radio", "-c", path]
    told = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30).stdout
    assert "Failed to read or parse" not in told, told
    assert not re.search(r"Line \d+: ", told.replace("start of a new network", "")), told
    return told


def octets_after(told: str, what: str) -> list[bytes]:
    """The octets of every dump of that name: in one line, or in lines of 16 with their letters."""
    dump = rf"{re.escape(what)} - hexdump(_ascii)?\(len=(\d+)\):(.*(?:\n {{5}}.*)*)"
    return [
        dumped(text, int(size), bool(letters)) for letters, size, text in re.findall(dump, told)
    ]


def dumped(text: str, size: int, has_letters: bool) -> bytes:
    lines = (line.strip()[: 47 if has_letters else None] for line in text.strip("\n").splitlines())
    return bytes.fromhex("".join(re.findall(r"\b[0-9a-f]{2}\b", " ".join(lines))))[:size]


@pytest.mark.parametrize(
    "wifi",
    [
        *(Wifi(name) for name in ("65;66;", " a\\sb🦊 ", "#x", '"q"', "x" * 32)),
        *(Wifi("hex:ff00c3", "sae", hidden=True), Wifi("guest", "open")),
    ],
)
def test_wpa_supplicant_reads_the_name_that_was_meant(wifi: Wifi, tmp_path: Path) -> None:
    told = as_read(tmp_path, write_supplicant((wifi,), {wifi.ssid: "12345678"}, "DE"))
    assert octets_after(told, "ssid") == [wifi.octets]


@pytest.mark.parametrize(
    "phrase", ['quote " and \\ slash', " spaces  ", "#comment  #", '"""""""""', "f0" * 31]
)
def test_wpa_supplicant_reads_the_passphrase_that_was_meant(phrase: str, tmp_path: Path) -> None:
    told = as_read(tmp_path, write_supplicant((Wifi("net"),), {"net": phrase}, None))
    assert octets_after(told, "PSK (ASCII passphrase)") == [phrase.encode()]
    told = as_read(tmp_path, write_supplicant((Wifi("net", "sae"),), {"net": phrase}, None))
    assert f"sae_password - hexdump_ascii(len={len(phrase)})" in told


@given(SSIDS, PHRASES.filter(lambda phrase: not {'"', "#"} <= set(phrase)))
@settings(max_examples=examples(25))
def test_wpa_supplicant_reads_any_name_and_any_passphrase(ssid: str, phrase: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        told = as_read(Path(folder), write_supplicant((Wifi(ssid),), {ssid: phrase}, "DE"))
    assert octets_after(told, "ssid") == [ssid.encode()]
    assert octets_after(told, "PSK (ASCII passphrase)") == [phrase.encode()]


def test_wpa_supplicant_reads_a_passphrase_that_looks_like_a_comment(tmp_path: Path) -> None:
    """wpa_passphrase is the judge of the key that stands for it."""
    phrase = 'a" #bcdefgh'
    argv = ["wpa_passphrase", "net"]
    told = subprocess.run(argv, input=phrase, capture_output=True, text=True, check=True).stdout
    key = bytes.fromhex(re.findall(r"\tpsk=([0-9a-f]{64})", told)[0])
    told = as_read(tmp_path, write_supplicant((Wifi("net"),), {"net": phrase}, None))
    assert octets_after(told, "PSK") == [key]
    told = as_read(tmp_path, write_supplicant((Wifi("net", "sae"),), {"net": phrase}, None))
    assert f"sae_password - hexdump_ascii(len={len(phrase)})" in told


def test_wpa_supplicant_takes_64_digits_for_the_key_itself(tmp_path: Path) -> None:
    told = as_read(tmp_path, write_supplicant((Wifi("net"),), {"net": "f0" * 32}, None))
    assert octets_after(told, "PSK") == [b"\xf0" * 32]


@pytest.fixture
def node(fresh: Callable[[], Node]) -> Node:
    """A node on which NetworkManager is not to be seen."""
    node = fresh()
    hidden = node.upper / "usr/sbin/NetworkManager"
    hidden.parent.mkdir(parents=True, exist_ok=True)
    os.mknod(hidden, stat.S_IFCHR, 0)
    node.insert(packed(PLAIN))
    return node


def test_without_networkmanager_the_networks_are_wpa_supplicants_own(
    node: Node, tmp_path: Path
) -> None:
    finished = node.run()
    assert finished.returncode == 0, finished.stdout
    path = node.upper / CONFIGURATION
    assert path.stat().st_mode & 0o777 == 0o600
    told = as_read(tmp_path, path.read_bytes())
    assert octets_after(told, "ssid") == [wifi.octets for wifi in PLAIN.wifi]
    assert (node.upper / WANTS).is_symlink()
    addresses = node.upper / "etc/systemd/network/70-autosetup-wlan0.network"
    assert "DHCP=yes" in addresses.read_text()
    assert addresses.stat().st_mode & 0o777 == 0o644  # networkd is not root
    before = node.stamps()
    assert node.run().returncode == 0
    assert node.stamps() == before


def test_dhcpcd_asks_for_addresses_where_it_is_in_charge(node: Node) -> None:
    link = node.upper / "etc/systemd/system/multi-user.target.wants/dhcpcd.service"
    link.symlink_to("/usr/lib/systemd/system/dhcpcd.service")
    assert node.run().returncode == 0
    assert (node.upper / CONFIGURATION).exists()
    assert not (node.upper / "etc/systemd/network/70-autosetup-wlan0.network").exists()


def test_fixed_addresses_without_networkmanager_are_refused(node: Node) -> None:
    node.insert(packed(dataclasses.replace(PLAIN, wired=SETTINGS.wired)))
    assert node.run().returncode == 1
    assert "The image lacks NetworkManager" in (node.status.reason or "")


def test_a_higher_generation_without_wifi_takes_all_of_it_away(node: Node) -> None:
    node.run()
    without = dataclasses.replace(PLAIN, wifi=())
    secrets = dataclasses.replace(SECRETS, wifi_passphrases={})
    node.insert(packed(without, secrets, generation=GENERATION + 1))
    assert node.run().returncode == 0
    assert not (node.upper / CONFIGURATION).exists()
    assert not (node.upper / WANTS).is_symlink()
