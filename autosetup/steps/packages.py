"""Debian packages: those of the payload from there, others by name from an archive.

Where the payload brings all, no network is needed nor asked: what its packages depend on must then
be on the node or in the payload too, and apt finds out before it changes anything. Where a power
cut left packages half configured, they are configured first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from autosetup.faults import Fault
from autosetup.forms import PACKAGES
from autosetup.node_file import NODE
from autosetup.steps.apt import install_files, install_from_archive
from autosetup.steps.context import Context
from autosetup.system import System

NAME = "packages"
_SECONDS = 3600


class _Deb(NamedTuple):
    """What a package says of itself."""

    package: str
    version: str
    architecture: str


def problems(context: Context) -> Iterator[Fault]:
    """Files that are no packages, or packages for another computer."""
    names = _names(context)
    wanted = names or ([NODE] if context.settings.packages.names else [])
    if wanted and not context.system.has_program("apt-get"):
        yield Fault(wanted[0], 0, 0, "The image has no apt.", "Remove the packages.")
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
    """Whether each file is installed in exactly its version, and each name in any."""
    debs = [_read(context.system, context.files[name]) for name in _names(context)]
    if (debs or context.settings.packages.names) and _is_interrupted(context.system):
        return False
    return all(deb and _is_installed(context.system, deb) for deb in debs) and not _lacking(context)


def apply(context: Context) -> None:
    """Install them all at once."""
    context.system.must(["dpkg", "--configure", "-a"], seconds=_SECONDS)
    files = [str(context.folder / name) for name in _names(context)]
    if lacking := _lacking(context):
        mirror = context.settings.packages.mirror
        context.log(install_from_archive(context.system, [*files, *lacking], mirror))
    else:
        context.log(install_files(context.system, files))


def _is_interrupted(system: System) -> bool:
    """Whether dpkg was cut off; apt then refuses its service until `dpkg --configure -a`."""
    return any(system.path("/var/lib/dpkg/updates").glob("[0-9]*"))


def _lacking(context: Context) -> list[str]:
    """The names of which no package is installed."""
    shown = {
        name: _shown(context.system, name, "${db:Status-Status}")
        for name in context.settings.packages.names
    }
    return [name for name, states in shown.items() if "installed" not in states]


def _names(context: Context) -> list[str]:
    return sorted(name for name in context.files if name.startswith(PACKAGES))


def _read(system: System, raw: bytes) -> _Deb | None:
    finished = system.run(["dpkg-deb", "--field", "-", *_Deb._fields], stdin=raw)
    found = dict(line.split(": ", 1) for line in finished.output.splitlines() if ": " in line)
    if finished.status != 0:
        return None
    return _Deb(*(found.get(name.capitalize(), "") for name in _Deb._fields))


def _is_installed(system: System, deb: _Deb) -> bool:
    states = _shown(system, deb.package, "${db:Status-Status} ${Version}")
    return f"installed {deb.version}" in states


def _shown(system: System, package: str, form: str) -> list[str]:
    """What dpkg's record says of a package, a line for each architecture."""
    argv = ["dpkg-query", "--show", f"--showformat={form}\\n", package]
    return system.run(argv).output.splitlines()
