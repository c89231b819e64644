"""The agent's processor time on an emulated Pi, against Debian's cloud-init for the same settings.

    sudo .venv/bin/python bench/agent_cpu.py FOLDER

FOLDER must not exist and stays. The base image gets cloud-init beside the agent; two copies of its
card start side by side: one has a payload, the other the same settings as cloud-init reads them.
Each time one of the two programs is switched off. Told are two figures for each: what its Python
processes took themselves, as the kernel counted them, and what systemd counted for its units, with
the programs that they started: most of that is making host keys, which is the same for both.
The language is C.UTF-8: cloud-init 25.1 cannot make another one on Debian 13 (update-locale fails).

QEMU counts instructions (-icount): a second of the emulated processor is always as many of them,
however busy this computer is.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from flasher import paths
from flasher.process import run

FLASHER = str(Path(sys.executable).with_name("flasher"))
AGENT = ("autosetup.service",)
# Of cloud-init 25 and newer, and of those before.
CLOUD = (
    *("cloud-init-main.service", "cloud-init-local.service", "cloud-init-network.service"),
    *("cloud-init.service", "cloud-config.service", "cloud-final.service"),
)
_COUNTED = re.compile(r"(unit|self) (\S+\.service) (\d+)")
_OFF = {AGENT: "systemd.mask=autosetup.service", CLOUD: "cloud-init=disabled"}
_HOURS = 2

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


def flasher(*argv: str | Path) -> None:
    """Run the program; stop where it fails."""
    subprocess.run([FLASHER, *map(str, argv)], check=True)


def make_seed(folder: Path) -> None:
    """The drive on which cloud-init looks for its settings."""
    seed = folder / "seed.img"
    run(["mkfs.fat", "-C", "-n", "CIDATA", str(seed), "1024"])
    run(["mcopy", "-i", str(seed), str(folder / "user-data"), str(folder / "meta-data"), "::"])


def unpack_boot(card: Path, folder: Path) -> tuple[Path, Path]:
    """Kernel and initramfs from a card's boot partition."""
    table = run(["sfdisk", "--json", str(card)]).output
    start = json.loads(table)["partitiontable"]["partitions"][0]["start"] * 512
    image = f"{card}@@{start}"
    found = []
    for pattern in ("::vmlinuz-*", "::initrd.img-*"):
        target = folder / pattern[2:8]
        run(["mcopy", "-n", "-i", image, pattern, str(target)])
        found.append(target)
    return found[0], found[1]


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds of the emulated processor: of the program itself, and of all it started as well."""

    own: float
    whole: float


def count(card: Path, kernel: Path, initramfs: Path, units: tuple[str, ...], off: str) -> Taken:
    """Start a card until it switches itself off; gives what the units took."""
    # fmt: off
    argv = [
        "qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a53", "-smp", "1", "-m", "1024",
        "-icount", "shift=1,sleep=off", "-nodefaults", "-display", "none", "-no-reboot",
        "-kernel", str(kernel), "-initrd", str(initramfs),
        "-append", f"console=ttyAMA0 root=LABEL=rootfs rw rootwait {off}",
        "-drive", f"file={card},format=raw,if=virtio",
        "-drive", f"file={card.with_name('seed.img')},format=raw,if=virtio,read-only=on",
        "-nic", "user,model=virtio-net-pci", "-serial", "stdio",
    ]
    # fmt: on
    console = subprocess.run(
        argv, check=False, stdin=subprocess.DEVNULL, capture_output=True, timeout=_HOURS * 3600
    ).stdout.decode(errors="replace")
    card.with_suffix(".console").write_text(console, encoding="utf-8")
    told = [
        (kind, int(text) / 1e9) for kind, unit, text in _COUNTED.findall(console) if unit in units
    ]
    own, whole = (sum(s for k, s in told if k == kind) for kind in ("self", "unit"))
    if not own or not whole:
        sys.exit(f"nothing was counted: see {card.with_suffix('.console')}")
    return Taken(own, whole)


def main() -> None:
    """Build, make the two cards, start them, tell."""
    if len(sys.argv) != 2 or os.geteuid():
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    folder.mkdir()
    recipe = lay_out(folder)
    flasher("build-base", recipe, "--out", folder / "out")
    image = next((folder / "out").glob("*.img"))
    cards = {AGENT: folder / "agent.img", CLOUD: folder / "cloud.img"}
    scanner = ("--scanner", folder / "profile.toml", "--site", folder / "site.toml")
    to_card = ("--to", cards[AGENT], "--size", "4G", "--image", image, "--yes")
    flasher("prepare", *scanner, "--node", "cam-0101", *to_card)
    run(["cp", "--sparse=always", str(image), str(cards[CLOUD])])
    run(["truncate", "--size", "4G", str(cards[CLOUD])])
    make_seed(folder)
    kernel, initramfs = unpack_boot(image, folder)
    with ThreadPoolExecutor() as both:
        runs = {
            units: both.submit(count, card, kernel, initramfs, units, _OFF[other])
            for (units, card), other in zip(cards.items(), (CLOUD, AGENT), strict=True)
        }
    ours, theirs = runs[AGENT].result(), runs[CLOUD].result()
    for what, mine, other in (
        ("itself", ours.own, theirs.own),
        ("with the programs it started", ours.whole, theirs.whole),
    ):
        ratio = mine / other
        sys.stdout.write(f"{what}: agent {mine:.2f} s, cloud-init {other:.2f} s: {ratio:.3f}\n")


if __name__ == "__main__":
    main()
