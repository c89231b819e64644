"""Take out of a tree what one installation left in it: identity, logs, caches.

Runs as a script of its own (standard library only) on the tree given as its argument.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

# Files and folders that go; the folders they lie in stay.
REMOVED = (
    "boot/*.old",
    "etc/*-",
    "etc/.pwd.lock",
    "etc/.updated",
    "etc/NetworkManager/system-connections/*",
    "etc/apt/apt.conf.d/*proxy*",
    "etc/ssh/ssh_host_*",
    "etc/udev/rules.d/70-persistent-net.rules",
    "home/*/.bash_history",
    "initrd.img.old",
    "root/.bash_history",
    "root/.python_history",
    "root/.wget-hsts",
    "tmp/*",
    "usr/sbin/policy-rc.d",
    "var/.updated",
    "var/cache/apt/*.bin",
    "var/cache/apt/archives/*",
    "var/cache/debconf/*-old",
    "var/cache/ldconfig/aux-cache",
    "var/lib/NetworkManager/*",
    "var/lib/apt/lists/*",
    "var/lib/dbus/machine-id",
    "var/lib/dhcp/*",
    "var/lib/dpkg/*-old",
    "var/lib/systemd/credential.secret",
    "var/lib/systemd/random-seed",
    "var/lib/ucf/*.[0-9]",
    "var/tmp/*",
    "vmlinuz.old",
)

# Of these, what a layer may have meant to be there: a person wants to know that it is not.
TOLD = ("etc/ssh/ssh_host_*", "etc/NetworkManager/system-connections/*")

# Files that must be there and be empty: systemd fills the first, NetworkManager the second.
EMPTIED = ("etc/machine-id", "etc/resolv.conf")

# Folders below which files go and folders stay: daemons expect them.
FILES_REMOVED = ("var/log",)

# systemd never starts with an earlier time than this file's: a Pi has no clock of its own.
CLOCK = "usr/lib/clock-epoch"


def tidy(root: Path) -> list[str]:
    """Tidy the tree at `root`, and name of what goes that which `TOLD` has."""
    told = [f"/{path.relative_to(root)}" for each in TOLD for path in sorted(root.glob(each))]
    for pattern in REMOVED:
        for path in root.glob(pattern):
            _remove(path)
    for name in FILES_REMOVED:
        for path in (root / name).rglob("*"):
            if path.is_symlink() or not path.is_dir():
                path.unlink()
    for name in EMPTIED:
        path = root / name
        if path.is_symlink() or not path.exists() or path.stat().st_size:
            path.unlink(missing_ok=True)
            path.touch(mode=0o644)
    if (root / CLOCK).parent.is_dir():
        (root / CLOCK).touch()
    return told


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


if __name__ == "__main__":
    for name in tidy(Path(sys.argv[1])):
        sys.stdout.write(f"{name}\n")
