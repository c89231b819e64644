"""A desktop in small: system bus, polkit, udev and udisks2 of its own, over one loop device.

It has name spaces of its own, so that it serves nobody else and goes with the process that holds
it. What `make` unpacks would, installed, look after the drives of this computer.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flasher.process import environment, leashed
from tests.integration.builder.ordinary_user import PROJECT, open_ways

RULE = PROJECT / "assets/polkit/50-flasher.rules"
# The rule for polkit lets the member in, and neither of the others without a password.
MEMBER, STRANGER, ADMIN = "member", "stranger", "admin"
PASSWORD = "correct horse"
_IDS = {MEMBER: 4243, STRANGER: 4244, ADMIN: 4245}
# `openssl passwd -6 -salt flasher` of the password.
_HASH = (
    "$6$flasher$IELCVBEiP5SRynI8Sk6uYS5xoBiubHCrEtrrEksD0KWs7"
    "/FyykwIXcQk0mjG4Qvo2I.qoqHr2zN4Jc8lgnTZh."
)
_UNPACKED = Path(sys.prefix, "unpacked")
# With these, udisks2 takes a loop device for a card in a slot.
_CARD = 'ENV{ID_SERIAL}="card", ENV{ID_DRIVE_FLASH_SD}="1", ENV{ID_DRIVE_MEDIA_FLASH_SD}="1"'
_SYSTEM = """
mount -t tmpfs none /run
mkdir -p /run/dbus /run/udev /run/early/lib /run/etc /run/work
test ! -d {unpacked}/lib || cp -a {unpacked}/lib/. /run/early/lib
mount -t overlay none -o lowerdir=/run/early:{unpacked}/usr:/usr /usr
mount -t overlay none -o lowerdir={unpacked}/etc:/etc,upperdir=/run/etc,workdir=/run/work /etc
mount -t tmpfs none /var/lib
mount -t tmpfs -o mode=755 none /media
mkdir /var/lib/udisks2 /var/lib/polkit-1
cp /usr/lib/udev/rules.d/80-udisks2.rules {place}
mount -t tmpfs none /usr/lib/udev/rules.d
mount -t tmpfs none /etc/udev
cp {place}/*.rules /usr/lib/udev/rules.d
rm -f /etc/polkit-1/rules.d/*
cp {rule} /etc/polkit-1/rules.d
sed -i '/^plugdev:/d; /^sudo:/d' /etc/group
for table in passwd shadow group; do cat {place}/$table >> /etc/$table; done
dbus-daemon --system --fork --nopidfile
/lib/systemd/systemd-udevd --daemon
udevadm trigger --settle --subsystem-match=block --sysname-match={name} --sysname-match={name}p*
echo ready
exec sleep infinity
"""


@dataclass(frozen=True, slots=True)
class Desktop:
    """What goes on in the name spaces that a process holds."""

    holder: int
    place: Path

    def argv(self, user: str, *argv: str) -> list[str]:
        """What runs a program as one of its users, or as root."""
        spaces = ["--mount", "--net", "--pid", "--root", f"--wdns={PROJECT}"]
        inside = ["nsenter", f"--target={self.holder}", *spaces]
        if user == "root":
            return [*inside, *argv]
        number, home = str(_IDS[user]), self.place / user
        folders = {"HOME": home, "FLASHER_CACHE": home / "cache", "FLASHER_DATA": home / "data"}
        settings = [f"{name}={folder}" for name, folder in folders.items()]
        identity = ["setpriv", "--reuid", number, "--regid", number, "--init-groups"]
        return [*inside, *identity, "--pdeathsig", "KILL", "env", *settings, *argv]

    def run(self, user: str, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a program there, whatever comes of it."""
        return subprocess.run(
            self.argv(user, *argv),
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )

    def must_run(self, user: str, *argv: str) -> None:
        """Run a program that must succeed."""
        done = self.run(user, *argv)
        assert done.returncode == 0, done.stdout

    def is_mounted(self, device: str) -> bool:
        """Whether the file system of a device is mounted there."""
        return self.run("root", "findmnt", "--source", device).returncode == 0


@contextmanager
def desktop(place: Path, loop: Path, *, is_card: bool = True) -> Iterator[Desktop]:
    """Have a desktop around a loop device; udisks2 and polkit start when they are called.

    Args:
        place: an empty folder; the homes of the users are in it.
        loop: all other devices of this computer are left alone.
        is_card: whether it passes for a card in a slot; else it is some disk.
    """
    _furnish(place, loop.name, is_card=is_card)
    facts = {"unpacked": _UNPACKED, "place": place, "rule": RULE, "name": loop.name}
    script = "\n".join((*open_ways(place), _SYSTEM.format(**facts)))
    spaces = ["--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child"]
    argv = leashed(["unshare", *spaces, "--propagation", "private", "sh", "-ec", script])
    with subprocess.Popen(
        argv, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as holder:
        try:
            _wait_until_ready(holder)
            yield Desktop(_first_inside(holder.pid), place)
        finally:
            holder.kill()


def _wait_until_ready(holder: subprocess.Popen[str]) -> None:
    assert holder.stdout is not None
    told = []
    for line in holder.stdout:
        if line == "ready\n":
            return
        told.append(line)
    raise AssertionError("".join(told))


def _first_inside(holder: int) -> int:
    """The first process of the name space that unshare(1) holds, as we number it."""
    return int(Path(f"/proc/{holder}/task/{holder}/children").read_text().split()[0])


def _furnish(place: Path, name: str, *, is_card: bool) -> None:
    for user, number in _IDS.items():
        home = place / user
        home.mkdir(parents=True)
        os.chown(home, number, number)
    place.chmod(0o755)
    lines = {
        "passwd": [f"{user}:x:{n}:{n}::{place / user}:/bin/sh" for user, n in _IDS.items()],
        "shadow": [f"{user}:{_HASH}:20000::::::" for user in _IDS],
        "group": [f"plugdev:x:46:{MEMBER}", f"sudo:x:27:{ADMIN}"],
        "10-card.rules": [f'KERNEL=="{name}", {_CARD}'] if is_card else [],
        "20-look.rules": [
            f'KERNEL=="{name}|{name}p*", IMPORT{{builtin}}="blkid", OPTIONS+="watch"'
        ],
    }
    for table, rows in lines.items():
        (place / table).write_text("".join(f"{row}\n" for row in rows))
