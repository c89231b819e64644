"""The site: the surroundings of one installation, in two files, one of which holds the secrets."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from autosetup import forms
from autosetup.faults import Faulty
from autosetup.payload import Locale, User, Wifi
from autosetup.strict import Table, pattern, reading
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

FILE, SECRETS_FILE = "site.toml", "secrets.toml"

# What a node refuses is refused here already: the forms are the agent's own.
COUNTRY = pattern("|".join(sorted(forms.COUNTRIES)), "the two capital letters of a country: DE, GB")
USER_NAME, PASSWORD_HASH = forms.USER_NAME, forms.CRYPT_HASH
LANGUAGE, KEYBOARD, TIMEZONE = forms.LANGUAGE, forms.KEYBOARD, forms.TIMEZONE
PASSPHRASE = forms.PASSPHRASE
PUBLIC_KEY = pattern(
    r"(ssh-(ed25519|rsa)|ecdsa-sha2-nistp\d+|sk-\S+) [A-Za-z0-9+/]+={0,3}( .*)?",
    "a public key in one line, as in ~/.ssh/id_ed25519.pub",
)
_SSID_OCTETS = 32


@dataclass(frozen=True, slots=True)
class Site:
    """What all nodes of one installation share; `digest` is the sha256 of ``site.toml``."""

    name: str
    title: str
    user: User
    country: str | None
    wifi: tuple[Wifi, ...]
    locale: Locale
    digest: str
    path: Path


@dataclass(frozen=True, slots=True, repr=False)
class SiteSecrets:
    """What must not be seen: no `repr`, so that it never lands in a log."""

    password_hash: str | None
    wifi_passphrases: dict[str, str]


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
    return site, _read_secrets(secrets_path, read_bytes("site", secrets_path), site)


def save_site(site: Site, secrets: SiteSecrets) -> Path:
    """Write a new site on the user's shelf; the path of its ``site.toml``.

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
    write_atomic(folder / SECRETS_FILE, secrets_raw, mode=0o600)
    write_atomic(folder / FILE, site_raw)
    return folder / FILE


def _read_site(path: Path, raw: bytes) -> Site:
    with reading_document("site", path, raw) as top:
        network, locale = top.table("network"), top.table("locale")
        site = Site(
            name=top.string("name", form=NAME),
            title=top.string("title", default=""),
            user=_read_user(top.table("user")),
            country=network.string("country", default="", form=COUNTRY) or None,
            wifi=tuple(_read_wifi(table) for table in network.tables("wifi")),
            locale=Locale(
                locale.string("language", default="C.UTF-8", form=LANGUAGE),
                locale.string("keyboard", default="us", form=KEYBOARD),
                locale.string("timezone", default="Etc/UTC", form=TIMEZONE),
            ),
            digest=hashlib.sha256(raw).hexdigest(),
            path=path,
        )
        if site.wifi and not site.country:
            network.fault(
                "country", "country is missing.", "Wifi needs it: the radio stays off without."
            )
    return site


def _read_user(table: Table) -> User:
    return User(
        name=table.string("name", form=USER_NAME),
        authorized_keys=table.strings("authorized_keys", default=(), form=PUBLIC_KEY),
        passwordless_sudo=table.boolean("passwordless_sudo", default=False),
    )


def _read_wifi(table: Table) -> Wifi:
    ssid = table.string("ssid")
    if not 0 < len(ssid.encode()) <= _SSID_OCTETS:
        table.fault(
            "ssid", f"ssid {ssid!r} has {len(ssid.encode())} bytes.", "1 to 32 are allowed."
        )
    security = table.string("security", default="wpa-psk", choices=("wpa-psk", "sae", "open"))
    hidden = table.boolean("hidden", default=False)
    # The loader has refused every other word; the type checker cannot know.
    return Wifi(ssid, security, hidden)  # type: ignore[arg-type]


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


def _quoted(text: str) -> str:
    # A JSON string is a TOML basic string once the delete character is escaped too.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _site_text(site: Site) -> str:
    lines = [
        f"format = {FORMAT}",
        f"name = {_quoted(site.name)}",
        f"title = {_quoted(site.title)}",
        "\n[user]",
        f"name = {_quoted(site.user.name)}",
        f"authorized_keys = [{', '.join(map(_quoted, site.user.authorized_keys))}]",
        f"passwordless_sudo = {str(site.user.passwordless_sudo).lower()}",
        "\n[locale]",
        f"language = {_quoted(site.locale.language)}",
        f"keyboard = {_quoted(site.locale.keyboard)}",
        f"timezone = {_quoted(site.locale.timezone)}",
        "\n[network]",
        *([f"country = {_quoted(site.country)}"] if site.country else []),
    ]
    for wifi in site.wifi:
        lines += [
            "\n[[network.wifi]]",
            f"ssid = {_quoted(wifi.ssid)}",
            f"security = {_quoted(wifi.security)}",
            f"hidden = {str(wifi.hidden).lower()}",
        ]
    return "\n".join(lines) + "\n"


def _secrets_text(secrets: SiteSecrets) -> str:
    lines = [f"format = {FORMAT}"]
    if secrets.password_hash:
        lines.append(f"password_hash = {_quoted(secrets.password_hash)}")
    lines.append("\n[wifi_passphrases]")
    lines += [f"{_quoted(ssid)} = {_quoted(p)}" for ssid, p in secrets.wifi_passphrases.items()]
    return "\n".join(lines) + "\n"
