"""The lowest layer: a minimal Debian, made by mmdebstrap."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from builder.bench import Bench
from builder.layers import Inputs

COMPONENTS = "main,non-free-firmware"
HOST_NAME = "autosetup"

# Needed by the maintainer scripts and the agent of every image, whatever else it holds.
INCLUDED = ("ca-certificates", "dbus", "kmod", "python3", "systemd-sysv", "udev", "zstd")

_HOSTS = f"""127.0.0.1\tlocalhost
127.0.1.1\t{HOST_NAME}
::1\t\tlocalhost ip6-localhost ip6-loopback
ff02::1\t\tip6-allnodes
ff02::2\t\tip6-allrouters
"""

# What mmdebstrap says at the start of each of its stages, and the percent it reaches by then.
_STAGES = (
    (r"I: running apt-get update", 2),
    (r"I: downloading packages", 8),
    (r"I: extracting archives", 14),
    (r"I: installing essential packages", 18),
    (r"I: installing remaining packages", 55),
    (r"I: cleaning package lists", 98),
)
_CONFIGURED = re.compile(r"Setting up ")
_PERCENT_A_PACKAGE = 0.45


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """A minimal system of a suite; the mirror is the one that mmdebstrap knows."""

    suite: str
    architecture: str
    name: str = "debian"
    kind: str = "bootstrap"
    version: int = 1

    def inputs(self) -> Inputs:
        """Suite, architecture, components, and the packages beyond the minimum."""
        return {
            "suite": self.suite,
            "architecture": self.architecture,
            "components": COMPONENTS,
            "included": list(INCLUDED),
        }

    def make(self, bench: Bench) -> None:
        """Run mmdebstrap into the draft, then take out what it copied from this computer."""
        stages = _Stages(bench)
        bench.run_host(self._argv(bench.tree), on_line=stages.hear, merge_output=True)
        _forget_host(bench.tree)

    def _argv(self, target: Path) -> tuple[str, ...]:
        return (
            "mmdebstrap",
            "--mode=root",
            "--verbose",
            "--variant=minbase",
            "--format=directory",
            f"--architectures={self.architecture}",
            f"--components={COMPONENTS}",
            f"--include={','.join(INCLUDED)}",
            "--skip=check/qemu,output/dev",
            "--dpkgopt=force-unsafe-io",
            self.suite,
            str(target),
        )


class _Stages:
    """Turns mmdebstrap's lines into percent."""

    def __init__(self, bench: Bench) -> None:
        self._progress = bench.progress
        self._reached = 0.0

    def hear(self, line: str) -> None:
        for regex, percent in _STAGES:
            if re.match(regex, line):
                self._reached = max(self._reached, percent)
        if _CONFIGURED.match(line):
            self._reached = min(self._reached + _PERCENT_A_PACKAGE, 98)
        self._progress.reach(int(self._reached))


def _forget_host(tree: Path) -> None:
    """Name and resolver of this computer were for the bootstrap only."""
    for name, text in (("hostname", f"{HOST_NAME}\n"), ("hosts", _HOSTS), ("resolv.conf", "")):
        path = tree / "etc" / name
        path.unlink(missing_ok=True)
        path.write_text(text, encoding="ascii")
        path.chmod(0o644)
