"""The two documents of a site: read strictly, and written so that they read back the same."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path

from autosetup import forms
from autosetup.faults import Faulty
from autosetup.node_network import read_servers, read_wifi
from autosetup.node_tables import read_keys, read_mirror, read_variables, unique
from autosetup.node_update import read_source, write_source
from autosetup.payload import Locale, User
from autosetup.strict import Table, pattern, reading
from autosetup.toml_writer import Value, dumps
from flasher.errors import BadDocument
from flasher.rig.documents import FORMAT, NAME, reading_document
from flasher.rig.site_model import Site, SiteSecrets

# What a node refuses is refused here already: the forms are the agent's own.
COUNTRY = pattern("|".join(sorted(forms.COUNTRIES)), "the two capital letters of a country: DE, GB")
_USUAL = Locale()


def key_complaint(line: str) -> str | None:
    """Say what is wrong with somebody's public key; None where it is sound.

    It has no options: a rig adds its own.
    """
    wrong = forms.authorized_key_complaint(line)
    return "Leave out what stands before the kind of key." if line.startswith("from=") else wrong


def read_site(path: Path, raw: bytes) -> Site:
    """Read the bytes of a ``site.toml``; raises `BadDocument` with all its faults."""
    with reading_document("site", path, raw) as top:
        network, locale, ssh = top.table("network"), top.table("locale"), top.table("ssh")
        networks = network.tables("wifi")
        site = Site(
            name=top.string("name", form=NAME),
            title=top.string("title", default=""),
            user=_read_user(top.table("user")),
            country=network.string("country", default="", form=COUNTRY) or None,
            wifi=unique(networks, "ssid", read_wifi),
            locale=Locale(
                locale.string("language", default=_USUAL.language, form=forms.LANGUAGE),
                locale.string("keyboard", default=_USUAL.keyboard, form=forms.KEYBOARD),
                locale.string("timezone", default=_USUAL.timezone, form=forms.TIMEZONE),
            ),
            digest=hashlib.sha256(raw).hexdigest(),
            path=path,
            domain=network.string("domain", default="", form=forms.DOMAIN),
            ntp=read_servers(top.table("time")),
            variables=read_variables(top.table("variables")),
            host_keys=ssh.boolean("host_keys", default=False),
            keys_only=ssh.boolean("keys_only", default=False),
            dealt=tuple(t.string("ssid") for t in networks if t.boolean("deal", default=False)),
            mirror=read_mirror(top.table("packages")),
            update=read_source(top.table("update")),
        )
        _check_between(site, network, ssh)
    return site


def _check_between(site: Site, network: Table, ssh: Table) -> None:
    """Faults that only two of its tables together show."""
    if site.wifi and not site.country:
        network.fault(
            "country", "country is missing.", "Wifi needs it: the radio stays off without."
        )
    if site.keys_only and not site.user.authorized_keys:
        ssh.fault("keys_only", "Nobody has a key.", "Add authorized_keys under [user].")


def _read_user(table: Table) -> User:
    return User(
        name=table.string("name", form=forms.USER_NAME),
        authorized_keys=read_keys(table, key_complaint),
        passwordless_sudo=table.boolean("passwordless_sudo", default=False),
    )


def read_secrets(path: Path, raw: bytes, site: Site) -> SiteSecrets:
    """Read a site's secrets, but its key; raises `BadDocument`, which shows none of them."""
    try:
        with reading(str(path), raw, secret=True) as top:
            top.integer("format", low=FORMAT, high=FORMAT)
            return _secrets_of(top, site)
    except Faulty as faulty:
        raise BadDocument("site's secrets file", faulty.faults) from None


def _secrets_of(top: Table, site: Site) -> SiteSecrets:
    passphrases = top.table("wifi_passphrases")
    secrets = SiteSecrets(
        top.string("password_hash", default="", form=forms.CRYPT_HASH) or None,
        {ssid: passphrases.string(ssid, form=forms.PASSPHRASE) for ssid in passphrases.names()},
    )
    for wifi in site.wifi:
        if wifi.security != "open" and wifi.ssid not in secrets.wifi_passphrases:
            passphrases.fault(
                wifi.ssid, f"The passphrase of {wifi.ssid!r} is missing.", "Add it here."
            )
    return secrets


def site_text(site: Site) -> str:
    """The ``site.toml`` of a site."""
    content: dict[str, Value] = {
        "format": FORMAT,
        "name": site.name,
        "title": site.title,
        "user": {
            "name": site.user.name,
            "authorized_keys": site.user.authorized_keys,
            "passwordless_sudo": site.user.passwordless_sudo,
        },
        "locale": asdict(site.locale),
        "network": _network(site),
    }
    content |= {"time": {"ntp": site.ntp}} if site.ntp else {}
    ssh = {"host_keys": site.host_keys, "keys_only": site.keys_only}
    content |= {"ssh": ssh} if any(ssh.values()) else {}
    content |= {"packages": {"mirror": site.mirror}} if site.mirror else {}
    update = write_source(site.update)
    content |= {"update": update} if update else {}
    content |= {"variables": site.variables} if site.variables else {}
    return dumps(content)


def _network(site: Site) -> dict[str, Value]:
    network: dict[str, Value] = {"country": site.country} if site.country else {}
    network |= {"domain": site.domain} if site.domain else {}
    network["wifi"] = [
        {
            "ssid": wifi.ssid,
            "security": wifi.security,
            "hidden": wifi.hidden,
            **({"deal": True} if wifi.ssid in site.dealt else {}),
        }
        for wifi in site.wifi
    ]
    return network


def secrets_text(secrets: SiteSecrets) -> str:
    """The ``secrets.toml`` of a site; its key is not in it."""
    hashed: dict[str, Value] = (
        {"password_hash": secrets.password_hash} if secrets.password_hash else {}
    )
    return dumps({"format": FORMAT, **hashed, "wifi_passphrases": secrets.wifi_passphrases})
