"""The part of `node.toml` about the network and the time."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import cast

from autosetup import forms
from autosetup.node_tables import checked
from autosetup.settings import HEX, SECURITIES, NodeSettings, Security, Time, Wifi, Wired
from autosetup.strict import Table
from autosetup.toml_writer import Value

_MOST_OCTETS = 32


def write_network(settings: NodeSettings) -> dict[str, Value]:
    """The table ``network``."""
    texts = {"country": settings.country or "", "domain": settings.domain}
    values: dict[str, Value] = {name: text for name, text in texts.items() if text}
    values["wifi"] = [
        {"ssid": w.ssid, "security": w.security, "hidden": w.hidden} for w in settings.wifi
    ]
    if settings.wired:
        wired = settings.wired
        gateway = {"gateway": wired.gateway} if wired.gateway else {}
        values["wired"] = {"addresses": wired.addresses, **gateway, "dns": wired.dns}
    return values


def write_time(time: Time) -> dict[str, Value]:
    """The table ``time``, where there is something to say."""
    return {} if time == Time() else {"time": {"ntp": time.ntp, "serve": time.serve}}


def read_country(network: Table) -> str | None:
    """The country in the table ``network``."""
    if not network.has("country"):
        network.string("country", default="")
        return None
    country = network.string("country")
    if country == "UK":
        network.fault("country", "country is 'UK'.", "Type GB, the ISO code of the United Kingdom.")
    elif country not in forms.COUNTRIES:
        wanted = "Type the two capital letters of the ISO 3166 code, such as DE."
        network.fault("country", f"country is {country!r}.", wanted)
    return country


def read_wifi(table: Table) -> Wifi:
    """One table ``network.wifi``."""
    return Wifi(
        ssid=checked(table, "ssid", _ssid_complaint),
        security=cast("Security", table.string("security", default="wpa-psk", choices=SECURITIES)),
        hidden=table.boolean("hidden", default=False),
    )


def _ssid_complaint(ssid: str) -> str | None:
    size = len(Wifi(ssid).octets)
    if 1 <= size <= _MOST_OCTETS:
        return None
    if ssid.startswith(HEX):
        return f"After {HEX} it must have 1 to {_MOST_OCTETS} octets, as hex digits."
    return f"It takes {size} bytes; a network's name has 1 to {_MOST_OCTETS}."


def read_wired(network: Table) -> Wired | None:
    """The table ``network.wired``; None where there is none."""
    if not network.has("wired"):
        network.table("wired")
        return None
    return read_fixed(network.table("wired"), interface_complaint)


def read_fixed(table: Table, complaint: Callable[[str], str | None]) -> Wired:
    """Fixed addresses, each of which `complaint` judges, and what goes with them."""
    addresses = table.strings("addresses")
    _complain_of(table, "addresses", addresses, complaint)
    dns = table.strings("dns", default=())
    _complain_of(table, "dns", dns, _address_complaint)
    gateway = table.string("gateway", default="")
    _complain_of(table, "gateway", (gateway,) if gateway else (), _address_complaint)
    if table.has("addresses") and not addresses:
        table.fault("addresses", "addresses is empty.", "Add one, or remove the table.")
    return Wired(addresses, gateway, dns)


def _complain_of(
    table: Table, key: str, texts: tuple[str, ...], complaint: Callable[[str], str | None]
) -> None:
    for text in texts:
        if wrong := complaint(text):
            table.fault(key, f"{key} holds {text!r}.", wrong)


def interface_complaint(text: str) -> str | None:
    """Say what is wrong with a fixed address; None where it is sound."""
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        pass
    else:
        if "/" in text and "%" not in text:
            return None
    return "Type an address with its prefix, such as 192.168.40.7/24."


def _address_complaint(text: str) -> str | None:
    return None if forms.address(text) else "Type an IP address, such as 192.168.40.1."


def read_time(table: Table) -> Time:
    """The table ``time``."""
    return Time(read_servers(table), table.boolean("serve", default=False))


def read_servers(table: Table) -> tuple[str, ...]:
    """Names or addresses of servers, under ``ntp``."""
    servers = table.strings("ntp", default=())
    _complain_of(table, "ntp", servers, forms.server_complaint)
    return servers
