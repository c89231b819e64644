"""`wpa_supplicant.conf` on the boot partition: wireless networks as Raspberry Pi OS knows them.

It is read as wpa_supplicant reads it; what a payload has no word for is a fault, and never dropped.
Source: hostap, ``wpa_supplicant/config_file.c`` and its example ``wpa_supplicant.conf``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from autosetup import forms
from autosetup.faults import Fault, Faulty
from autosetup.imports.wpa_values import (
    Unfit,
    is_key,
    read_flag,
    read_password,
    read_priority,
    read_psk,
    read_security,
    read_ssid,
)
from autosetup.settings import Security, Wifi
from autosetup.strict import decode
from autosetup.toml_remedies import SMART_MARKS

_BLANKS = " \t\r"
_LONGEST = 500
_BLOCK, _END = "network={", "}"
_UNCOMMENTED = re.compile(r'[^"#]*(?:"[^"]*"[^"#]*)*(?:"[^"#]*)?')
_CURLY = 'Replace the curly quotes by plain ones: ".'
_DELETE = "Delete this line, or make a payload with flasher."
# What wpa_supplicant is told of itself, which is the agent's to say here.
_ITS_OWN = re.compile(
    r"ctrl_interface=.*|ctrl_interface_group=.*|update_config=[01]|eapol_version=[12]|ap_scan=1"
    r"|fast_reauth=[01]|p2p_disabled=[01]"
)
# Further lines of a network which ask for no more than what is done anyway: a word that must be
# among them, and others that may.
_USUAL: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "proto": (frozenset({"RSN", "WPA2"}), frozenset({"WPA"})),
    "pairwise": (frozenset({"CCMP"}), frozenset({"TKIP"})),
    "group": (frozenset({"CCMP"}), frozenset({"TKIP", "WEP104", "WEP40"})),
    "auth_alg": (frozenset({"OPEN"}), frozenset()),
    "ieee80211w": (frozenset({"0", "1", "2"}), frozenset()),
    "mode": (frozenset({"0"}), frozenset()),
    "disabled": (frozenset({"0"}), frozenset()),
}
_KNOWN = ("ssid", "psk", "sae_password", "key_mgmt", "scan_ssid", "priority", "id_str", *_USUAL)


@dataclass(frozen=True, slots=True)
class WifiFile:
    """What a file says: its networks, those to be joined first in front, and their passphrases."""

    country: str | None
    wifi: tuple[Wifi, ...]
    passphrases: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line without blanks and comment; `number` and `column` (of its first character) from 1."""

    number: int
    column: int
    text: str


@dataclass(slots=True)
class _Network:
    """A block as it is read; `lines` holds where each name stands."""

    begin: _Line
    lines: dict[str, _Line] = field(default_factory=dict)
    is_sound: bool = True
    ssid: str = ""
    psk: str = field(default="", repr=False)
    sae_password: str = field(default="", repr=False)
    security: Security = "wpa-psk"
    hidden: bool = False
    priority: int = 0

    @property
    def wifi(self) -> Wifi:
        return Wifi(self.ssid, self.security, self.hidden)

    @property
    def passphrase(self) -> str:
        return self.sae_password or self.psk

    def keep(self, name: str, value: str) -> None:
        """Take a line in; raises `Unfit`."""
        match name:
            case "ssid":
                self.ssid = read_ssid(value)
            case "psk":
                self.psk = read_psk(value)
            case "sae_password":
                self.sae_password = read_password(value)
            case "key_mgmt":
                self.security = read_security(value)
            case "scan_ssid":
                self.hidden = read_flag(value)
            case "priority":
                self.priority = read_priority(value)
            case _:
                _look_through(name, value)

    def complaint(self) -> tuple[_Line, str, str] | None:
        """What is wrong with the lines together: where, what, and what to do."""
        lines = self.lines
        if not self.ssid:
            return self.begin, "This network has no name.", 'Add ssid="…".'
        if self.security == "open" and self.passphrase:
            what = "An open network has no passphrase."
            return lines["key_mgmt"], what, "Delete this line, or the passphrase."
        if self.psk and self.sae_password and self.psk != self.sae_password:
            what = "This network has two passphrases."
            return lines["sae_password"], what, "Delete one of the lines."
        if self.security != "open" and not self.passphrase:
            what = "The passphrase of this network is missing."
            return self.begin, what, 'Add psk="…", or key_mgmt=NONE if it is open.'
        if self.security == "sae" and is_key(self.passphrase):
            what = "WPA3 needs the passphrase itself."
            return lines["psk"], what, "Type it in quotes in place of the key."
        return None


