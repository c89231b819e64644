"""Wireless networks for wpa_supplicant, where nothing greater asks it: its own file, and addresses.

Source: the example ``wpa_supplicant.conf`` of hostap, and its reader: a quoted text goes from the
first quote of a value to its last, with nothing escaped, but a ``#`` behind a second quote may
begin a comment; octets are written as hex digits.
"""

from __future__ import annotations

import hashlib
import re

from autosetup.settings import Wifi

# Of the radio on the board, and of the unit ``wpa_supplicant@wlan0.service`` that reads the file.
_RADIO = "wlan0"
CONFIGURATION = f"/etc/wpa_supplicant/wpa_supplicant-{_RADIO}.conf"
ADDRESSES = f"/etc/systemd/network/70-autosetup-{_RADIO}.network"
UNIT = f"wpa_supplicant@{_RADIO}.service"
# What makes a file ours to remove.
MARK = b"# From the payload, by autosetup.\n"
_RAW_KEY = re.compile(r"[0-9A-Fa-f]{64}")


def write_supplicant(
    networks: tuple[Wifi, ...], passphrases: dict[str, str], country: str | None
) -> bytes:
    """The bytes of its file; the first network is joined first."""
    lines = ["ctrl_interface=/run/wpa_supplicant", "update_config=0"]
    lines += [f"country={country}"] if country else []
    for priority, wifi in zip(range(len(networks), 0, -1), networks, strict=True):
        values = {
            "ssid": wifi.octets.hex(),
            "scan_ssid": str(int(wifi.hidden)),
            "priority": str(priority),
            **_security(wifi, passphrases.get(wifi.ssid, "")),
        }
        lines += ["network={", *(f"\t{key}={value}" for key, value in values.items()), "}"]
    return MARK + "".join(f"{line}\n" for line in lines).encode()


def write_addresses() -> bytes:
    """What has systemd-networkd ask for an address once a network is joined."""
    return MARK + f"[Match]\nName={_RADIO}\n\n[Network]\nDHCP=yes\n".encode()


def _security(wifi: Wifi, passphrase: str) -> dict[str, str]:
    if wifi.security == "open":
        return {"key_mgmt": "NONE"}
    if wifi.security == "sae":  # which asks for protected management frames
        octets = passphrase.encode().hex()
        return {"key_mgmt": "SAE", "ieee80211w": "2", "sae_password": octets}
    return {"key_mgmt": "WPA-PSK", "psk": _psk(wifi, passphrase)}


def _psk(wifi: Wifi, passphrase: str) -> str:
    """The passphrase, or where it would be misread the key that is made of it: IEEE 802.11, J.4."""
    if _RAW_KEY.fullmatch(passphrase):
        return passphrase
    if {'"', "#"} <= set(passphrase):
        return hashlib.pbkdf2_hmac("sha1", passphrase.encode(), wifi.octets, 4096, 32).hex()
    return f'"{passphrase}"'
