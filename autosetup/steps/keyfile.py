"""NetworkManager's keyfiles: GLib's key file format with NetworkManager's way of writing SSIDs.

Sources: GLib's `GKeyFile` (escapes ``\\s \\t \\n \\r \\\\``) and nm-settings-keyfile(5) (an SSID as
a list of octets, each followed by a semicolon).
"""

from __future__ import annotations

import ipaddress
import re
import uuid

from autosetup.settings import Wifi, Wired

WIRED_NAME = "wired fixed"
_NAMESPACE = uuid.UUID("c1a8f5d2-6d0e-5c5b-9d4e-0d6a5e6f7a10")
_PLAIN_SSID = re.compile(rb"[A-Za-z][A-Za-z0-9_-]*")
# Before the servers that another network names, which do not know the rig: those have 100.
_ASKED_FIRST = "50"
# Nodes that swap their addresses would each be refused the one that the other still has. The site
# gives each address once; NetworkManager looks since 1.46, and in IPv4 alone.
_NOBODY_IS_ASKED = "0"
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def write_wifi(wifi: Wifi, passphrase: str | None, *, node: str, priority: int) -> bytes:
    """The bytes of a wireless connection; the same arguments give the same bytes, its UUID too.

    Args:
        wifi: the network.
        passphrase: None for an open network.
        node: the node's name, so that no two nodes share a connection's UUID.
        priority: -999 to 999; the highest that is in reach is joined.
    """
    identity = uuid.uuid5(_NAMESPACE, f"{node}\n{wifi.ssid}")
    groups = [
        ("connection", _connection(wifi.ssid, "wifi", str(identity), priority)),
        ("wifi", {"mode": "infrastructure", "ssid": ssid_value(wifi.octets)}),
        ("ipv4", {"method": "auto"}),
        ("ipv6", {"method": "auto"}),
    ]
    if wifi.hidden:
        groups[1][1]["hidden"] = "true"
    if wifi.security != "open":
        security = {"key-mgmt": wifi.security, "psk": escape(passphrase or "")}
        groups.insert(2, ("wifi-security", security))
    return "\n".join(_group(name, values) for name, values in groups).encode()


def write_wired(wired: Wired, *, node: str, domain: str, priority: int) -> bytes:
    """The bytes of a wired connection with fixed addresses; what lacks one asks for it.

    Args:
        wired: the addresses.
        node: the node's name, as for `write_wifi`.
        domain: in which short names are looked up; may be empty.
        priority: as for `write_wifi`.
    """
    identity = uuid.uuid5(_NAMESPACE, f"{node} wired")
    groups = [("connection", _connection(WIRED_NAME, "ethernet", str(identity), priority))]
    for version in (4, 6):
        fixed = [a for a in wired.addresses if ipaddress.ip_interface(a).version == version]
        values = {"method": "manual" if fixed else "auto"}
        values |= {f"address{number}": address for number, address in enumerate(fixed, 1)}
        if fixed and version == 4:
            values["dad-timeout"] = _NOBODY_IS_ASKED
        if fixed and wired.gateway and ipaddress.ip_address(wired.gateway).version == version:
            values["gateway"] = wired.gateway
        if dns := [a for a in wired.dns if ipaddress.ip_address(a).version == version]:
            values["dns"] = "".join(f"{address};" for address in dns)
            values["dns-priority"] = _ASKED_FIRST
        if domain and fixed:
            values["dns-search"] = f"{domain};"
        groups.append((f"ipv{version}", values))
    return "\n".join(_group(name, values) for name, values in groups).encode()


def escape(text: str) -> str:
    """A string value: backslashes and control characters, and blanks at either end."""
    middle = text.strip(" ")
    before = len(text) - len(text.lstrip(" "))
    after = len(text) - before - len(middle)
    escaped = "".join(_ESCAPES.get(character, character) for character in middle)
    return "\\s" * before + escaped + "\\s" * after


def ssid_value(ssid: bytes) -> str:
    """An SSID as it is where nothing in it can be misread, else as its octets."""
    if _PLAIN_SSID.fullmatch(ssid):
        return ssid.decode()
    return "".join(f"{octet};" for octet in ssid)


def _connection(name: str, kind: str, identity: str, priority: int) -> dict[str, str]:
    return {
        "id": escape(name),
        "uuid": identity,
        "type": kind,
        "autoconnect-priority": str(priority),
    }


def _group(name: str, values: dict[str, str]) -> str:
    lines = "".join(f"{key}={value}\n" for key, value in values.items())
    return f"[{name}]\n{lines}"
