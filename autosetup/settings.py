"""What one node shall be: the values that a payload carries, free of any file format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from autosetup.host_key import key_lines
from autosetup.software import Software

Security = Literal["wpa-psk", "sae", "open"]
SystemPackages = Literal["none", "security", "all"]
# What a name that is no text begins with.
HEX = "hex:"
# Shorter pieces of a key tell nothing, and stand in other words too.
_TELLING = 16
SECURITIES: tuple[Security, ...] = ("wpa-psk", "sae", "open")
SYSTEM_PACKAGES: tuple[SystemPackages, ...] = ("none", "security", "all")


@dataclass(frozen=True, slots=True)
class User:
    """A person's account.

    Attributes:
        name: 1 to 32 of ``a-z 0-9 _ -``, beginning with a letter or ``_``; never ``root``.
        groups: supplementary groups; those that the node lacks are made.
        authorized_keys: OpenSSH public keys, ``[from="address,…"] type base64 [comment]``.
        passwordless_sudo: may become root without being asked.
    """

    name: str
    groups: tuple[str, ...] = ()
    authorized_keys: tuple[str, ...] = ()
    passwordless_sudo: bool = False


@dataclass(frozen=True, slots=True)
class Wifi:
    """A wireless network; the passphrase is a secret.

    Attributes:
        ssid: 1 to 32 octets of UTF-8; for names of another kind ``hex:`` and their octets as hex.
    """

    ssid: str
    security: Security = "wpa-psk"
    hidden: bool = False

    @property
    def octets(self) -> bytes:
        """The name as it goes through the air; nothing where the hex digits are spoiled."""
        if not self.ssid.startswith(HEX):
            return self.ssid.encode()
        try:
            return bytes.fromhex(self.ssid.removeprefix(HEX))
        except ValueError:
            return b""


@dataclass(frozen=True, slots=True)
class Wired:
    """Fixed addresses of the wired network: IPv4 or IPv6, each with its prefix, as ``10.0.0.7/24``.

    Attributes:
        gateway: the router; may be empty.
        dns: servers for names.
    """

    addresses: tuple[str, ...]
    gateway: str = ""
    dns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Locale:
    """Language (a glibc locale), keyboard (an XKB layout) and timezone (an IANA name)."""

    language: str = "C.UTF-8"
    keyboard: str = "us"
    timezone: str = "Etc/UTC"


@dataclass(frozen=True, slots=True)
class Boot:
    """Lines of config.txt and words of cmdline.txt, in force from the next start on."""

    config: tuple[str, ...] = ()
    cmdline: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Time:
    """Where time comes from: names or addresses of servers, and whether this node is one itself.

    Attributes:
        ntp: asked in this order; empty leaves the image's own.
        serve: other nodes may ask this one, whether or not it has heard the time from another.
    """

    ntp: tuple[str, ...] = ()
    serve: bool = False


@dataclass(frozen=True, slots=True)
class Serves:
    """What a central node does for the others on its wired network: names, and addresses by DHCP.

    Attributes:
        leases: first and last IPv4 address for whoever asks; empty where none are given.
        lease_hours: how long one may be kept, 1 to 8760.
        dns: asked for names that are not the rig's; empty for those that the node itself asks.
        hosts: fixed addresses by the names of nodes.
    """

    leases: tuple[str, ...] = ()
    lease_hours: int = 12
    dns: tuple[str, ...] = ()
    hosts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Packages:
    """Packages of the distribution, beside those that the payload brings.

    Attributes:
        names: of packages, of any version.
        mirror: address of an archive of the image's own distribution; where empty, the image's
            own sources are asked.
    """

    names: tuple[str, ...] = ()
    mirror: str = ""


@dataclass(frozen=True, slots=True)
class InstalledFile:
    """A file of the payload and where it goes; `mode` is the permission bits, 0 to 0o7777.

    A source below ``templates/`` is filled in with the node's variables. Units in `restarts` that
    run are started anew when the file was changed.
    """

    path: str
    source: str
    mode: int = 0o644
    owner: str = "root"
    group: str = "root"
    restarts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Services:
    """Systemd units to switch on or off, for now and for every boot."""

    enable: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """A program run once, as root; killed after `timeout_seconds` (1 to 86400)."""

    source: str
    timeout_seconds: int = 600


@dataclass(frozen=True, slots=True)
class Health:
    """How a node proves itself once all is applied.

    Attributes:
        checks: programs of the payload that end with 0 when all is well; run as root.
        seconds: what fails is tried again for so long (1 to 3600), from the first failure on.
        timeout_seconds: a check that takes longer has failed (1 to 600).
    """

    checks: tuple[str, ...] = ()
    seconds: int = 60
    timeout_seconds: int = 10


@dataclass(frozen=True, slots=True)
class Update:
    """Where a node finds what is new, and to whom it tells how it is.

    Attributes:
        site: whose releases it takes; where empty, it takes none and reports to nobody.
        source: address of the repository of releases; where empty, the node looks for one on its
            network and on sticks.
        board: address to which it reports; where empty, the node looks for one on its network.
        authority: the site's certificate, in PEM, that vouches for both; may be empty.
        every_minutes: how often it looks, 1 to 10080.
        packages: which of the image's own packages are brought up to date.
    """

    site: str = ""
    source: str = ""
    board: str = ""
    authority: str = ""
    every_minutes: int = 60
    packages: SystemPackages = "none"


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """Everything about a node that is no secret.

    Attributes:
        name: host name, one RFC 1123 label in lower case.
        role: what the rig uses it for, such as ``camnode``.
        position: where it stands in the rig, as the rig map writes it; may be empty.
        country: ISO 3166 code that the radio must obey; None leaves it alone.
        domain: of the network, such as ``studio.example.org``; may be empty.
        wired: None leaves the wired network to the image, which asks for an address.
        time: where the clock gets its time from.
        serves: what it does for other nodes; None for nothing.
        keys_only: SSH takes keys only, and no password.
        boot: what the firmware and the kernel are told.
        variables: further values for templates, by name.
        update: how it is kept up to date.
        software: trees of files, each put in place as a whole.
    """

    name: str
    role: str
    position: str = ""
    users: tuple[User, ...] = ()
    country: str | None = None
    domain: str = ""
    wifi: tuple[Wifi, ...] = ()
    wired: Wired | None = None
    time: Time = field(default_factory=Time)
    serves: Serves | None = None
    keys_only: bool = False
    boot: Boot = field(default_factory=Boot)
    variables: Mapping[str, str] = field(default_factory=dict)
    locale: Locale = field(default_factory=Locale)
    packages: Packages = field(default_factory=Packages)
    files: tuple[InstalledFile, ...] = ()
    services: Services = field(default_factory=Services)
    scripts: tuple[Script, ...] = ()
    health: Health = field(default_factory=Health)
    update: Update = field(default_factory=Update)
    software: tuple[Software, ...] = ()


@dataclass(frozen=True, slots=True)
class Secrets:
    """Everything about a node that is a secret.

    Attributes:
        nonce: 32 random bytes, so that the digest of the file tells nothing.
        password_hashes: crypt(5) hash by user name.
        wifi_passphrases: by SSID; 8 to 63 printable ASCII characters, or the key as 64 hex digits.
        host_key: an SSH host key, see `host_key`; where empty, the node makes its own.
        user_keys: SSH keys by user name, of the same form, by which they reach other nodes.
        sealing_key: the card's private X25519 key, 32 bytes in base64: opens what is sealed for it.
        report_key: the card's private Ed25519 key, of the same form: signs what the node reports.
            Where a key is empty, the one that this card brought before counts on.
    """

    nonce: bytes = field(repr=False)
    password_hashes: Mapping[str, str] = field(default_factory=dict, repr=False)
    wifi_passphrases: Mapping[str, str] = field(default_factory=dict, repr=False)
    host_key: str = field(default="", repr=False)
    user_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    sealing_key: str = field(default="", repr=False)
    report_key: str = field(default="", repr=False)

    def values(self) -> tuple[str, ...]:
        """Every text that must never be shown, also as it stands in files that are made of it."""
        phrases = tuple(self.wifi_passphrases.values())
        keys = tuple(filter(None, (self.host_key, *self.user_keys.values())))
        return (
            self.nonce.hex(),
            *self.password_hashes.values(),
            *phrases,
            *(phrase.replace("\\", "\\\\") for phrase in phrases),
            *keys,
            *filter(None, (self.sealing_key, self.report_key)),
            *(line for key in keys for line in key_lines(key) if len(line) >= _TELLING),
        )


@dataclass(frozen=True, slots=True)
class FileRecord:
    """Size in bytes and SHA-256 (hex) of one file of the payload."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was put on the card, when, and for whom.

    Attributes:
        format: version of the payload's layout; this program knows 1.
        generation: the UTC second in which the card was planned.
        node: the node's name.
        card_id: 32 hex digits, random, new for every card.
        profile_digest, site_digest, image_digest: SHA-256 as 64 hex digits.
        flashed_at: UTC, ``2026-11-21T03:39:50Z``.
        files: every other file of the payload, by its path in the folder.
    """

    format: int
    generation: int
    node: str
    card_id: str
    profile_digest: str
    site_digest: str
    flashed_at: str
    image_digest: str
    files: Mapping[str, FileRecord]
