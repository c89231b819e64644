"""A layer of Debian packages, installed by the tree's own apt."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from builder.bench import Bench
from builder.inside.enter import STATUS_DESCRIPTOR
from builder.layers import Inputs, Store
from builder.sandbox import Mount

_RESOLVER = "/etc/resolv.conf"
_POLICY = "usr/sbin/policy-rc.d"

_OPTIONS = (
    "-oDpkg::Options::=--force-confdef",
    "-oDpkg::Options::=--force-confold",  # what the recipe wrote before the package stays
    "-oDpkg::Options::=--force-unsafe-io",  # the whole layer is synced once, at its end
    "-oDpkg::Use-Pty=0",
    f"-oAPT::Status-Fd={STATUS_DESCRIPTOR}",  # not 1: apt closes it for dpkg
    "-oAcquire::Languages=none",
    "-oAcquire::Retries=3",
)
_ENVIRONMENT = {
    "DEBIAN_FRONTEND": "noninteractive",
    "DEBCONF_NONINTERACTIVE_SEEN": "true",
    # The kernel's hook would make an initramfs before other packages are ready, and once more after
    # them: `builder.steps.initramfs` makes it, once.
    "INITRD": "No",
}

# The share of a step's time at which each part starts, measured under emulation.
_UPDATED, _DOWNLOADED = 8, 21
_STATUS = re.compile(r"(dl|pm)status:[^:]*:([\d.]+):")


@dataclass(frozen=True, slots=True)
class Packages:
    """Packages and what they depend on, without recommendations."""

    name: str
    suite: str
    architecture: str
    packages: tuple[str, ...]
    kind: str = "packages"
    version: int = 1

    def inputs(self) -> Inputs:
        """The names asked for; suite and architecture are in the layers below."""
        return {"packages": sorted(self.packages)}

    def make(self, bench: Bench) -> None:
        """Update apt's lists, kept beside the layers, and install."""
        policy = bench.tree / _POLICY
        policy.parent.mkdir(parents=True)
        policy.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
        policy.chmod(0o755)
        for folder in (policy.parent.parent, policy.parent):
            folder.chmod(0o755)
        mounts = (*self._downloads(bench.store, bench.merged), _resolver(bench.merged))
        apt = ("apt-get", "--assume-yes", *_OPTIONS)

        def run(*arguments: str, on_line: Callable[[str], None] | None = None) -> None:
            argv = (*apt, *arguments)
            bench.run_in_tree(argv, mounts=mounts, env=_ENVIRONMENT, on_line=on_line)

        run("update", "--error-on=any")
        bench.progress.reach(_UPDATED)
        run("install", "--no-install-recommends", *self.packages, on_line=_follow(bench))
        policy.unlink()

    def _downloads(self, store: Store, merged: Path) -> tuple[Mount, ...]:
        """Lists and packages once downloaded serve every layer and every build."""
        kept = store.root / "apt" / f"{self.suite}-{self.architecture}"
        mounts = []
        for name, target in (
            ("lists", "var/lib/apt/lists"),
            ("archives", "var/cache/apt/archives"),
        ):
            (kept / name / "partial").mkdir(parents=True, exist_ok=True)
            mounts.append(Mount("bind", str(merged / target), str(kept / name)))
        return tuple(mounts)


def _resolver(merged: Path) -> Mount:
    return Mount("bind-read-only", f"{merged}{_RESOLVER}", str(Path(_RESOLVER).resolve()))


def _follow(bench: Bench) -> Callable[[str], None]:
    """Turn apt's status lines into percent: downloading first, then unpacking and configuring."""

    def hear(line: str) -> None:
        found = _STATUS.match(line)
        if not found:
            return
        first, last = (_UPDATED, _DOWNLOADED) if found[1] == "dl" else (_DOWNLOADED, 99)
        bench.progress.reach(int(first + (last - first) * float(found[2]) / 100))

    return hear
