"""`wpa_supplicant.conf`: taken over as it was meant, or told why not, by line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosetup.faults import Fault, Faulty
from autosetup.imports.wpa_conf import WifiFile, read_wpa_conf
from autosetup.settings import Wifi
from tests.unit.autosetup.imports.samples import WPA

FILE = "wpa_supplicant.conf"


def read(raw: bytes) -> WifiFile:
    return read_wpa_conf(FILE, raw)


def network(*lines: str, **values: str) -> bytes:
    """A file with one network: its usual lines, others in their place, further ones."""
    usual = {"ssid": '"net"', "psk": '"correct horse"', **values}
    body = [*(f"{name}={value}" for name, value in usual.items() if value), *lines]
    return "".join(f"{line}\n" for line in ("network={", *body, "}")).encode()


def faults_of(raw: bytes) -> tuple[Fault, ...]:
    with pytest.raises(Faulty) as caught:
        read(raw)
    return caught.value.faults


def test_networks_come_in_the_order_in_which_they_are_joined() -> None:
    found = read(WPA)
    hidden = "hex:61000962c30a"
    assert found.country == "DE"
    assert found.wifi == (
        Wifi(hidden, "sae", hidden=True),
        Wifi("Studio 5 GHz"),
        Wifi("guest", "open"),
    )
    assert found.passphrases == {"Studio 5 GHz": "correct # horse", hidden: "65;66; two words"}


@pytest.mark.parametrize(
    "raw", [b"\xef\xbb\xbf" + WPA, WPA.replace(b"\n", b"\r\n"), WPA + b"  # end", WPA.rstrip()]
)
def test_what_windows_adds_and_what_is_no_line_does_no_harm(raw: bytes) -> None:
    assert read(raw) == read(WPA)


@pytest.mark.parametrize(
    ("value", "ssid"),
    [
        ('"a"b"', 'a"b'),
        ('"#x"', "#x"),
        ('" 65;66; "', " 65;66; "),
        ('"a\\x20b"', "a\\x20b"),
        ('P"a\\x20b\\"\\\\"', 'a b"\\'),
        ('P"\\e[\\101\\q"', "hex:1b5b4171"),
        ('P"a\\xyz\\"', "ayz"),
        ('"""#"', '""#'),
        ('"a#b"c"', 'a#b"c'),
        ('"a"b"#', 'a"b'),
        ('"a"b"#"', 'a"b"#'),
        ("48c3a4", "Hä"),
        ('"hex:00"', "hex:6865783a3030"),
        ("ff00", "hex:ff00"),
        ('"🦊"', "🦊"),
        ('"\xff"', "ÿ"),
    ],
)
def test_a_name_is_what_was_meant(value: str, ssid: str) -> None:
    (wifi,) = read(network(ssid=value)).wifi
    assert wifi.ssid == ssid


def test_a_name_in_another_encoding_is_kept_by_its_octets() -> None:
    (wifi,) = read(network(ssid='"B\xe4r"').decode().encode("latin-1")).wifi
    assert wifi.octets == b"B\xe4r"


@pytest.mark.parametrize(
    ("ways", "security"),
    [
        ("WPA-PSK", "wpa-psk"),
        ("WPA-PSK SAE", "wpa-psk"),
        ("FT-PSK WPA-PSK-SHA256", "wpa-psk"),
        ("SAE FT-SAE", "sae"),
        ("", "wpa-psk"),
    ],
)
def test_ways_to_join_become_the_one_that_allows_them(ways: str, security: str) -> None:
    (wifi,) = read(network(key_mgmt=ways)).wifi
    assert wifi.security == security


def test_a_key_of_64_digits_is_the_key_itself() -> None:
    assert read(network(psk="F0" * 32)).passphrases == {"net": "f0" * 32}


def test_usual_lines_that_ask_for_nothing_new_pass() -> None:
    usual = ("proto=RSN WPA", "pairwise=CCMP TKIP", "group=CCMP", "auth_alg=OPEN", "disabled=0")
    assert read(network(*usual, 'id_str="home"')) == read(network())


