"""Causes of having no network, from what iw and wpa_supplicant 2.10 said on simulated radios."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosetup.air import Air, Said, cause, countries_in, defect, names_in, octets, read_log
from autosetup.codes import CODES
from autosetup.settings import NodeSettings, Wifi, Wired

SCAN = """\
BSS 02:00:00:00:01:00(on wlan0)
	last seen: 316.114s [boottime]
	freq: 2412.0
	capability: ESS Privacy ShortSlotTime (0x0411)
	Information elements from Probe Response frame:
	SSID: a\\x5csb\\xf0\\x9f\\xa6\\x8a
	DS Parameter set: channel 1
	Country: DE	Environment: Indoor/Outdoor
		Channels [1 - 13] @ 20 dBm
BSS 02:00:00:00:02:00(on wlan0) -- associated
	SSID: \\x20 G\\xc3\\xa4ste\\x20
BSS 02:00:00:00:03:00(on wlan0)
	SSID: 
"""  # noqa: W291
TRIES = "wlan0: SME: Trying to authenticate with 02:00:00:00:01:00 (SSID='Studio' freq=2412 MHz)"
WRONG_KEY = f"""\
{TRIES}
wlan0: Trying to associate with 02:00:00:00:01:00 (SSID='Studio' freq=2412 MHz)
wlan0: Associated with 02:00:00:00:01:00
wlan0: CTRL-EVENT-SUBNET-STATUS-UPDATE status=0
wlan0: CTRL-EVENT-DISCONNECTED bssid=02:00:00:00:01:00 reason=15
wlan0: WPA: 4-Way Handshake failed - pre-shared key may be incorrect
wlan0: CTRL-EVENT-SSID-TEMP-DISABLED id=0 ssid="Studio" auth_failures=1 duration=10 reason=WRONG_KEY
"""
WRONG_SAE = f"""\
{TRIES}
{TRIES}
wlan0: CTRL-EVENT-AUTH-REJECT 02:00:00:00:01:00 auth_type=3 auth_transaction=2 status_code=1
wlan0: CTRL-EVENT-SSID-TEMP-DISABLED id=0 ssid="Studio" auth_failures=1 duration=10 reason=CONN_FAILED
"""  # noqa: E501
JOINED = f"""\
{TRIES}
wlan0: Associated with 02:00:00:00:01:00
wlan0: WPA: Key negotiation completed with 02:00:00:00:01:00 [PTK=CCMP GTK=CCMP]
wlan0: CTRL-EVENT-CONNECTED - Connection to 02:00:00:00:01:00 completed [id=0 id_str=]
"""
LOST = "wlan0: CTRL-EVENT-DISCONNECTED bssid=02:00:00:00:01:00 reason=3"
# Of a Pi's radio, whose driver knows no other way of failing: raspberrypi/linux#3318.
PI_FAILED = """\
wlan0: Trying to associate with SSID 'rpi_22436'
wlan0: CTRL-EVENT-ASSOC-REJECT bssid=00:00:00:00:00:00 status_code=16
wlan0: CTRL-EVENT-SSID-TEMP-DISABLED id=0 ssid="rpi_22436" auth_failures=3 duration=30 reason=CONN_FAILED
"""  # noqa: E501
STUDIO = NodeSettings("cam-0101", "camera", country="US", wifi=(Wifi("Studio"), Wifi("hex:ff00")))
FIXED = NodeSettings("cam-0101", "camera", wired=Wired(("10.0.0.7/8",)))


def said(log: str) -> Said:
    return read_log(log.splitlines())


def test_names_and_countries_are_read_from_a_scan() -> None:
    assert names_in(SCAN) == {"a\\sb🦊".encode(), "  Gäste ".encode()}
    assert countries_in(SCAN) == {"DE"}
    assert names_in("Not connected.\n") == frozenset()


@given(st.binary(min_size=1, max_size=32))
def test_a_name_is_read_as_both_programs_print_it(name: bytes) -> None:
    ends = (0, len(name) - 1)
    of_iw = "".join(
        chr(o) if (33 <= o < 127 and o != 92) or (o == 32 and n not in ends) else f"\\x{o:02x}"
        for n, o in enumerate(name)
    )
    letters = {34: '\\"', 92: "\\\\", 27: "\\e", 10: "\\n", 13: "\\r", 9: "\\t"}
    of_supplicant = "".join(
        letters.get(o) or (chr(o) if 32 <= o < 127 else f"\\x{o:02x}") for o in name
    )
    assert octets(of_iw) == octets(of_supplicant) == name


@pytest.mark.parametrize("log", [WRONG_KEY, WRONG_SAE, WRONG_SAE + WRONG_SAE, JOINED + WRONG_KEY])
def test_a_refused_passphrase_is_known_from_the_log(log: str) -> None:
    assert said(log) == Said(refused=frozenset({b"Studio"}))


def test_what_happened_last_counts() -> None:
    assert said(WRONG_KEY + JOINED) == Said(joined=frozenset({b"Studio"}))
    assert said(JOINED + LOST) == Said()
    assert said(f"{JOINED}{LOST} locally_generated=1") == said(JOINED)
    assert said(PI_FAILED) == Said(failed=frozenset({b"rpi_22436"}))


@pytest.mark.parametrize(
    ("air", "code", "word"),
    [
        (Air(has_radio=False), "no-radio", "no wireless interface"),
        (Air(blocked="soft"), "radio-blocked", "software"),
        (Air(blocked="hard"), "radio-blocked", "switch on the device"),
        (Air(heard=frozenset({b"Studio"}), said=said(WRONG_KEY)), "wifi-refused", "Studio refused"),
        (
            Air(linked=frozenset({b"Studio"}), said=said(WRONG_KEY)),
            "wifi-refused",
            "Studio refused",
        ),
        (Air(linked=frozenset({b"Studio"})), "no-lease", "Studio was joined"),
        (Air(linked=frozenset({b"\xff\x00"}), said=said(WRONG_KEY)), "no-lease", "hex:ff00 was"),
        (Air(said=said(JOINED)), "no-lease", "Studio was joined"),
        (Air(heard=frozenset({b"Studio"})), "no-network", "Studio is heard"),
        (Air(said=Said(failed=frozenset({b"Studio"}))), "no-network", "Studio is heard"),
        (Air(heard=None), "no-network", "Studio or hex:ff00 was not joined"),
        (Air(), "wifi-not-heard", "No network named Studio or hex:ff00 is heard."),
        (Air(countries=frozenset({"DE"})), "wrong-country", "in DE, and the node was told US"),
        (Air(countries=frozenset({"DE", "US"})), "wifi-not-heard", "Studio"),
    ],
)
def test_each_trouble_of_the_radio_has_its_cause(air: Air, code: str, word: str) -> None:
    found = cause(STUDIO, air)
    assert found.code == code
    assert word in found.reason
    assert found.hint
    assert CODES[code].again
    assert CODES[code].part == "network"


def test_a_cable_that_is_not_there_is_named() -> None:
    assert cause(FIXED, Air()).code == "no-cable"
    found = cause(FIXED, Air(has_cable=True))
    assert found.code == "no-network"
    assert "10.0.0.7/8" in found.reason


def test_only_what_is_certain_is_held_against_a_node_on_another_network() -> None:
    assert defect(STUDIO, Air()) is None
    assert defect(STUDIO, Air(heard=frozenset({b"Studio"}))) is None
    assert defect(STUDIO, Air(has_radio=False)) is not None
    assert defect(STUDIO, Air(said=said(WRONG_SAE))) is not None