def read_wpa_conf(file: str, raw: bytes) -> WifiFile:
    """Read the bytes of a file; raises `Faulty` with all that is wrong."""
    reading = _Reading(file)
    reading.read(_lines(file, raw))
    if reading.faults:
        raise Faulty(reading.faults)
    # As wpa_supplicant does: the highest number first, equal ones in the order of the file.
    networks = sorted(reading.networks, key=lambda network: -network.priority)
    phrases = {network.ssid: network.passphrase for network in networks if network.passphrase}
    return WifiFile(reading.country, tuple(network.wifi for network in networks), phrases)


def _lines(file: str, raw: bytes) -> Iterator[_Line]:
    """What is left of the lines; a ``#`` begins a comment but between a quote and the next."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in raw:
        decode(file, raw)  # which says why it cannot be read
    # Names need not be UTF-8.
    text = raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.lstrip(_BLANKS)
        column = len(line) - len(bare) + 1
        kept = _UNCOMMENTED.match(bare)
        if kept and (bare := kept[0].rstrip(_BLANKS)):
            yield _Line(number, column, bare)


class _Reading:
    """One file, with the faults found so far."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.country: str | None = None
        self.networks: list[_Network] = []
        self.faults: list[Fault] = []

    def read(self, lines: Iterator[_Line]) -> None:
        """Take every line in."""
        network: _Network | None = None
        for line in lines:
            if len(line.text) > _LONGEST:
                self._fault(line, "This line is too long.", f"Keep it to {_LONGEST} characters.")
            elif network is None and line.text == _BLOCK:
                network = _Network(line)
            elif network is None:
                self._read_global(line)
            elif line.text == _END:
                self._close(network)
                network = None
            else:
                self._read_value(network, line)
        if network:
            self._fault(network.begin, "This network is not closed.", f"Add a line with {_END}.")

    def _read_global(self, line: _Line) -> None:
        name, is_setting, value = line.text.partition("=")
        if name == "country" and is_setting:
            self._read_country(line, value)
        elif "".join(line.text.split()) == _BLOCK:
            self._fault(line, "This line begins no network.", f"Write {_BLOCK} without blanks.")
        elif line.text == _END:
            self._fault(line, "There is no network to close here.", "Delete this line.")
        elif not _ITS_OWN.fullmatch(line.text):
            self._fault(line, "This line cannot be taken over.", _DELETE)

    def _read_country(self, line: _Line, value: str) -> None:
        if value not in forms.COUNTRIES:
            better = {"UK": "GB"}.get(value.upper(), value.upper())
            like = better if better in forms.COUNTRIES else "DE"
            self._fault(line, "This is no country.", f"Type country={like}, for one.")
        elif self.country:
            self._fault(line, "The country stands twice.", "Delete one of the lines.")
        else:
            self.country = value

    def _read_value(self, network: _Network, line: _Line) -> None:
        name, is_setting, value = line.text.partition("=")
        if not is_setting or name != name.strip() or value != value.strip():
            remedy = "Write name=value, without blanks around the =."
            self._fault(line, "This is no setting of a network.", remedy)
        elif name in network.lines:
            self._fault(line, f"{name} stands twice in this network.", "Delete one of the lines.")
        else:
            network.lines[name] = line
            try:
                network.keep(name, value)
                return
            except Unfit as unfit:
                remedy = _CURLY if set(value) & set(SMART_MARKS) else str(unfit)
                self._fault(line, f"{_shown(name)} cannot be taken over.", remedy)
        network.is_sound = False

    def _close(self, network: _Network) -> None:
        if not network.is_sound:
            return
        if complaint := network.complaint():
            self._fault(*complaint)
        elif network.ssid in {other.ssid for other in self.networks}:
            what = f"The network {network.ssid!r} stands twice."
            self._fault(network.lines["ssid"], what, "Delete one of the two.")
        else:
            self.networks.append(network)

    def _fault(self, line: _Line, what: str, remedy: str) -> None:
        self.faults.append(Fault(self._file, line.number, line.column, what, remedy))


def _look_through(name: str, value: str) -> None:
    """Let pass what asks for nothing unusual; raises `Unfit`."""
    if name in _USUAL:
        needed, allowed = _USUAL[name]
        words = set(value.split())
        if not words & needed or not words <= needed | allowed:
            raise Unfit("Delete this line: what is usual is done anyway.")
    elif name.startswith("wep_"):
        raise Unfit("WEP protects nothing: set the network to WPA2 or WPA3.")
    elif name != "id_str":
        near = [] if name == "bssid" else difflib.get_close_matches(name, _KNOWN, 1)
        raise Unfit(f"Did you mean {near[0]}?" if near else _DELETE)


def _shown(name: str) -> str:
    """A name that is known; another may be a part of a secret."""
    return name if name in _KNOWN else "This line"
