"""Payloads for the tests of the agent: a full one, and random valid ones."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import strategies as st

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
from autosetup.settings import Health, Serves
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


def packed(
    settings: NodeSettings = SETTINGS,
    secrets: Secrets = SECRETS,
    files: Mapping[str, bytes] = FILES,
    generation: int = GENERATION,
) -> dict[str, bytes]:
    """The files of a payload; the full one where nothing else is said."""
    return pack(
        settings,
        secrets,
        files,
        generation=generation,
        card_id="0123456789abcdef0123456789abcdef",
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


_plain = st.characters(
    exclude_categories=("Cc", "Cs"), exclude_characters="\u201c\u201d\u201e\u201f«»"
)
_ssids = st.text(_plain, min_size=1, max_size=32).filter(
    lambda ssid: len(ssid.encode()) <= 32 and not ssid.startswith("hex:")
)
_names = st.from_regex(r"[a-z_][a-z0-9_-]{0,31}", fullmatch=True).filter(lambda n: n != "root")
_parts = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,9}", fullmatch=True)


@st.composite
def payloads(draw: st.DrawFn) -> tuple[NodeSettings, Secrets, dict[str, bytes]]:
    """Random valid settings, with the secrets and files that fit them."""
    users = draw(st.lists(_names, max_size=3, unique=True))
    wifi = draw(
        st.lists(
            st.builds(Wifi, _ssids, st.sampled_from(["wpa-psk", "sae", "open"]), st.booleans()),
            max_size=4,
            unique_by=lambda network: network.ssid,
        )
    )
    sources = draw(st.lists(_parts, max_size=3, unique_by=str.lower))
    scripts = draw(st.lists(st.from_regex(r"[0-9]{2}-[a-z]{1,9}", fullmatch=True), unique=True))
    phrases = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=8, max_size=63)
    settings = NodeSettings(
        name=draw(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)),
        role="camnode",
        position=draw(st.text(_plain, max_size=20)),
        users=tuple(User(name, draw(st.sampled_from([(), ("video",)]))) for name in users),
        country=draw(st.sampled_from([None, "DE", "GB"])),
        domain=draw(st.sampled_from(["", "a", "studio.example.org"])),
        time=draw(st.sampled_from([Time(), Time(("2001:db8::1", "ntp.example"), serve=True)])),
        wired=(wired := draw(st.sampled_from([None, SERVER, SETTINGS.wired]))),
        serves=draw(st.sampled_from([None, Serves(), SERVES])) if wired == SERVER else None,
        keys_only=draw(st.booleans()),
        variables=draw(st.dictionaries(st.sampled_from(["broker", "x_1"]), st.text(_plain))),
        wifi=tuple(wifi),
        files=tuple(
            InstalledFile(f"/etc/{name}", f"files/{name}", draw(st.integers(0, 0o7777)))
            for name in sources
        ),
        services=draw(st.sampled_from([Services(), Services(("a.service",), ("b.timer",))])),
        scripts=tuple(Script(f"scripts/{name}", draw(st.integers(1, 86400))) for name in scripts),
        health=Health(tuple(f"health/{name}" for name in scripts), draw(st.integers(1, 3600))),
    )
    secrets = Secrets(
        draw(st.binary(min_size=32, max_size=32)),
        {name: HASH for name in users if draw(st.booleans())},
        {w.ssid: draw(phrases) for w in wifi if w.security != "open"},
        user_keys={name: USER_KEY for name in users if draw(st.booleans())},
    )
    files = {f"files/{name}": draw(st.binary(max_size=9)) for name in sources}
    programs = (f"{folder}/{name}" for folder in ("scripts", "health") for name in scripts)
    return settings, secrets, files | dict.fromkeys(programs, b"#!/bin/sh\n")
