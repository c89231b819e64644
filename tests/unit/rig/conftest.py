"""A rig with a network of its own, and the payloads of its nodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autosetup.payload import Locale, Payload, User, Wifi, unpack
from flasher.rig.node_payload import CardIdentity, compose
from flasher.rig.profile import load_profile
from flasher.rig.rigmap import RigMap, lay_out
from flasher.rig.site import Site, SiteSecrets, load_site, save_site

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIFdeBS4myjxYjsaLYVC2kLxcgWIEGDZXGJ8i+VLI6jQ developer"
PROFILE = """
format = 1
name = "field"
title = "Field"

[[role]]
name = "central"
title = "Central node"
node = "central"
position = "CENTRAL"
[role.wired]
addresses = ["10.40.0.1/16"]
[role.serves]
leases = ["10.40.250.1", "10.40.250.99"]

[[role]]
name = "camera"
title = "Camera"
columns = 5
rows = 3
node = "cam-{column}{row}"
position = "C{column}R{row}"
reached_from = "central"
[role.wired]
addresses = ["10.40.{column}.{row}/16"]
"""
SITE = Site(
    name="field",
    title="",
    user=User("scanner", authorized_keys=(KEY,)),
    country="US",
    wifi=(),
    locale=Locale(),
    digest="",
    path=Path(),
    domain="rig.example",
    ntp=("192.0.2.1",),
)

MakeRig = Callable[..., RigMap]


@pytest.fixture
def make_rig(tmp_path: Path) -> MakeRig:
    """Lays out `PROFILE`, each text of which can be changed, at `SITE` with these changes."""

    def make(*edits: tuple[str, str], **site: object) -> RigMap:
        text = PROFILE
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "profile.toml"
        path.write_text(text)
        wanted: Site = replace(SITE, **site)  # type: ignore[arg-type]
        secured = [w.ssid for w in wanted.wifi if w.security != "open"]
        saved = SiteSecrets(None, dict.fromkeys(secured, "long enough"))
        return lay_out(load_profile(str(path)), *load_site(str(save_site(wanted, saved))))

    return make


def payload(rig: RigMap, node: str) -> Payload:
    """The payload of a node."""
    identity = CardIdentity.fresh(datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC))
    return unpack(compose(rig, rig.find(node), identity, "0" * 64))


def networks(count: int, **deal: object) -> dict[str, object]:
    """The part of a site with so many wifi networks, all of them dealt out."""
    names = tuple(f"Field {letter}" for letter in "ABCDEFGH"[:count])
    return {"wifi": tuple(Wifi(name) for name in names), "dealt": names} | deal
