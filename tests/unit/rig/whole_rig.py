"""A profile and a site with all that they can say."""

from __future__ import annotations

from pathlib import Path

from flasher.rig.profile import load_profile
from flasher.rig.rigmap import RigMap, lay_out
from flasher.rig.signing import make_signer
from flasher.rig.site import load_site
from tests.unit.autosetup.sample_payloads import HASH, public_key

_FILES = {
    "profile/check.sh": "#!/bin/sh\n",
    "profile/x.conf.mustache": "{{name}} {{broker}} {{place}}\n",
    "profile/debs/a_1_all.deb": "",
    "profile/profile.toml": """\
format = 1
name = "field"
title = "Field"
description = "x"

[[role]]
name = "central"
title = "Central node"
does = "serves"
node = "central"
position = "CENTRAL"
groups = ["video"]
packages = ["i2c-tools", "debs/a_1_all.deb"]
[role.wired]
addresses = ["10.40.0.1/16", "fd00::1/64"]
gateway = "10.40.0.254"
dns = ["9.9.9.9"]
[role.serves]
leases = ["10.40.250.1", "10.40.250.99"]
lease_hours = 5
dns = ["9.9.9.9"]
[role.time]
ntp = ["192.0.2.7", "ntp.example"]
serve = true
[role.boot]
config = ["dtparam=spi=on"]
cmdline = ["consoleblank=0"]
[role.variables]
place = "row {row}"
[role.services]
enable = ["a.service"]
disable = ["b.service"]
[role.health]
checks = ["check.sh"]
seconds = 5
timeout_seconds = 3
[[role.file]]
path = "/etc/x.conf"
source = "x.conf.mustache"
mode = "0640"
owner = "root"
group = "video"
restarts = ["x.service"]
[[role.script]]
source = "check.sh"
timeout_seconds = 9

[[role]]
name = "camera"
title = "Camera"
columns = 5
rows = 3
node = "cam-{column}{row:02}"
position = "C{column}R{row}-{number:03}"
reached_from = "central"
[role.wired]
addresses = ["10.40.{column}.{row}/16"]
""",
    "site/site.toml": f"""\
format = 1
name = "field"
title = "x"
[user]
name = "scanner"
authorized_keys = ["{public_key()}"]
passwordless_sudo = true
[locale]
language = "en_GB.UTF-8"
keyboard = "gb"
timezone = "Europe/Berlin"
[network]
country = "DE"
domain = "rig.example"
[[network.wifi]]
ssid = "Scanner Demo"
deal = true
[[network.wifi]]
ssid = "hex:ff00"
security = "sae"
hidden = true
deal = true
[time]
ntp = ["192.0.2.1"]
[ssh]
host_keys = true
keys_only = true
[packages]
mirror = "http://controller/debian"
[variables]
broker = "central"
""",
    "site/secrets.toml": f"""\
format = 1
password_hash = "{HASH}"
[wifi_passphrases]
"Scanner Demo" = "demonstration only"
"hex:ff00" = "demonstration only"
""",
}


def make_whole_rig(folder: Path) -> None:
    """Write both, with what they name."""
    for name, text in _FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    make_signer(folder / "site", "field")


def load_rig(folder: Path) -> RigMap:
    """What they come to; raises as their loaders do."""
    profile = load_profile(str(folder / "profile/profile.toml"))
    return lay_out(profile, *load_site(str(folder / "site/site.toml")))
