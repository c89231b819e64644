"""Prove that a tree is generic: that nothing in it belongs to one computer, rig or person.

Runs as a script of its own (standard library only): the arguments are the tree and the name of
the computer that builds; it prints one line for each finding.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

# Patterns that must match nothing, and what a match would be.
ABSENT = {
    "etc/ssh/ssh_host_*": "an SSH host key",
    "var/lib/dbus/machine-id": "a machine id",
    "var/lib/systemd/random-seed": "a random seed, the same on every card",
    "var/lib/systemd/credential.secret": "a credential key, the same on every card",
    "etc/NetworkManager/system-connections/*": "a network connection, perhaps with a passphrase",
    "etc/wpa_supplicant/wpa_supplicant*.conf": "a wifi network, perhaps with a passphrase",
    "boot/firmware/wpa_supplicant.conf": "a wifi network, perhaps with a passphrase",
    "boot/firmware/autosetup/*": "a payload: it makes every card the same node",
    "var/lib/NetworkManager/secret_key": "a secret key, the same on every card",
    "var/lib/NetworkManager/*lease*": "a network lease",
    "var/lib/dhcp/*lease*": "a network lease",
    "root/.*_history": "a command history",
    "home/*/.*_history": "a command history",
    "root/.netrc": "a password",
    "root/.ssh/id_*": "a private key",
    "home/*/.ssh/id_*": "a private key",
    "var/lib/apt/lists/*Packages*": "a package list, out of date on every card",
    "var/log/*log": "a log of another computer",
    "usr/sbin/policy-rc.d": "a ban on starting services, needed only while building",
}

EMPTY = {
    "etc/machine-id": "a machine id",
    "etc/resolv.conf": "the name servers of another network",
}

_SHADOW = "etc/shadow"
_HOSTNAME = "etc/hostname"
_APT = "etc/apt/apt.conf*"


def find_identity(root: Path, builder: str) -> list[str]:
    """Everything in the tree that is not generic, as lines for people; none if it is.

    Args:
        root: the tree.
        builder: host name of the computer that builds.
    """
    checks: tuple[Callable[[], Iterator[str]], ...] = (
        lambda: _present(root),
        lambda: _filled(root),
        lambda: _passwords(root),
        lambda: _host_name(root, builder),
        lambda: _proxies(root),
    )
    return [finding for check in checks for finding in check()]


def _present(root: Path) -> Iterator[str]:
    for pattern, meaning in ABSENT.items():
        for path in sorted(root.glob(pattern)):
            yield f"/{path.relative_to(root)} is {meaning}"


def _filled(root: Path) -> Iterator[str]:
    for name, meaning in EMPTY.items():
        path = root / name
        if not path.is_file() or path.is_symlink():
            yield f"/{name} is not an empty file"
        elif path.stat().st_size:
            yield f"/{name} holds {meaning}"


def _passwords(root: Path) -> Iterator[str]:
    for line in _read(root / _SHADOW).splitlines():
        user, hashed = line.split(":")[:2]
        if not hashed.startswith(("!", "*")):
            yield f"/{_SHADOW} lets {user} in with {'a' if hashed else 'no'} password"


def _host_name(root: Path, builder: str) -> Iterator[str]:
    if builder and _read(root / _HOSTNAME).strip() == builder:
        yield f"/{_HOSTNAME} is the name of the computer that built it, {builder}"


def _proxies(root: Path) -> Iterator[str]:
    for place in sorted(root.glob(_APT)):
        for path in sorted(place.iterdir()) if place.is_dir() else [place]:
            if "::proxy" in _read(path).lower():
                yield f"/{path.relative_to(root)} holds a proxy of another network"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


if __name__ == "__main__":
    for found in find_identity(Path(sys.argv[1]), sys.argv[2]):
        sys.stdout.write(f"{found}\n")
