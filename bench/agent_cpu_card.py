"""The same settings twice: a profile and a site for the agent, user data for cloud-init.

What a card of `agent_cpu` is made of, and the service on it that tells what was counted.
"""

from __future__ import annotations

import json
from pathlib import Path

from flasher import paths

AGENT = ("autosetup.service",)
# Of cloud-init 25 and newer, and of those before.
CLOUD = (
    *("cloud-init-main.service", "cloud-init-local.service", "cloud-init-network.service"),
    *("cloud-init.service", "cloud-config.service", "cloud-final.service"),
)

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIFdeBS4myjxYjsaLYVC2kLxcgWIEGDZXGJ8i+VLI6jQ nobody"
HASH = (
    "$6$demodemodemo$qGy1lNymmB12qrTM18QJbJ5pnQoCCJGP4L70VxBESb5zCzb3qlNx5qTggwuaEe8MG/rdWJz99"
    "BTywMX/YfEFD."
)
KEYFILE = """\
[connection]
id=studio
type=wifi

[wifi]
ssid=Studio

[wifi-security]
key-mgmt=wpa-psk
psk=long enough
"""

PROFILE = """\
format = 1
name = "bench"
title = "Bench"
description = "One node."

[[role]]
name = "camera"
title = "Camera"
does = "nothing"
node = "cam-0101"
position = "1"
groups = ["video"]

[[role.file]]
path = "/etc/rig.conf"
source = "rig.conf"

[[role.script]]
source = "mark.sh"
"""
SITE = f"""\
format = 1
name = "bench"
title = "Bench"

[user]
name = "scanner"
authorized_keys = ["{KEY}"]
passwordless_sudo = true

[locale]
language = "C.UTF-8"
keyboard = "gb"
timezone = "Europe/Berlin"

[network]
country = "DE"

[[network.wifi]]
ssid = "Studio"

[time]
ntp = ["time.example.org"]
"""
SECRETS = f"""\
format = 1
password_hash = "{HASH}"

[wifi_passphrases]
"Studio" = "long enough"
"""
FILES = {"rig.conf": "frames = 2\n", "mark.sh": "#!/bin/sh\ntouch /var/lib/marked\n"}

# JSON is YAML too.
USER_DATA = {
    "hostname": "cam-0101",
    "manage_etc_hosts": True,
    "users": [
        {
            "name": "scanner",
            "groups": ["video"],
            "shell": "/bin/bash",
            "lock_passwd": False,
            "passwd": HASH,
            "ssh_authorized_keys": [KEY],
            "sudo": "ALL=(ALL) NOPASSWD:ALL",
        }
    ],
    "locale": "C.UTF-8",
    "keyboard": {"layout": "gb"},
    "timezone": "Europe/Berlin",
    "ntp": {"enabled": True, "ntp_client": "systemd-timesyncd", "servers": ["time.example.org"]},
    "write_files": [
        {"path": "/etc/rig.conf", "content": FILES["rig.conf"]},
        {
            "path": "/etc/NetworkManager/system-connections/studio.nmconnection",
            "content": KEYFILE,
            "permissions": "0600",
        },
        {
            "path": "/etc/modprobe.d/country.conf",
            "content": "options cfg80211 ieee80211_regdom=DE\n",
        },
    ],
    "runcmd": [["touch", "/var/lib/marked"]],
}

REPORT = """\
#!/bin/sh
[ "$(systemctl is-enabled autosetup.service)" = masked-runtime ] || autosetup status --wait
cloud-init status --wait
for unit in UNITS; do
    echo "unit $unit $(systemctl show --value -p CPUUsageNSec $unit)" > /dev/ttyAMA0
done
cat /run/counted > /dev/ttyAMA0
journalctl -b -o cat UNIT_OPTIONS > /dev/ttyAMA0
systemctl poweroff
"""


# Imported by every Python of the image as it starts.
COUNTING = """\
import atexit
import resource

def tell():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    with open("/proc/self/cgroup") as group, open("/run/counted", "a") as counted:
        unit = group.read().strip().rsplit("/", 1)[-1]
        counted.write(f"self {unit} {round((usage.ru_utime + usage.ru_stime) * 1e9)}\\n")

atexit.register(tell)
"""


def lay_out(folder: Path) -> Path:
    """The recipe, the profile and the site; gives the recipe."""
    units = (*AGENT, *CLOUD)
    report = REPORT.replace("UNITS", " ".join(units))
    report = report.replace("UNIT_OPTIONS", " ".join(f"-u {unit}" for unit in units))
    texts = {
        **FILES,
        "profile.toml": PROFILE,
        "site.toml": SITE,
        "secrets.toml": SECRETS,
        "report": report,
        "user-data": f"#cloud-config\n{json.dumps(USER_DATA)}\n",
        "meta-data": "instance-id: bench\n",
        "counting.py": COUNTING,
        "counting.pth": "import counting\n",
        "report.service": "[Unit]\nAfter=multi-user.target\n[Service]\nType=oneshot\n"
        "ExecStart=/usr/bin/report\n[Install]\nWantedBy=graphical.target multi-user.target\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "secrets.toml").chmod(0o600)
    recipe = folder / "recipe.toml"
    recipe.write_text(_recipe(), encoding="utf-8")
    return recipe


def _recipe() -> str:
    base = (paths.assets() / "recipes/base.toml").read_text(encoding="utf-8")
    places = {
        "report": ("/usr/bin/report", "0755"),
        "report.service": ("/usr/lib/systemd/system/report.service", "0644"),
    }
    for name in ("counting.py", "counting.pth"):
        places[name] = (f"/usr/local/lib/python3.13/dist-packages/{name}", "0644")
    layer = '\n[[layer]]\nname = "rival"\npackages = ["cloud-init"]\nenable = ["report.service"]\n'
    for source, (path, mode) in places.items():
        layer += f'\n[[layer.file]]\npath = "{path}"\nsource = "{source}"\nmode = "{mode}"\n'
    return base + layer
