"""The part of `node.toml` about the network and the time."""

from __future__ import annotations

from typing import cast

from autosetup import forms
from autosetup.node_tables import checked
from autosetup.settings import SECURITIES, NodeSettings, Security, Time, Wifi
from autosetup.strict import Table
from autosetup.toml_writer import Value


def write_network(settings: NodeSettings) -> dict[str, Value]:
    """The table ``network``."""
    texts = {"country": settings.country or "", "domain": settings.domain}
    values: dict[str, Value] = {name: text for name, text in texts.items() if text}
    values["wifi"] = [
        {"ssid": w.ssid, "security": w.security, "hidden": w.hidden} for w in settings.wifi
    ]
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
    size = len(ssid.encode())
    return None if 1 <= size <= 32 else f"It takes {size} bytes; a network's name has 1 to 32."


def read_time(table: Table) -> Time:
    """The table ``time``."""
    return Time(read_servers(table), table.boolean("serve", default=False))


def read_servers(table: Table) -> tuple[str, ...]:
    """Names or addresses of servers, under ``ntp``."""
    servers = table.strings("ntp", default=())
    for server in servers:
        if wrong := forms.server_complaint(server):
            table.fault("ntp", f"ntp holds {server!r}.", wrong)
    return servers
