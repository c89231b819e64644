"""One wifi of a site as it is typed, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from autosetup import forms
from autosetup.payload import Wifi
from autosetup.settings import HEX, Security
from flasher.tui.pasted import slips
from flasher.tui.words import _, ngettext

_MOST_OCTETS = 32  # IEEE 802.11
_SHORTEST, _LONGEST, _KEY_DIGITS = 8, 63, 64
_HEX_KEY = re.compile(r"[0-9A-Fa-f]{64}")


@dataclass(frozen=True, slots=True, repr=False)
class Network:
    """A wifi with its passphrase: no `repr`.

    Attributes:
        ssid: its name, or ``hex:`` and its octets as hex digits.
        passphrase: 8 to 63 characters, or 64 hex digits; of no account where it is open.
        dealt: it is one of those of which each node joins one.
    """

    ssid: str = ""
    security: Security = "wpa-psk"
    hidden: bool = False
    passphrase: str = ""
    dealt: bool = False

    @classmethod
    def of(cls, wifi: Wifi, passphrase: str, dealt: bool) -> Network:
        """That of a site."""
        return cls(wifi.ssid, wifi.security, wifi.hidden, passphrase, dealt)


def security_names() -> dict[Security, str]:
    """What people call them."""
    return {
        "wpa-psk": _("WPA2, and WPA3 where the access point offers both"),
        "sae": _("WPA3 only"),
        "open": _("open: no passphrase, everybody hears it"),
    }


def network_complaints(network: Network, others: Collection[str] = ()) -> dict[str, str]:
    """What is wrong with a wifi, by field.

    Args:
        network: as it stands in the fields.
        others: names of the site's other networks.
    """
    found = {"ssid": _ssid_complaint(network, others), "passphrase": _passphrase_complaint(network)}
    return {name: complaint for name, complaint in found.items() if complaint}


def passphrase_count(typed: str) -> str:
    """How far a passphrase is, in words; they show nothing of it."""
    size = len(typed)
    if _HEX_KEY.fullmatch(typed):
        return _("✓ 64 hex digits: the key itself")
    counted = ngettext("{n} character", "{n} characters", size).format(n=size)
    if not forms.PASSPHRASE.complain(typed):
        return _("✓ {counted}").format(counted=counted)
    return _("· {counted} of 8 to 63").format(counted=counted)


def network_remark(network: Network) -> str | None:
    """What is worth knowing of how a wifi is locked."""
    if network.security == "open":
        return _("! Everybody nearby can listen, and join.")
    if network.security == "sae":
        return _("! Try it with one card first: not every radio can do WPA3.")
    return None


def _ssid_complaint(network: Network, others: Collection[str]) -> str | None:
    size = len(Wifi(network.ssid).octets)
    if not network.ssid:
        return _("Type the name of the wifi, capitals and blanks as they are.")
    if network.ssid in others:
        return _("This wifi is in the list already.")
    if not network.ssid.isprintable():
        return _("It holds a letter that nobody sees; Ctrl+L takes it out.")
    if 1 <= size <= _MOST_OCTETS:
        return None
    if network.ssid.startswith(HEX):
        return _("After hex: type 1 to 32 octets as hex digits.")
    return _("It has {size} bytes; 32 are allowed, and an umlaut takes two.").format(size=size)


def _passphrase_complaint(network: Network) -> str | None:
    typed, size = network.passphrase, len(network.passphrase)
    if network.security == "open" or not forms.PASSPHRASE.complain(typed):
        return None
    if not typed:
        return _("Type the passphrase: 8 to 63 characters, or 64 hex digits.")
    if not all(" " <= letter <= "~" for letter in typed):
        if bent := slips(typed.strip(" ")):
            return " ".join((bent[0], _("Ctrl+L cleans it.")))
        return _("Only letters without accents, digits, blanks and plain signs are allowed.")
    if size < _SHORTEST:
        return _("It has {size} characters; the shortest has 8.").format(size=size)
    if size == _KEY_DIGITS:
        return _("It has 64 characters, but not all are hex digits (0-9, a-f).")
    return _("It has {size} characters; the longest has 63.").format(size=size)
