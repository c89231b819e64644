"""The site: the surroundings of one installation, in two files, one of which holds the secrets."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from autosetup import forms
from autosetup.faults import Faulty
from autosetup.node_network import read_servers, read_wifi
from autosetup.node_tables import read_keys, read_mirror, read_variables, unique
from autosetup.payload import Locale, User, Wifi
from autosetup.strict import Table, pattern, reading
from autosetup.toml_writer import Value, dumps
from flasher import paths
from flasher.errors import BadDocument, BadInput
from flasher.files import write_atomic
from flasher.rig.documents import (
    FORMAT,
    NAME,
    find_document,
    list_documents,
    read_bytes,
    reading_document,
)
from flasher.rig.signing import SiteSigner, load_signer, make_signer

FILE, SECRETS_FILE = "site.toml", "secrets.toml"

# What a node refuses is refused here already: the forms are the agent's own.
COUNTRY = pattern("|".join(sorted(forms.COUNTRIES)), "the two capital letters of a country: DE, GB")
USER_NAME, PASSWORD_HASH = forms.USER_NAME, forms.CRYPT_HASH
LANGUAGE, KEYBOARD, TIMEZONE = forms.LANGUAGE, forms.KEYBOARD, forms.TIMEZONE
PASSPHRASE = forms.PASSPHRASE


@dataclass(frozen=True, slots=True)
class Site:
    """What all nodes of one installation share; `digest` is the sha256 of ``site.toml``.

    Attributes:
        domain: of the network; may be empty.
        ntp: names or addresses of time servers; empty leaves the image's own.
        variables: further values for templates.
        mirror: where packages come from; empty leaves the image's own sources.
        host_keys: each card brings its node's SSH host key, so that the ledger knows it.
        keys_only: SSH takes keys only, and no password.
        dealt: names of the networks of which each node joins one.
    """

    name: str
    title: str
    user: User
    country: str | None
    wifi: tuple[Wifi, ...]
    locale: Locale
    digest: str
    path: Path
    domain: str = ""
    ntp: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    host_keys: bool = False
    keys_only: bool = False
    dealt: tuple[str, ...] = ()
    mirror: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class SiteSecrets:
    """What must not be seen: no `repr`, so that it never lands in a log.

    Attributes:
        signer: signs the site's cards; None for a site of an earlier version, or one that ships.
    """

    password_hash: str | None
    wifi_passphrases: dict[str, str]
    signer: SiteSigner | None = None


def key_complaint(line: str) -> str | None:
    """Say what is wrong with somebody's public key; None where it is sound.

    It has no options: a rig adds its own.
    """
    wrong = forms.authorized_key_complaint(line)
    return "Leave out what stands before the kind of key." if line.startswith("from=") else wrong


def shelves() -> list[Path]:
    """Folders that hold sites: the user's own before those that ship."""
    return [paths.data() / "sites", paths.assets() / "sites"]


def list_sites() -> list[str]:
    """Names of all sites on this computer."""
    return list_documents(FILE, shelves())


def load_site(name_or_path: str) -> tuple[Site, SiteSecrets]:
    """Read a site and its secrets.

    Raises:
        BadInput: there is none of that name.
        BadDocument: one of its two files has faults, all listed.
    """
    path = find_document("site", name_or_path, FILE, shelves())
    site = _read_site(path, read_bytes("site", path))
    secrets_path = path.with_name(SECRETS_FILE)
    if not secrets_path.exists():
        raise BadInput(
            "no-site-secrets",
            f"The site {site.name} has no {SECRETS_FILE} beside it, in {path.parent}.",
            "Create it with `flasher site new`, or by hand after the one of the site demo.",
        )
    secrets = _read_secrets(secrets_path, read_bytes("site", secrets_path), site)
    return site, replace(secrets, signer=load_signer(path.parent, site.name))


def save_site(site: Site, secrets: SiteSecrets) -> Path:
    """Write a new site on the user's shelf, with a key of its own; the path of its ``site.toml``.

    Raises:
        BadInput: a site of that name is there already; it is not touched.
        BadDocument: it could not be read back; nothing is written.
    """
    folder = paths.data() / "sites" / site.name
    if (folder / FILE).exists():
        raise BadInput(
            "site-exists",
            f"A site {site.name!r} lies in {folder}.",
            "Choose another name, or edit its site.toml.",
        )
    site_raw, secrets_raw = _site_text(site).encode(), _secrets_text(secrets).encode()
    _read_secrets(folder / SECRETS_FILE, secrets_raw, _read_site(folder / FILE, site_raw))
    paths.make_folder(folder)
    if load_signer(folder, site.name) is None:
        make_signer(folder, site.name)
    write_atomic(folder / SECRETS_FILE, secrets_raw, mode=0o600)
    write_atomic(folder / FILE, site_raw)
    paths.hand_over(folder / SECRETS_FILE, folder / FILE)
    return folder / FILE


def _read_site(path: Path, raw: bytes) -> Site:
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
                locale.string("language", default="C.UTF-8", form=LANGUAGE),
                locale.string("keyboard", default="us", form=KEYBOARD),
                locale.string("timezone", default="Etc/UTC", form=TIMEZONE),
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
        )
        if site.wifi and not site.country:
            network.fault(
                "country", "country is missing.", "Wifi needs it: the radio stays off without."
            )
        if site.keys_only and not site.user.authorized_keys:
            ssh.fault("keys_only", "Nobody has a key.", "Add authorized_keys under [user].")
    return site


def _read_user(table: Table) -> User:
    return User(
        name=table.string("name", form=USER_NAME),
        authorized_keys=read_keys(table, key_complaint),
        passwordless_sudo=table.boolean("passwordless_sudo", default=False),
    )


def _read_secrets(path: Path, raw: bytes, site: Site) -> SiteSecrets:
    try:
        with reading(str(path), raw, secret=True) as top:
            top.integer("format", low=FORMAT, high=FORMAT)
            return _secrets_of(top, site)
    except Faulty as faulty:
        raise BadDocument("site's secrets file", faulty.faults) from None


def _secrets_of(top: Table, site: Site) -> SiteSecrets:
    passphrases = top.table("wifi_passphrases")
    secrets = SiteSecrets(
        top.string("password_hash", default="", form=PASSWORD_HASH) or None,
        {ssid: passphrases.string(ssid, form=PASSPHRASE) for ssid in passphrases.names()},
    )
    for wifi in site.wifi:
        if wifi.security != "open" and wifi.ssid not in secrets.wifi_passphrases:
            passphrases.fault(
                wifi.ssid, f"The passphrase of {wifi.ssid!r} is missing.", "Add it here."
            )
    return secrets


def _site_text(site: Site) -> str:
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
        "network": network,
    }
    content |= {"time": {"ntp": site.ntp}} if site.ntp else {}
    ssh = {"host_keys": site.host_keys, "keys_only": site.keys_only}
    content |= {"ssh": ssh} if any(ssh.values()) else {}
    content |= {"packages": {"mirror": site.mirror}} if site.mirror else {}
    content |= {"variables": site.variables} if site.variables else {}
    return dumps(content)


def _secrets_text(secrets: SiteSecrets) -> str:
    hashed: dict[str, Value] = (
        {"password_hash": secrets.password_hash} if secrets.password_hash else {}
    )
    return dumps({"format": FORMAT, **hashed, "wifi_passphrases": secrets.wifi_passphrases})
