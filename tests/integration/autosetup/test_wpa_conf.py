"""`wpa_supplicant.conf`, as wpa_supplicant itself reads the same file."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autosetup.faults import Faulty
from autosetup.imports.wpa_conf import WifiFile, read_wpa_conf
from tests.integration.autosetup.test_supplicant import octets_after
from tests.unit.autosetup.imports.samples import WPA

_EXAMPLES = int(os.environ.get("FLASHER_EXAMPLES", "60"))


def as_read(path: Path, raw: bytes) -> str | None:
    """What wpa_supplicant tells of a file; None where it refuses it."""
    path.write_bytes(raw)
    argv = ["wpa_supplicant", "-ddKt", "-Dnone", "-ino-radio", "-c", path]
    told = subprocess.run(argv, capture_output=True, check=False, timeout=30).stdout
    text = told.decode(errors="replace")
    return None if "Failed to read or parse" in text else text


def ours(raw: bytes) -> WifiFile | None:
    try:
        return read_wpa_conf("wpa_supplicant.conf", raw)
    except Faulty:
        return None


def agree(found: WifiFile, told: str) -> None:
    """Names, passphrases and country, whatever their order: that of the file is not kept."""
    assert sorted(wifi.octets for wifi in found.wifi) == sorted(octets_after(told, "ssid"))
    phrases = {**dict.fromkeys(octets_after(told, "PSK (ASCII passphrase)"))}
    phrases |= dict.fromkeys(octets_after(told, "sae_password"))
    keys = {key.hex() for key in octets_after(told, "PSK")}
    for wifi in found.wifi:
        phrase = found.passphrases.get(wifi.ssid, "")
        assert not phrase or phrase.encode() in phrases or phrase in keys
        hidden = told.count("scan_ssid=1")
        assert hidden == sum(each.hidden for each in found.wifi)
    country = re.search(r"country='(.*)'", told)
    assert found.country == (country[1] if country else None)


@pytest.mark.parametrize("raw", [WPA, WPA.replace(b"\n", b"\r\n")])
def test_a_file_as_people_have_it_means_the_same_to_both(raw: bytes, tmp_path: Path) -> None:
    told, found = as_read(tmp_path / "conf", raw), ours(raw)
    assert told is not None
    assert found is not None
    agree(found, told)
    # The judge lists them as it would try them.
    groups = re.findall(r"Priority group (-?\d+)\n.*id=(\d+)", told)
    assert [int(number) for _, number in groups] == [2, 0, 1]
    assert [wifi.security for wifi in found.wifi] == ["sae", "wpa-psk", "open"]


_INSIDE = st.text(st.sampled_from('aZ0 "#\\x4n\té🦊P='), max_size=12)
_VALUES = st.one_of(
    _INSIDE.map(lambda text: f'"{text}"'),
    _INSIDE.map(lambda text: f'P"{text}"'),
    st.binary(max_size=33).map(bytes.hex),
    st.text("0123456789abcdefF", min_size=63, max_size=65),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=6, max_size=66).map(
        lambda text: f'"{text}"'
    ),
    st.sampled_from(["WPA-PSK", "SAE", "NONE", "WPA-PSK SAE", "RSN", "CCMP", "0", "1", "0x1f"]),
)
_NAMES = st.sampled_from(
    ["ssid", "psk", "key_mgmt", "scan_ssid", "priority", "proto", "sae_password", "disabled"]
)
_LINES = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "\t", "  "]),
    st.builds("{}={}".format, _NAMES, _VALUES),
    st.sampled_from(["", " ", "  # comment", ' # "quoted"']),
    st.sampled_from(["", "\r"]),
)
_SECURED = st.builds('ssid={}\npsk="{}"\n{}'.format, _VALUES, st.just("correct horse"), _LINES)
_BLOCKS = st.one_of(
    st.lists(_LINES, min_size=1, max_size=4).map("\n".join),
    _SECURED,
    st.builds("ssid={}\nkey_mgmt=NONE\n{}".format, _VALUES, _LINES),
).map(lambda body: f"network={{\n{body}\n}}\n")


@given(st.lists(_BLOCKS, min_size=1, max_size=2).map("".join))
@settings(
    max_examples=_EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_what_is_taken_over_means_the_same_to_wpa_supplicant(tmp_path: Path, text: str) -> None:
    raw = text.encode()
    if found := ours(raw):
        told = as_read(tmp_path / "conf", raw)
        assert told is not None
        agree(found, told)
