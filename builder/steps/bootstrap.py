"""The lowest layer: a minimal Debian, made by mmdebstrap from the locked packages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from builder.bench import Bench
from builder.layers import Inputs
from builder.lock import LockedGroup
from builder.recipe import RecipeFile
from builder.steps.installed import describe_group, place_files, require_exactly, tidy_up

HOST_NAME = "autosetup"

_HOSTS = f"""127.0.0.1\tlocalhost
127.0.1.1\t{HOST_NAME}
::1\t\tlocalhost ip6-localhost ip6-loopback
ff02::1\t\tip6-allnodes
ff02::2\t\tip6-allrouters
"""

# What mmdebstrap says at the start of each of its stages, and the percent it reaches by then.
_STAGES = (
    (r"I: running apt-get update", 1),
    (r"I: downloading packages", 2),
    (r"I: extracting archives", 4),
    (r"I: installing essential packages", 12),
    (r"I: installing remaining packages", 45),
)
_CONFIGURED = re.compile(r"Setting up ")
_PERCENT_A_PACKAGE = 0.5

# Programs and libraries lie in /usr alone. Newer suites bring these links in a package.
_MERGE = """cd "$1" && for name in {names}; do
    mkdir --parents usr/$name; ln --symbolic usr/$name $name; done"""

# apt's own settings for the bootstrap; they do not stay in the tree.
_SETTINGS = ("etc/apt/apt.conf.d/99mmdebstrap", "etc/dpkg/dpkg.cfg.d/99mmdebstrap")


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """The packages of the lowest group, and the names that a tree begins with.

    Attributes:
        sources: text of ``/etc/apt/sources.list``.
    """

    group: LockedGroup
    architecture: str
    sources: str
    name: str = "debian"
    kind: str = "bootstrap"
    version: int = 2

    @property
    def epoch(self) -> int:
        """The group's."""
        return self.group.epoch

    def inputs(self) -> Inputs:
        """The packages, and the text of the sources."""
        return {
            "architecture": self.architecture,
            "sources": self.sources,
            **describe_group(self.group),
        }

    def make(self, bench: Bench) -> None:
        """Run mmdebstrap into the draft, then write what it copied from this computer anew.

        Raises:
            StepFailed: mmdebstrap failed, or installed something else.
        """
        stages = _Stages(bench)
        repository = bench.pool.repository(self.group.packages, cancel=bench.cancel)
        argv = self._argv(repository, bench.merged)
        bench.run_host(argv, on_line=stages.hear, merge_output=True, emulate=True)
        require_exactly(bench, self.group.packages)
        settings = [str(bench.merged / name) for name in _SETTINGS]
        bench.run_host(("rm", "--force", *settings))
        place_files(bench, self._files())
        tidy_up(bench)

    def _files(self) -> tuple[RecipeFile, ...]:
        return (
            RecipeFile("/etc/apt/sources.list", self.sources.encode()),
            RecipeFile("/etc/hostname", f"{HOST_NAME}\n".encode()),
            RecipeFile("/etc/hosts", _HOSTS.encode()),
            RecipeFile("/etc/resolv.conf", b""),
        )

    def _merged(self) -> tuple[str, ...]:
        wide = ("lib64",) if self.architecture == "amd64" else ()  # where its loader lies
        return ("bin", "sbin", "lib", *wide)

    def _argv(self, repository: Path, target: Path) -> tuple[str, ...]:
        return (
            "mmdebstrap",
            "--mode=root",
            "--verbose",
            "--variant=essential",
            "--format=directory",
            f"--architectures={self.architecture}",
            f"--include={','.join(package.name for package in self.group.packages)}",
            "--skip=check/empty,check/qemu,output/dev,cleanup/apt/lists",
            "--dpkgopt=force-unsafe-io",
            '--aptopt=APT::Sandbox::User "root"',
            f"--setup-hook={_MERGE.format(names=' '.join(self._merged()))}",
            "",  # of no suite: all that is there is wanted
            str(target),
            f"deb [trusted=yes] copy:{repository} ./",
        )


class _Stages:
    """Turns mmdebstrap's lines into percent."""

    def __init__(self, bench: Bench) -> None:
        self._progress = bench.progress
        self._reached = 0.0

    def hear(self, line: str) -> None:
        """Take a line; some tell how far it is."""
        for regex, percent in _STAGES:
            if re.match(regex, line):
                self._reached = max(self._reached, percent)
        if _CONFIGURED.match(line):
            self._reached = min(self._reached + _PERCENT_A_PACKAGE, 98)
        self._progress.reach(int(self._reached))
