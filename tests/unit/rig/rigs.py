"""Rigs as they ship, and profiles and sites to change."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from autosetup.payload import Locale, User, Wifi
from flasher import paths
from flasher.rig.passwords import hash_password
from flasher.rig.profile import load_profile
from flasher.rig.rigmap import RigMap, lay_out
from flasher.rig.site import Site, SiteSecrets, load_site

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


def rig(profile: str = "body-16x7") -> RigMap:
    return lay_out(load_profile(profile), *load_site("demo"))


def edited(tmp_path: Path, old: str, new: str) -> Path:
    folder = tmp_path / "profile"
    shutil.copytree(paths.assets() / "profiles" / "body-16x7", folder)
    file = folder / "profile.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    return file


def new_site() -> tuple[Site, SiteSecrets]:
    site = Site(
        name="studio",
        title="",
        user=User("scanner"),
        country="DE",
        wifi=(Wifi('Ring "5"\\', hidden=True), Wifi("Café 📶", "sae")),
        locale=Locale("de_DE.UTF-8", "de", "Europe/Berlin"),
        digest="",
        path=Path(),
        domain="studio.example",
        ntp=("192.0.2.1",),
        variables={"broker": "central"},
    )
    passphrases = {'Ring "5"\\': 'pa"ss\\word', "Café 📶": "long enough"}
    return site, SiteSecrets(hash_password("secret"), passphrases)
