"""The functions that scripts call of pi_image2's module of this name."""

from __future__ import annotations

import grp
import subprocess
from pathlib import Path
from typing import Any

# adduser.conf(5) of Ubuntu 20.04, EXTRA_GROUPS.
_EXTRA = ("dialout", "cdrom", "floppy", "audio", "video", "plugdev", "users")


def create_user(username: str, password: str, display_name: str = "Ubuntu User") -> None:
    """Make a person with a home and the usual groups; the password is a site's to give."""
    del password
    there = {group.gr_name for group in grp.getgrall()}
    groups = ",".join(name for name in _EXTRA if name in there)
    own = ["useradd", "--create-home", "--user-group", "--shell", "/bin/bash"]
    subprocess.run([*own, "--comment", display_name, "--groups", groups, username], check=True)


def add_user_sudo(username: str) -> None:
    """Let a user call sudo."""
    subprocess.run(["usermod", "--append", "--groups", "sudo", username], check=True)  # noqa: S607


def du_mb(path: str) -> int:
    """Room that a folder takes, in MiB, rounded up."""
    argv = ["du", "--summarize", "--block-size=1MiB", path]
    told = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True)
    return int(told.stdout.split()[0])


def make_executable(path: str) -> None:
    """Let those who may read a file run it, too."""
    mode = Path(path).stat().st_mode
    Path(path).chmod(mode | (mode & 0o444) >> 2)


def run_as_user(user: str, command: list[str], **kwargs: Any) -> None:
    """Run a command as another user; the rest is `subprocess.run`'s."""
    subprocess.run(["sudo", "-u", user, *command], **kwargs)  # noqa: PLW1510, S607
