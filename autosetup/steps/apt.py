"""apt as the agent calls it: from files alone, or from an archive; and what its words mean."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import NamedTuple

from autosetup.errors import AgentError
from autosetup.reach import addresses_in_time
from autosetup.system import Finished, System, program_failed

_SECONDS = 3600
# Somebody else may be at it, such as the image's own daily update.
_LOCK_SECONDS, _LOCK_PAUSE_SECONDS = 300, 2.0
_ANYWAY = ("-o", "APT::Sandbox::User=root", "-o", "APT::Color=0")
_QUIETLY = (
    *("--yes", "--quiet", "--no-install-recommends"),
    *("-o", f"DPkg::Lock::Timeout={_LOCK_SECONDS}", "-o", "Dpkg::Use-Pty=0"),
    *("-o", "Dpkg::Options::=--force-confold", "-o", "APT::Keep-Downloaded-Packages=0", *_ANYWAY),
)
_INSTALL = ("apt-get", "install", "--allow-downgrades", *_QUIETLY)
# What is newer may need a package more, as a kernel does; none is removed for it.
_UPGRADE = ("apt-get", "upgrade", "--with-new-pkgs", *_QUIETLY)
_INST = re.compile(r"Inst (\S+) (?:\[\S+\] )?\((\S+) (.*) \[")
# A server that is not there costs a minute, not the quarter of an hour of apt's own settings.
_PATIENCE = tuple(
    word
    for option in ("Retries=1", "http::Timeout=20", "https::Timeout=20")
    for word in ("-o", f"Acquire::{option}")
)
_UPDATE = ("apt-get", "update", "--quiet", "--error-on=any", *_PATIENCE, *_ANYWAY)
_LISTED = "/run/autosetup/mirror.list"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_COMPONENTS = "main contrib non-free non-free-firmware"
_LOCKED = "Could not get lock"


class Newer(NamedTuple):
    """A package that is newer in archives, and in which: ``Debian-Security:13/stable-security``."""

    name: str
    version: str
    origins: str


def install_files(system: System, files: Sequence[str]) -> str:
    """Install packages from files, and nothing else: no network is asked. Gives apt's words.

    The lists of the image may be older than the archive, so they count for nothing.
    """
    return _apt(system, [*_INSTALL, *_sources("/dev/null"), *files])


def install_from_archive(system: System, names: Sequence[str], mirror: str) -> str:
    """Install packages, by name or file, with what they need. Gives apt's words.

    Args:
        system: the node.
        names: of packages, and paths of files.
        mirror: address of the archive; empty for the image's own sources.

    Raises:
        AgentError: with the cause, if apt's words tell one; see `cause_of`.
    """
    sources = refreshed(system, mirror)
    return _apt(system, [*_INSTALL, *_PATIENCE, *sources, *names])


def refreshed(system: System, mirror: str) -> tuple[str, ...]:
    """Fetch an archive's lists; gives the options by which apt asks that archive and no other.

    Args and errors are those of `install_from_archive`.
    """
    if system.booted:
        addresses_in_time(system, is_told=False)
    sources = _sources(_LISTED) if mirror else ()
    if mirror:
        system.write(_LISTED, _listed(system, mirror).encode())
    _apt(system, [*_UPDATE, *sources])
    return sources


def newer_than_installed(system: System, sources: Sequence[str]) -> list[Newer]:
    """What an archive has newer, and what that needs, in the order in which apt would take it."""
    told = _apt(system, [*_UPGRADE, "--simulate", *sources])
    return [Newer(*found.groups()) for found in map(_INST.match, told.splitlines()) if found]


def upgrade(system: System, sources: Sequence[str], names: Sequence[str] = ()) -> str:
    """Take what is newer; where names are given, of these packages alone. Gives apt's words."""
    argv = [*_INSTALL, "--only-upgrade", *names] if names else [*_UPGRADE]
    return _apt(system, [*argv, *_PATIENCE, *sources])


def cause_of(words: str) -> AgentError | None:
    """What apt stumbled over, from its words in the C locale; None where they tell nothing.

    The texts are those of apt 2.6 to 3.0 and of the C library.
    """
    for pattern, cause in _CAUSES:
        if found := re.search(pattern, words):
            named = {name: text or "" for name, text in found.groupdict().items()}
            reason = " ".join(cause.reason.format(**named).split())
            return AgentError(cause.code, reason, cause.hint)
    return None


