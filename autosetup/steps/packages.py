"""Debian packages of the payload, installed from there: no network is needed nor asked.

What they depend on must be on the node or in the payload too; apt finds out before it changes
anything. Where a power cut left packages half configured, they are configured first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from autosetup.faults import Fault
from autosetup.forms import PACKAGES
from autosetup.steps.context import Context
from autosetup.system import System

NAME = "packages"
_SECONDS = 3600
_INSTALL = (
    *("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "--allow-downgrades"),
    *("-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0"),
    *("-o", "Dpkg::Options::=--force-confold", "-o", "APT::Sandbox::User=root"),
    # Nothing but what is there: the lists of the image may be older than the archive.
    *("-o", "Dir::Etc::SourceList=/dev/null", "-o", "Dir::Etc::SourceParts=/dev/null"),
)


class _Deb(NamedTuple):
    """What a package says of itself."""

    package: str
    version: str
    architecture: str


def problems(context: Context) -> Iterator[Fault]:
    """Files that are no packages, or packages for another computer."""
    names = _names(context)
    if names and not context.system.has_program("apt-get"):
        yield Fault(names[0], 0, 0, "The image has no apt.", "Remove the packages.")
        return
    own = context.system.must(["dpkg", "--print-architecture"]).strip() if names else ""
    for name in names:
        deb = _read(context.system, context.files[name])
        if deb is None:
            yield Fault(name, 0, 0, "This is no whole Debian package.", "Prepare the card again.")
        elif deb.architecture not in ("all", own):
            what = f"The package is for {deb.architecture}; this node is {own}."
            yield Fault(name, 0, 0, what, f"Take the one for {own}.")


def check(context: Context) -> bool:
    """Whether each is installed in exactly its version."""
    debs = (_read(context.system, context.files[name]) for name in _names(context))
    return all(deb and _is_installed(context.system, deb) for deb in debs)


def apply(context: Context) -> None:
    """Install them all at once."""
    context.system.must(["dpkg", "--configure", "-a"], seconds=_SECONDS)
    files = [str(context.folder / name) for name in _names(context)]
    context.log(context.system.must([*_INSTALL, *files], seconds=_SECONDS))


def _names(context: Context) -> list[str]:
    return sorted(name for name in context.files if name.startswith(PACKAGES))


def _read(system: System, raw: bytes) -> _Deb | None:
    finished = system.run(["dpkg-deb", "--field", "-", *_Deb._fields], stdin=raw)
    found = dict(line.split(": ", 1) for line in finished.output.splitlines() if ": " in line)
    if finished.status != 0:
        return None
    return _Deb(*(found.get(name.capitalize(), "") for name in _Deb._fields))


def _is_installed(system: System, deb: _Deb) -> bool:
    form = "${db:Status-Status} ${Version}\n"
    shown = system.run(["dpkg-query", "--show", f"--showformat={form}", deb.package]).output
    return f"installed {deb.version}" in shown.splitlines()