@pytest.mark.parametrize(
    ("raw", "line", "column", "told"),
    [
        (network(psk='"short"'), 3, 1, "8 to 63 plain ASCII"),
        (network(psk='"näher als gedacht"'), 3, 1, "8 to 63 plain ASCII"),
        (network(psk="correct horse"), 3, 1, "64 hex digits"),
        (network(psk="ext:vault"), 3, 1, "64 hex digits"),
        (network(psk="\u201ccorrect horse\u201d"), 3, 1, "curly quotes"),
        (network(psk=""), 1, 1, "key_mgmt=NONE"),
        (network(ssid='"x'), 2, 1, "Close the quote"),
        (network(ssid="Studio"), 2, 1, "plain quotes"),
        (network(ssid='"a"b # c"'), 2, 1, "Close the quote"),
        (network(ssid='"' + "x" * 33 + '"'), 2, 1, "1 to 32 bytes"),
        (network(ssid='""'), 2, 1, "1 to 32 bytes"),
        (network(ssid=""), 1, 1, 'Add ssid="'),
        (network("  key_mgmt=WPA-EAP"), 4, 3, "WPA-PSK, SAE and NONE"),
        (network("key_mgmt=NONE"), 4, 1, "or the passphrase"),
        (network("key_mgmt=SAE", psk="f0" * 32), 3, 1, "in quotes"),
        (network('sae_password="another phrase"'), 4, 1, "Delete one"),
        (network("wep_key0=1234567890"), 4, 1, "WEP protects nothing"),
        (network("proto=WPA"), 4, 1, "what is usual"),
        (network("proto=RSN ROT13"), 4, 1, "what is usual"),
        (network("disabled=1"), 4, 1, "Delete this line"),
        (network("bssid=00:11:22:33:44:55"), 4, 1, "flasher"),
        (network("scan_sid=1"), 4, 1, "Did you mean scan_ssid?"),
        (network("priority = 1"), 4, 1, "without blanks"),
        (network("priority=high"), 4, 1, "whole number"),
        (network("priority=09"), 4, 1, "0 in front"),
        (network("ssid"), 4, 1, "name=value"),
        (network('ssid="b"'), 4, 1, "Delete one"),
        (network() + network(), 6, 1, "stands twice"),
        (b"network = {\n", 1, 1, "network={ without blanks"),
        (network()[:-2], 1, 1, "Add a line with }"),
        (b"\n  }\n", 2, 3, "no network to close"),
        (b"country=UK\n", 1, 1, "country=GB"),
        (b"country=de\n", 1, 1, "country=DE"),
        (b"country=DE\ncountry=FR\n", 2, 1, "Delete one"),
        (b"ap_scan=2\n", 1, 1, "Delete this line"),
        (b"cred={\n", 1, 1, "Delete this line"),
        (b"# " + b"\n" * 3 + b"x" * 600, 4, 1, "characters"),
        (network().decode().encode("utf-16"), 1, 3, "UTF-8"),
        (b"network={\0", 1, 9, "UTF-8"),
    ],
)
def test_what_a_payload_has_no_word_for_is_told_by_line(
    raw: bytes, line: int, column: int, told: str
) -> None:
    found = [f for f in faults_of(raw) if told in f"{f.what} {f.remedy}"]
    assert [(f.line, f.column) for f in found] == [(line, column)], faults_of(raw)


def test_all_faults_come_at_once() -> None:
    raw = network(psk='"short"') + b"country=UK\n" + network("wep_key0=12")
    assert [fault.line for fault in faults_of(raw)] == [3, 5, 9]


@pytest.mark.parametrize(
    "raw",
    [
        network(psk='"hunter2"'),
        network(psk="hunter2-hunter2"),
        network(psk='"hunter2-hunter2'),
        network(psk="\u201chunter2-hunter2\u201d"),
        network("hunter2=1", psk=""),
        network("sae_password=hunter2"),
        b"hunter2 hunter2=\n",
        network("hunter2"),
    ],
)
def test_no_fault_shows_a_part_of_a_secret(raw: bytes) -> None:
    assert "hunter2" not in "".join(map(str, faults_of(raw)))


_LINES = st.sampled_from(WPA.split(b"\n"))


@given(st.lists(st.one_of(_LINES, st.binary(max_size=40)), max_size=12).map(b"\n".join))
def test_no_bytes_crash_it_and_every_fault_has_a_line_of_the_file(raw: bytes) -> None:
    found, faults = read_or_faults(raw)
    assert all(0 <= fault.line <= raw.count(b"\n") + 1 and fault.remedy for fault in faults)
    secured = {wifi.ssid for wifi in found.wifi if wifi.security != "open"} if found else set()
    assert secured == (set(found.passphrases) if found else set())


def read_or_faults(raw: bytes) -> tuple[WifiFile | None, tuple[Fault, ...]]:
    try:
        return read(raw), ()
    except Faulty as faulty:
        return None, faulty.faults