def _sources(file: str) -> tuple[str, ...]:
    return ("-o", f"Dir::Etc::SourceList={file}", "-o", "Dir::Etc::SourceParts=/dev/null")


def _listed(system: System, mirror: str) -> str:
    """A line of sources.list(5); components that an archive lacks are passed over by apt."""
    told = system.read("/etc/os-release").decode(errors="replace")
    suite = re.search(r'^VERSION_CODENAME="?([a-z]+)', told, re.MULTILINE)
    signed = f"[signed-by={_KEYRING}] " if system.path(_KEYRING).exists() else ""
    return f"deb {signed}{mirror} {suite[1] if suite else 'stable'} {_COMPONENTS}\n"


def _apt(system: System, argv: Sequence[str]) -> str:
    until = time.monotonic() + _LOCK_SECONDS
    finished = system.run(argv, seconds=_SECONDS)
    while _is_locked(finished) and time.monotonic() < until:
        time.sleep(_LOCK_PAUSE_SECONDS)
        finished = system.run(argv, seconds=_SECONDS)
    if finished.status == 0:
        return finished.output
    raise cause_of(finished.output) or program_failed(argv[0], finished)


def _is_locked(finished: Finished) -> bool:
    return finished.status != 0 and _LOCKED in finished.output


_CABLE = "Check cable, wifi and router."
_ADDRESS = "Check the mirror in site.toml, or the sources of the image."
_URL = r"(?P<url>https?://\S+)"
# What apt says, and what that means with what the pattern found; the first that fits counts.
_CAUSES = (
    (
        rf"{_URL}[^\n]*is not valid yet|uses not yet valid certificate|not yet activated",
        AgentError(
            "clock-wrong",
            "To the node's clock, the archive {url} is of the future: the clock is behind.",
            "See that a time server answers: site.toml, [time].",
        ),
    ),
    (
        rf"{_URL}[^\n]* (?:is|has) expired|certificate has expired|uses expired certificate",
        AgentError(
            "clock-wrong",
            "To the node's clock, the archive {url} has expired.",
            "Bring the mirror up to date; or see that a time server answers.",
        ),
    ),
    (
        r"(?:resolving|Could not resolve) (?:host )?'?(?P<host>[^'\s]+)'",
        AgentError(
            "archive-unreachable",
            "No name server knows {host}, or none answers.",
            f"{_CABLE} {_ADDRESS}",
        ),
    ),
    (
        r"(?:Cannot initiate the connection to|Could not connect to|connect to) (?P<host>\S+)"
        r"[^\n]*(?:Network is unreachable|No route to host)",
        AgentError(
            "archive-unreachable",
            "There is no way to {host}: no network, or no router to it.",
            _CABLE,
        ),
    ),
    (
        r"connect to (?P<host>\S+)[^\n]*Connection refused",
        AgentError(
            "archive-unreachable",
            "{host} is there, but no server of packages runs on it.",
            f"Start it. {_ADDRESS}",
        ),
    ),
    (
        r"[Cc]onnection (?:timed out|failed)",
        AgentError("archive-unreachable", "The archive does not answer.", _CABLE),
    ),
    (
        r"NO_PUBKEY|not signed|BADSIG|signatures? (?:were|was|couldn't be) |Missing key|"
        r"certificate is NOT trusted|GPG error",
        AgentError(
            "archive-refused",
            "The archive is not signed by a key that this image trusts.",
            _ADDRESS,
        ),
    ),
    (
        r"'(?P<url>\S+) (?P<suite>\S+) Release' does not have a Release file",
        AgentError(
            "archive-refused",
            "The archive {url} has nothing for this system: {suite}.",
            _ADDRESS,
        ),
    ),
    (
        rf"{_URL}\s+404 +Not Found",
        AgentError(
            "archive-refused",
            "The archive lacks what it lists: {url}.",
            "Bring the mirror up to date.",
        ),
    ),
    (
        r"(?:Unable to locate package|Package) '?(?P<name>[a-z0-9][a-z0-9+.-]+)'?"
        r"(?:\n| has no installation candidate)",
        AgentError(
            "package-unknown",
            "The archive has no package {name}.",
            "Correct its name in the profile, or take a mirror that has it.",
        ),
    ),
    (
        r"Hash Sum mismatch|File has unexpected size",
        AgentError(
            "archive-unreachable",
            "What came from the archive was spoiled on its way.",
            _CABLE,
        ),
    ),
)
