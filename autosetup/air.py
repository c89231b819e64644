"""Why a node is on no network, from what its radio hears and its programs said: pure rules.

Sources: ``print_ssid_escaped`` of iw (SSIDs), ``printf_encode`` and the ``CTRL-EVENT`` messages of
wpa_supplicant (``wpa_ctrl.h``), which says the same whether or not NetworkManager asks it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from autosetup.errors import AgentError
from autosetup.settings import NodeSettings, Wifi

Block = Literal["", "soft", "hard"]

_SSID = re.compile(r"^\s*SSID: (.*)$", re.MULTILINE)
_COUNTRY = re.compile(r"^\s*Country: ([A-Z]{2})\b", re.MULTILINE)
_ESCAPE = re.compile(r'\\(?:x([0-9a-fA-F]{2})|([\\"enrt]))')
_LETTERS = {"\\": "\\", '"': '"', "e": "\x1b", "n": "\n", "r": "\r", "t": "\t"}
_TRIES = re.compile(r"Trying to (?:associate|authenticate) with .*SSID[= ]'(.*)'(?: freq=|$)")
_JOINED = "CTRL-EVENT-CONNECTED"
# By the access point; a node that gets no lease leaves by itself, and comes again.
_LOST = re.compile(r"CTRL-EVENT-DISCONNECTED (?!.*locally_generated=1)")
# With SAE (type 3) a confirmation is only refused where the passphrases differ.
_REJECTED = re.compile(r"CTRL-EVENT-AUTH-REJECT \S+ auth_type=3 auth_transaction=2 ")
_SET_ASIDE = re.compile(r'CTRL-EVENT-SSID-TEMP-DISABLED .*ssid="(.*)" .*reason=(\w+)')


@dataclass(frozen=True, slots=True)
class Said:
    """Names of networks, as octets, by what last came of joining them."""

    joined: frozenset[bytes] = frozenset()
    refused: frozenset[bytes] = frozenset()
    failed: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True)
class Air:
    """What there is to be known of a node's networks.

    Attributes:
        has_radio: a wireless interface is there.
        blocked: how every radio is switched off, if it is.
        has_cable: a wired interface has a carrier.
        heard: names of the networks in reach; None where that cannot be asked.
        countries: that these say they are in.
        linked: names of the networks that radios are joined to at the moment.
        said: by what joins them.
    """

    has_radio: bool = True
    blocked: Block = ""
    has_cable: bool = False
    heard: frozenset[bytes] | None = frozenset()
    countries: frozenset[str] = frozenset()
    linked: frozenset[bytes] = frozenset()
    said: Said = Said()

    @property
    def joined(self) -> frozenset[bytes]:
        """Networks whose access point let the node in; a radio has a link before it is let in."""
        return self.said.joined | (self.linked - self.said.refused - self.said.failed)


def names_in(told: str) -> frozenset[bytes]:
    """The SSIDs in what ``iw dev … scan dump`` or ``iw dev … link`` prints."""
    return frozenset(filter(None, map(octets, _SSID.findall(told))))


def countries_in(scan: str) -> frozenset[str]:
    """The countries that networks say they are in, in what ``iw dev … scan dump`` prints."""
    return frozenset(_COUNTRY.findall(scan))


def octets(escaped: str) -> bytes:
    """An SSID from its printed form."""

    def plain(found: re.Match[str]) -> str:
        return chr(int(found[1], 16)) if found[1] else _LETTERS[found[2]]

    return _ESCAPE.sub(plain, escaped).encode("latin-1", errors="replace")


def read_log(lines: Iterable[str]) -> Said:
    """What wpa_supplicant's messages, oldest first, say of each network in the end."""
    ends: dict[bytes, str] = {}
    current = b""
    for line in lines:
        if tried := _TRIES.search(line):
            current = octets(tried[1])
        elif _JOINED in line:
            ends[current] = "joined"
        elif _LOST.search(line) and ends.get(current) == "joined":
            del ends[current]
        elif _REJECTED.search(line):
            ends[current] = "refused"
        elif aside := _SET_ASIDE.search(line):
            name = octets(aside[1])
            if ends.get(name) != "refused":
                ends[name] = "refused" if aside[2] == "WRONG_KEY" else "failed"
    kinds = ("joined", "refused", "failed")
    return Said(*(frozenset(n for n, end in ends.items() if end == kind) for kind in kinds))


