"""NetworkManager's keyfiles: GLib's key file format with NetworkManager's way of writing SSIDs.

Sources: GLib's `GKeyFile` (escapes ``\\s \\t \\n \\r \\\\``) and nm-settings-keyfile(5) (an SSID as
a list of octets, each followed by a semicolon).
"""

from __future__ import annotations

import re
import uuid

from autosetup.settings import Wifi

_NAMESPACE = uuid.UUID("c1a8f5d2-6d0e-5c5b-9d4e-0d6a5e6f7a10")
_PLAIN_SSID = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def write_keyfile(wifi: Wifi, passphrase: str | None, *, node: str, priority: int) -> bytes:
    """The bytes of a connection; the same arguments give the same bytes, its UUID too.

    Args:
        wifi: the network.
        passphrase: None for an open network.
        node: the node's name, so that no two nodes share a connection's UUID.
        priority: -999 to 999; the highest that is in reach is joined.
    """
    identity = uuid.uuid5(_NAMESPACE, f"{node}\n{wifi.ssid}")
    groups = [
        ("connection", _connection(wifi, str(identity), priority)),
        ("wifi", {"mode": "infrastructure", "ssid": ssid_value(wifi.ssid)}),
        ("ipv4", {"method": "auto"}),
        ("ipv6", {"method": "auto"}),
    ]
    if wifi.hidden:
        groups[1][1]["hidden"] = "true"
    if wifi.security != "open":
        security = {"key-mgmt": wifi.security, "psk": escape(passphrase or "")}
        groups.insert(2, ("wifi-security", security))
    return "\n".join(_group(name, values) for name, values in groups).encode()


def escape(text: str) -> str:
    """A string value: backslashes and control characters, and blanks at either end."""
    middle = text.strip(" ")
    before = len(text) - len(text.lstrip(" "))
    after = len(text) - before - len(middle)
    escaped = "".join(_ESCAPES.get(character, character) for character in middle)
    return "\\s" * before + escaped + "\\s" * after


def ssid_value(ssid: str) -> str:
    """An SSID as it is where nothing in it can be misread, else as its octets."""
    if _PLAIN_SSID.fullmatch(ssid):
        return ssid
    return "".join(f"{octet};" for octet in ssid.encode())


def _connection(wifi: Wifi, identity: str, priority: int) -> dict[str, str]:
    return {
        "id": escape(wifi.ssid),
        "uuid": identity,
        "type": "wifi",
        "autoconnect-priority": str(priority),
    }


def _group(name: str, values: dict[str, str]) -> str:
    lines = "".join(f"{key}={value}\n" for key, value in values.items())
    return f"[{name}]\n{lines}"
