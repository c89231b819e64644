"""A layer of Debian packages, installed by the tree's own apt from the locked .debs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from builder.bench import Bench
from builder.inside.enter import STATUS_DESCRIPTOR
from builder.layers import Inputs
from builder.lock import LockedGroup
from builder.recipe import RecipeFile
from builder.sandbox import Mount
from builder.steps.installed import (
    AUTO,
    auto_installed,
    describe_group,
    installed_packages,
    place_files,
    require_added,
    tidy_up,
)

# Debian's folder for temporary mounts: it is in every tree, and empty.
_PLACE = "/mnt"

_POLICY = RecipeFile("/usr/sbin/policy-rc.d", b"#!/bin/sh\nexit 101\n", 0o755)

_OPTIONS = (
    "-oAPT::Sandbox::User=root",
    "-oAPT::Get::AllowUnauthenticated=true",  # the lock vouches for every byte
    "-oDir::Etc::SourceList=/dev/null",
    "-oDir::Etc::SourceParts=/dev/null",
    "-oDpkg::Options::=--force-confdef",
    "-oDpkg::Options::=--force-confold",  # what the recipe wrote before the package stays
    "-oDpkg::Options::=--force-unsafe-io",  # the whole layer is synced once, at its end
    "-oDpkg::Use-Pty=0",
    f"-oAPT::Status-Fd={STATUS_DESCRIPTOR}",  # not 1: apt closes it for dpkg
)
_ENVIRONMENT = {
    "DEBIAN_FRONTEND": "noninteractive",
    "DEBCONF_NONINTERACTIVE_SEEN": "true",
    # The kernel's hook would make an initramfs before other packages are ready, and once more after
    # them: `builder.steps.initramfs` makes it, once.
    "INITRD": "No",
}
_STATUS = re.compile(r"pmstatus:[^:]*:([\d.]+):")


@dataclass(frozen=True, slots=True)
class Packages:
    """A group of packages.

    Attributes:
        below: what the layers below hold, lowest first; at least one.
    """

    group: LockedGroup
    below: tuple[LockedGroup, ...]
    kind: str = "packages"
    version: int = 2

    @property
    def name(self) -> str:
        """The group's."""
        return self.group.name

    @property
    def epoch(self) -> int:
        """The group's."""
        return self.group.epoch

    def inputs(self) -> Inputs:
        """The packages; suite and architecture are in the layers below."""
        return describe_group(self.group)

    def make(self, bench: Bench) -> None:
        """Install the packages, all at once.

        Raises:
            StepFailed: apt failed, or installed something else.
        """
        before = installed_packages(bench)
        repository = bench.pool.repository(self.group.packages, cancel=bench.cancel)
        place_files(bench, (_POLICY,))
        bench.run_in_tree(
            (
                *("apt-get", "install", "--assume-yes", "--no-install-recommends", *_OPTIONS),
                *(f"{_PLACE}/{package.filename}" for package in self.group.packages),
            ),
            mounts=(Mount("bind-read-only", f"{bench.merged}{_PLACE}", str(repository)),),
            env=_ENVIRONMENT,
            on_line=_follow(bench),
        )
        require_added(bench, before, self.group.packages)
        groups = (*self.below, self.group)
        place_files(bench, (auto_installed(groups[1:], _marks_of_others(bench)),))
        tidy_up(bench)


def _marks_of_others(bench: Bench) -> str:
    """What the system of others that all this stands on had marked; "" upon our own."""
    path = bench.store.root / bench.layers[0].tree / AUTO
    if bench.layers[0].kind != "source" or not path.is_file():
        return ""
    return path.read_text(encoding="utf-8").rstrip("\n") + "\n\n"


def _follow(bench: Bench) -> Callable[[str], None]:
    """Turn apt's status lines into percent."""

    def hear(line: str) -> None:
        if found := _STATUS.match(line):
            bench.progress.reach(min(int(float(found[1])), 99))

    return hear