def cause(settings: NodeSettings, air: Air) -> AgentError:
    """Why a node with these settings has no address, as well as can be known."""
    if not settings.wifi:
        return _of_cable(settings, air)
    return defect(settings, air) or _of_names(settings, air)


def defect(settings: NodeSettings, air: Air) -> AgentError | None:
    """What keeps the wireless networks away for certain; None where waiting may still help."""
    if not air.has_radio:
        hint = "Plug the radio in, or use a cable; see in log.txt whether its firmware is missing."
        return AgentError("no-radio", "The node has no wireless interface.", hint)
    if air.blocked:
        by = "a switch on the device" if air.blocked == "hard" else "software (rfkill)"
        hint = "Switch it on: sudo rfkill unblock wifi, or the device's own switch."
        return AgentError("radio-blocked", f"The radio is switched off by {by}.", hint)
    refusing = [w for w in settings.wifi if w.octets in air.said.refused]
    is_in = any(w.octets in air.joined for w in settings.wifi)
    return _refused(refusing) if refusing and not is_in else None


def _refused(networks: list[Wifi]) -> AgentError:
    hint = (
        "Mend it there or in the site's secrets, then: flasher inspect --fix --scanner … --site …"
    )
    return AgentError("wifi-refused", f"{_listed(networks, 'and')} refused the passphrase.", hint)


def _of_names(settings: NodeSettings, air: Air) -> AgentError:
    told = list(settings.wifi)
    if joined := [w for w in told if w.octets in air.joined]:
        hint = "See that the network's DHCP server runs and has addresses left."
        what = f"{_listed(joined, 'and')} was joined, but gave no address."
        return AgentError("no-lease", what, hint)
    if air.heard is None:
        hint = "Add the package iw to the image to be told more."
        return AgentError("no-network", f"{_listed(told, 'or')} was not joined.", hint)
    if heard := [w for w in told if w.octets in air.heard | air.said.failed]:
        hint = "Compare passphrase and security with the access point's; it may be too far away."
        what = f"{_listed(heard, 'and')} is heard, but could not be joined."
        return AgentError("no-network", what, hint)
    return _not_heard(settings, air)


def _not_heard(settings: NodeSettings, air: Air) -> AgentError:
    what = f"No network named {_listed(list(settings.wifi), 'or')} is heard"
    country = settings.country
    if country and air.countries and country not in air.countries:
        here = " or ".join(sorted(air.countries))
        what += f"; networks here say that they are in {here}, and the node was told {country}."
        hint = "Mend the country of the site: in each, other channels are allowed."
        return AgentError("wrong-country", what, hint)
    hint = "See that it is switched on, in reach, and spelled so, capitals too."
    return AgentError("wifi-not-heard", f"{what}.", hint)


def _of_cable(settings: NodeSettings, air: Air) -> AgentError:
    wanted = ", ".join(settings.wired.addresses) if settings.wired else "an address"
    if not air.has_cable:
        hint = "Plug the cable in at both ends, and see that the switch has power."
        return AgentError("no-cable", f"No cable is connected, so {wanted} is not in use.", hint)
    hint = "Another computer may have this address: see log.txt."
    return AgentError("no-network", f"The cable is connected, but {wanted} is not in use.", hint)


def _listed(networks: list[Wifi], word: str) -> str:
    *before, last = (wifi.ssid for wifi in networks)
    return f"{', '.join(before)} {word} {last}" if before else last
