"""`wpa_supplicant.conf`, as wpa_supplicant itself reads the same file."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autosetup.faults import Faulty
from autosetup.imports.wpa_conf import WifiFile, read_wpa_conf
from tests.examples import examples
from tests.integration.autosetup.test_supplicant import octets_after
from tests.unit.autosetup.imports.samples import WPA


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


_INSIDE = st.text(st.sampled_from('aZ0 "#\\x4n\té🦊P='), min_size=1, max_size=9)
_SSIDS = st.one_of(
    _INSIDE.map(lambda text: f'"{text}"'),
    _INSIDE.map(lambda text: f'P"{text}"'),
    st.binary(min_size=1, max_size=32).map(bytes.hex),
)
_ASCII = st.characters(min_codepoint=32, max_codepoint=126)
_PHRASES = st.text(_ASCII, min_size=7, max_size=63).map(lambda text: f'"{text}"')
_KEYS = st.text("0123456789abcdefF", min_size=63, max_size=64)
_JOINING = st.one_of(
    st.just(["key_mgmt=NONE"]),
    st.builds(lambda phrase: [f"psk={phrase}"], st.one_of(_PHRASES, _KEYS)),
    st.builds(lambda phrase: ["key_mgmt=SAE", f"sae_password={phrase}"], _PHRASES),
    st.builds(lambda phrase: [f"psk={phrase}", "key_mgmt=WPA-PSK SAE"], _PHRASES),
)
_FURTHER = st.sampled_from(
    [
        *("scan_ssid=1", "priority=0x1f", "priority=-010", "proto=RSN WPA", "pairwise=CCMP"),
        *("group=TKIP CCMP", "auth_alg=OPEN", "ieee80211w=1", "disabled=0", "mode=0", 'id_str="x"'),
    ]
)


@st.composite
def _networks(draw: st.DrawFn) -> str:
    further = draw(st.lists(_FURTHER, max_size=3, unique_by=lambda line: line.split("=")[0]))
    lines = draw(st.permutations([f"ssid={draw(_SSIDS)}", *draw(_JOINING), *further]))
    begin = draw(st.sampled_from(["", "\t", "  "]))
    end = draw(st.sampled_from(["", " ", "  # comment", ' # "quoted"', "\r"]))
    body = "".join(f"{begin}{line}{end}\n" for line in lines)
    return f"network={{\n{body}}}\n"


@given(st.lists(_networks(), min_size=1, max_size=2).map("".join))
@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_taken_over_means_the_same_to_wpa_supplicant(tmp_path: Path, text: str) -> None:
    raw = text.encode()
    if found := ours(raw):
        told = as_read(tmp_path / "conf", raw)
        assert told is not None
        agree(found, told)
