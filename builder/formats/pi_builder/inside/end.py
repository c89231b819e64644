"""Take out of a tree what parts leave for all nodes alike: host keys, passwords, keys of people.

Runs as a script of its own (standard library only), on the computer that builds: the tree is at
/image. It prints what it took.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

_TRACES = {
    "etc/ssh/ssh_host_*": "each node makes its own host keys",
    "root/.ssh/authorized_keys*": "a site has the keys that open its nodes",
    "home/*/.ssh/authorized_keys*": "a site has the keys that open its nodes",
    "etc/skel/.ssh/authorized_keys*": "a site has the keys that open its nodes",
}
_LOCKED = ("", "!", "*", "!*", "!!")


def take_out(root: Path) -> list[str]:
    """Clear the tree at `root`; sentences on what went."""
    told = []
    for pattern, why in _TRACES.items():
        for path in sorted(root.glob(pattern)):
            path.unlink()
            told.append(f"Taken out again: /{path.relative_to(root)}; {why}.")
    return told + lock_passwords(root / "etc/shadow")


def lock_passwords(shadow: Path) -> list[str]:
    """Lock every password, and that there is none."""
    if not shadow.is_file():
        return []
    lines, told = [], []
    for line in shadow.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        user, sign, rest = line.partition(":")
        password, more, after = rest.partition(":")
        if sign and (not password or password not in _LOCKED):
            told.append(f"Taken out again: the password of {user}; a site gives the nodes theirs.")
            password = "!"  # noqa: S105 - locked
        lines.append(f"{user}{sign}{password}{more}{after}\n")
    if told:
        shadow.write_text("".join(lines), encoding="utf-8", errors="surrogateescape")
    return told


if __name__ == "__main__":
    os.chroot("/image")
    for sentence in take_out(Path("/")):
        sys.stdout.write(f"{sentence}\n")
