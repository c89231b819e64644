"""Trees with all that an image or archive can hold, and all that can be told of them."""

from __future__ import annotations

import os
import stat
import struct
from pathlib import Path

EPOCH = 1_700_000_000
MIB = 1 << 20
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")
# acl(5), as the kernel takes it: version 2, then tag, rights, id.
ACCESS_LIST = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", *entry)
    for entry in (
        (1, 7, 0xFFFFFFFF),
        (2, 6, 1000),
        (4, 5, 0xFFFFFFFF),
        (16, 7, 0xFFFFFFFF),
        (32, 4, 0xFFFFFFFF),
    )
)


def grow(tree: Path) -> Path:
    """A tree with all kinds of what an image can hold."""
    for folder in ("usr/bin", "etc", "boot/firmware", "many", "var/spool"):
        (tree / folder).mkdir(parents=True)
    (tree / "etc/fstab").write_text("LABEL=x /boot/firmware vfat defaults 0 2\n")
    (tree / "bin").symlink_to("usr/bin")
    (tree / "etc/far").symlink_to("/" + "a/" * 60 + "b")
    ping = tree / "usr/bin/ping"
    ping.write_bytes(os.urandom(5 * MIB + 3))
    os.setxattr(ping, "security.capability", CAPABILITY)
    (tree / "usr/bin/ping4").hardlink_to(ping)
    os.chown(tree / "etc/fstab", 1000, 60000)
    (tree / "usr/bin/su").write_bytes(b"su")
    (tree / "usr/bin/su").chmod(0o4755)
    (tree / "var/spool").chmod(0o1777)
    os.setxattr(tree / "var/spool", "system.posix_acl_default", ACCESS_LIST)
    os.setxattr(tree / "usr/bin/su", "system.posix_acl_access", ACCESS_LIST)
    os.setxattr(tree / "etc", "user.long", b"x" * 700)
    os.mkfifo(tree / "var/pipe")
    (tree / "etc/größe\N{SNOWMAN}").write_text("name")
    for number in range(400):
        (tree / f"many/{'n' * 40}-{number}").write_bytes(bytes([number % 256]) * (number % 9))
    with (tree / "var/holes").open("wb") as handle:
        for piece in range(600):
            handle.seek(piece * 16384)
            handle.write(b"%d" % piece)
        handle.truncate(600 * 16384)
    for path in sorted(tree.rglob("*"), reverse=True):
        os.utime(path, ns=(EPOCH * 10**9, EPOCH * 10**9 + 5000), follow_symlinks=False)
    return tree


def describe(tree: Path, *, links: bool = True) -> dict[str, object]:
    """All that can be told of a tree, but for what overlays note of their own."""
    told: dict[str, object] = {}
    names: dict[int, str] = {}
    for path in sorted(tree.rglob("*")):
        found = path.lstat()
        name = str(path.relative_to(tree))
        attributes = {
            key: os.getxattr(path, key, follow_symlinks=False)
            for key in os.listxattr(path, follow_symlinks=False)
            if not key.startswith("user.overlay.")
        }
        told[name] = (
            oct(found.st_mode),
            found.st_uid,
            found.st_gid,
            found.st_mtime_ns,
            attributes,
            path.readlink() if path.is_symlink() else None,
            path.read_bytes() if stat.S_ISREG(found.st_mode) else None,
            names.setdefault(found.st_ino, name) if links and not path.is_dir() else None,
        )
    return told
