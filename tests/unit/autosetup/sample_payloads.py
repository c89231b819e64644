"""Payloads for the tests of the agent."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from autosetup.host_key import key_body
from autosetup.manifest import MANIFEST, SIGNATURE, SITE_KEY
from autosetup.payload import (
    InstalledFile,
    Locale,
    NodeSettings,
    Script,
    Secrets,
    Services,
    Time,
    User,
    Wifi,
    Wired,
    pack,
)
from autosetup.settings import Serves
from autosetup.site_key import SiteKey

HASH = "$6$saltsalt$" + "h" * 86


def public_key(kind: str = "ssh-ed25519", inside: str | None = None) -> str:
    """A public key line whose blob names `inside` as its type."""
    name = (inside or kind).encode()
    blob = len(name).to_bytes(4, "big") + name + (32).to_bytes(4, "big") + bytes(32)
    return f"{kind} {base64.b64encode(blob).decode()} technician@laptop"


SETTINGS = NodeSettings(
    name="cam-0101",
    role="camnode",
    position="SEG1-CAM1",
    users=(User("scan", ("video", "i2c"), (public_key(),), passwordless_sudo=True),),
    country="DE",
    domain="rig.example",
    time=Time(("central", "192.0.2.1")),
    variables={"broker": "central"},
    wifi=(
        Wifi("65;66;"),
        Wifi(" a\\sb🦊 ", "sae", hidden=True),
        Wifi("guest", "open"),
        Wifi("hex:ff00"),
    ),
    wired=Wired(("192.168.40.7/24", "2001:db8::7/64"), "192.168.40.1", ("192.168.40.1",)),
    locale=Locale("de_DE.UTF-8", "de", "Europe/Berlin"),
    files=(
        InstalledFile("/etc/motd", "files/motd", 0o600, "scan", "video"),
        InstalledFile("/etc/rig.conf", "templates/rig.conf.mustache"),
    ),
    services=Services(("capture.service",), ("preview.service",)),
    scripts=(Script("scripts/10-hello", 5),),
)
SECRETS = Secrets(
    bytes(range(32)),
    {"scan": HASH},
    {"65;66;": "correct horse", " a\\sb🦊 ": 'quote " and \\ slash', "hex:ff00": "no text at all"},
    sealing_key=f"{'A' * 42}E=",
    report_key=f"{'B' * 42}E=",
)
FILES = {
    "files/motd": b"hello\n",
    "templates/rig.conf.mustache": b"{{fqdn}} & {{broker}}\n{{#ntp}}\n- {{.}}\n{{/ntp}}\n",
    "scripts/10-hello": b"#!/bin/sh\necho hello\n",
}

SERVER = Wired(("10.0.0.1/8",))
SERVES = Serves(("10.0.0.2", "10.0.0.9"), 96, ("9.9.9.9",), {"cam-1": "10.1.1.1", "b": "fd00::1"})
USER_KEY = key_body(bytes(32), bytes(range(32)))


GENERATION = 1795233590
CARD_ID = "0123456789abcdef0123456789abcdef"


def packed(
    settings: NodeSettings = SETTINGS,
    secrets: Secrets = SECRETS,
    files: Mapping[str, bytes] = FILES,
    generation: int = GENERATION,
    card_id: str = CARD_ID,
) -> dict[str, bytes]:
    """The files of a payload; the full one where nothing else is said."""
    return pack(
        settings,
        secrets,
        files,
        generation=generation,
        card_id=card_id,
        profile_digest="1" * 64,
        site_digest="2" * 64,
        flashed_at="2026-11-21T03:39:50Z",
        image_digest="3" * 64,
    )


# Two sites' keys; the same in every run.
SITE_SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


def site_key(signer: Ed25519PrivateKey, comment: str = "") -> SiteKey:
    """The public half of a site's key."""
    return SiteKey(signer.public_key().public_bytes_raw(), comment)


def sealed(
    raw: Mapping[str, bytes] | None = None, signer: Ed25519PrivateKey = SITE_SIGNER
) -> dict[str, bytes]:
    """The files of a payload, the full one by default, with a site's signature."""
    files = packed() if raw is None else raw
    line = f"{site_key(signer, 'studio').line}\n"
    return {**files, SIGNATURE: signer.sign(files[MANIFEST]), SITE_KEY: line.encode()}
