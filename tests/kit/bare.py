"""A bare Debian in a folder: its commands run in it, without network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pexpect

from flasher.process import Finished, run

# What a system writes for itself, whatever is installed.
_ITS_OWN = ("dev", "proc", "run", "tmp", "var/cache/man", "var/lib/dpkg", "var/log")


@dataclass(frozen=True, slots=True)
class BareDebian:
    root: Path

    def run(self, *argv: str, env: Mapping[str, str] | None = None) -> Finished:
        return run(self._inside(argv, env))

    def open(self, *argv: str) -> pexpect.spawn[str]:
        """A program in a terminal of 80 × 24."""
        name, *arguments = self._inside(argv, {"TERM": "xterm-256color"})
        return pexpect.spawn(name, arguments, encoding="utf-8", dimensions=(24, 80), timeout=60)

    def files(self) -> set[str]:
        paths = (path.relative_to(self.root) for path in self.root.rglob("*"))
        return {str(path) for path in paths if not str(path).startswith(_ITS_OWN)}

    def _inside(self, argv: tuple[str, ...], env: Mapping[str, str] | None) -> list[str]:
        alone = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]
        enter = [
            "chroot",
            str(self.root),
            "sh",
            "-c",
            'mount -t proc proc /proc && exec "$@"',
            "sh",
        ]
        words = [f"{name}={value}" for name, value in (env or {}).items()]
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return [*alone, *enter, "env", "-i", path, "HOME=/root", *words, *argv]
