"""The part of `node.toml` about staying up to date: where what is new comes from, who is told."""

from __future__ import annotations

import base64
import binascii
import textwrap
from typing import cast

from autosetup import forms
from autosetup.settings import SYSTEM_PACKAGES, SystemPackages, Update
from autosetup.strict import Table
from autosetup.toml_writer import Value

MOST_MINUTES = 7 * 24 * 60
# RFC 7468: lines of 64 characters between these two.
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_LINE = 64


def write_update(update: Update) -> dict[str, Value]:
    """The table ``update`` with what is not as usual; none where all is."""
    body = "".join(update.authority.splitlines()[1:-1])
    values: dict[str, Value] = {
        **({"site": update.site} if update.site else {}),
        **write_source(update),
        **({"authority": body} if body else {}),
    }
    return {"update": values} if values else {}


def write_source(update: Update) -> dict[str, Value]:
    """What people choose of it, as sites and nodes have it, as far as it is not as usual."""
    usual = Update()
    values: dict[str, Value] = {
        "source": update.source,
        "board": update.board,
        "every_minutes": update.every_minutes,
        "packages": update.packages,
    }
    return {key: value for key, value in values.items() if value != getattr(usual, key)}


def read_update(table: Table) -> Update:
    """The table ``update`` of a node."""
    update = read_source(table)
    site = table.string("site", default="", form=forms.SITE if table.has("site") else None)
    return Update(
        site,
        update.source,
        update.board,
        _read_authority(table),
        update.every_minutes,
        update.packages,
    )


def read_source(table: Table) -> Update:
    """What people choose of it."""
    usual = Update()
    return Update(
        source=_address(table, "source"),
        board=_address(table, "board"),
        every_minutes=table.integer(
            "every_minutes", default=usual.every_minutes, low=1, high=MOST_MINUTES
        ),
        packages=cast(
            "SystemPackages",
            table.string("packages", default=usual.packages, choices=SYSTEM_PACKAGES),
        ),
    )


def as_pem(body: str) -> str:
    """A certificate in PEM.

    Args:
        body: its DER form in base64, in one line.
    """
    return "\n".join((_BEGIN, *textwrap.wrap(body, _LINE), _END, ""))


def _address(table: Table, key: str) -> str:
    return table.string(key, default="", form=forms.SOURCE if table.has(key) else None)


def _read_authority(table: Table) -> str:
    """One line in base64, as TOML's texts here have one line."""
    body = table.string("authority", default="")
    try:
        is_one = not body or base64.b64decode(body, validate=True)[:1] == b"\x30"
    except (binascii.Error, ValueError):
        is_one = False
    if not is_one:
        table.fault("authority", "authority is no certificate.", "Prepare the card again.")
    return as_pem(body) if body and is_one else ""
