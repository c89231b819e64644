"""A scanner and a site whose cards say what most cards say; quick for an emulated computer."""

from __future__ import annotations

import shutil
from pathlib import Path

from flasher import paths

_SITE = """\
format = 1
name = "trial"
[user]
name = "scanner"
authorized_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEe2yVYZ8hxIyGkbbSPPMzLNEYKUvJqJdmTDoSbDoKvF bench"]
[locale]
language = "C.UTF-8"
keyboard = "de"
timezone = "Europe/Berlin"
[network]
country = "DE"
domain = "rig.example"
[[network.wifi]]
ssid = "65;66; Café"
[time]
ntp = ["192.0.2.1"]
[ssh]
host_keys = true
"""  # noqa: E501
PASSPHRASE = "a passphrase of the trial"
_SECRETS = f"""\
format = 1
password_hash = "$6$saltsalt${"h" * 86}"
[wifi_passphrases]
"65;66; Café" = "{PASSPHRASE}"
"""
_ROLE = """
[[role.file]]
path = "/etc/scanner/broker.conf"
source = "broker.conf.mustache"
[[role.script]]
source = "counted.sh"
[role.boot]
config = ["dtparam=i2c_arm=on"]
cmdline = ["consoleblank=0"]
"""


def write_scanner(folder: Path, package: bytes) -> tuple[Path, Path]:
    """The profile that ships, with more for its cameras, and a site: both folders.

    Args:
        package: a `.deb` that the cards bring along.
    """
    scanner, site = folder / "scanner", folder / "site"
    shutil.copytree(paths.assets() / "profiles/body-16x7", scanner)
    profile, cameras = scanner / "profile.toml", 'groups = ["video"]\n'
    text = profile.read_text().replace(cameras, f'{cameras}packages = ["rig-tools.deb"]\n')
    profile.write_text(text + _ROLE)
    (scanner / "broker.conf.mustache").write_text("{{fqdn}}{{#ntp}} {{.}}{{/ntp}}\n")
    (scanner / "counted.sh").write_text("#!/bin/sh\necho x > /var/lib/counted\n")
    (scanner / "rig-tools.deb").write_bytes(package)
    site.mkdir()
    (site / "site.toml").write_text(_SITE)
    (site / "secrets.toml").write_text(_SECRETS)
    return scanner, site
