"""NetworkManager's ``*.nmconnection``: one wireless network each.

Source: nm-settings-keyfile(5).
"""

from __future__ import annotations

import configparser

from autosetup.payload import Wifi
from autosetup.settings import HEX, Security
from flasher.rig.foreign_setup.draft import Collector

_WIFI = ("wifi", "802-11-wireless")
_SECURITY = ("wifi-security", "802-11-wireless-security")
_WAYS: dict[str, Security] = {"": "open", "none": "open", "wpa-psk": "wpa-psk", "sae": "sae"}


def read_keyfile(text: str, into: Collector) -> None:
    """Read one; raises `configparser.Error`."""
    parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
    parser.read_string(text)
    wifi, security = _section(parser, _WIFI), _section(parser, _SECURITY)
    if not wifi:
        into.leave("A connection that is not wifi: cables are the scanner profile's to say.")
        return
    ssid, way = _ssid(wifi.get("ssid", "")), security.get("key-mgmt", "")
    if way not in _WAYS or "wep-key0" in security:
        into.leave(f"The wifi {ssid!r}: nodes cannot join by {way}.")
        return
    hidden = wifi.get("hidden", "").lower() in ("true", "1", "yes")
    into.network(Wifi(ssid, _WAYS[way], hidden), security.get("psk", ""))


def _section(parser: configparser.RawConfigParser, names: tuple[str, str]) -> dict[str, str]:
    found = next((name for name in names if parser.has_section(name)), None)
    return dict(parser.items(found)) if found else {}


def _ssid(written: str) -> str:
    """Plain text, or the bytes as numbers: ``83;116;``; ``\\;`` stands for a semicolon."""
    numbers = written.split(";")[:-1] if written.endswith(";") else []
    if not numbers or not all(n.isascii() and n.isdecimal() and int(n) < 256 for n in numbers):
        return written.replace("\\;", ";").replace("\\\\", "\\")
    octets = bytes(map(int, numbers))
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return f"{HEX}{octets.hex()}"
