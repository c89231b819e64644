"""The site as a value: the surroundings of one installation, and its secrets apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from autosetup.payload import Locale, User, Wifi
from autosetup.settings import Update
from flasher.rig.signing import SiteSigner

USUAL_USER = "scanner"  # who logs in on nodes, where nobody says otherwise


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
        update: how its nodes are kept up to date; its `site` and `authority` are empty here.
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
    update: Update = field(default_factory=Update)


@dataclass(frozen=True, slots=True, repr=False)
class SiteSecrets:
    """What must not be seen: no `repr`, so that it never lands in a log.

    Attributes:
        signer: signs the site's cards; None for a site of an earlier version, or one that ships.
    """

    password_hash: str | None
    wifi_passphrases: dict[str, str]
    signer: SiteSigner | None = None
