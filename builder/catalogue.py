"""What a Debian suite offers one architecture, asked of the host's own apt in a folder of its own.

apt checks the archive's signatures and knows what depends on what; neither root nor the host's
settings are needed. `apt-get --print-uris` gives a closure in half a second; `apt-cache show` all
that is told about each package in it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote

from builder.bench import StepFailed, diagnose
from builder.lock import LockedPackage
from flasher.errors import EnvironmentLacks
from flasher.events import CancelFlag
from flasher.process import ProgramFailed, run

# The rolling suites have neither updates nor security beside them.
_ROLLING = ("sid", "unstable")
_COMPONENTS = "main non-free-firmware"
_URI = re.compile(r"'(?P<uri>[^']+)' (?P<file>\S+) (?P<size>\d+) SHA256:(?P<sha256>[0-9a-f]{64})")

# What apt tells on standard output of packages that cannot be had together.
_PACKAGES_AT_FAULT = re.compile(r"(?:unmet dependencies|will be REMOVED):\n((?: .*\n?)+)")


@dataclass(frozen=True, slots=True)
class Archive:
    """Where Debian's packages come from, and whose signature counts.

    Attributes:
        mirror, security: of the suites; "" for those that mmdebstrap takes by itself.
        updates: whether what came after the suite's last release counts, security fixes included.
    """

    mirror: str = ""
    security: str = ""
    keyring: Path = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
    updates: bool = True

    def sources(self, suite: str) -> str:
        """Text of sources.list for a suite, as its release notes give it."""
        lines = self._given(suite) if self.mirror else _default_sources(suite)
        return "".join(f"{line}\n" for line in (lines if self.updates else lines[:1]))

    def _given(self, suite: str) -> tuple[str, ...]:
        places = [(self.mirror, suite)]
        if has_updates(suite):
            places += [(self.mirror, f"{suite}-updates"), (self.security, f"{suite}-security")]
        return tuple(f"deb {uri} {name} {_COMPONENTS}" for uri, name in places if uri)

    @property
    def keyrings(self) -> tuple[Path, ...]:
        """Files with public keys, any of which may sign."""
        return (self.keyring,) if self.keyring.exists() else ()


def has_updates(suite: str) -> bool:
    """Whether the archive has updates and security fixes beside a suite."""
    return suite not in _ROLLING


@cache
def _default_sources(suite: str) -> tuple[str, ...]:
    """The lines that mmdebstrap writes for a suite; it is stopped as soon as it has."""
    argv = ["mmdebstrap", "--mode=chrootless", "--variant=custom", "--format=directory"]
    argv += [f"--components={_COMPONENTS.replace(' ', ',')}", "--skip=check/qemu,output/dev"]
    with TemporaryDirectory() as folder:
        told = Path(folder, "tree.list")
        hook = 'cat "$1/etc/apt/sources.list" > "$1.list"; exit 1'
        try:
            run([*argv, f"--setup-hook={hook}", suite, f"{folder}/tree"])
        except ProgramFailed:
            if not told.exists():
                raise
        lines = told.read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if line.startswith("deb "))


@dataclass(frozen=True, slots=True)
class Offer:
    """A package as the archive's index tells it.

    Attributes:
        stanza: its fields, as the index has them.
    """

    package: LockedPackage
    stanza: str

    @property
    def as_installed(self) -> str:
        """The stanza as dpkg's status has it for an installed package."""
        return f"{self.stanza}\nStatus: install ok installed\n\n"


class Catalogue:
    """A suite for one architecture.

    Args:
        folder: of its own; the lists in it, which apt keeps packed, serve the next time.
        log: hears the lines of apt.
    """

    def __init__(
        self,
        folder: Path,
        suite: str,
        architecture: str,
        archive: Archive,
        *,
        cancel: CancelFlag,
        log: Callable[[str], None],
        log_path: Path,
    ) -> None:
        self.suite, self.architecture = suite, architecture
        self._folder, self._archive = folder, archive
        self._cancel, self._log, self._log_path = cancel, log, log_path

    def update(self) -> None:
        """Fetch what the archive offers now, where it is not what is here.

        Raises:
            EnvironmentLacks: the archive's public keys are not installed.
            StepFailed: it could not be fetched, or its signature is not good.
        """
        keyrings = self._archive.keyrings
        if not keyrings:
            raise EnvironmentLacks(
                "keyring-missing",
                f"Debian's public keys are not there: {self._archive.keyring}.",
                "Install the package debian-archive-keyring.",
            )
        for name in ("lists/partial", "cache/archives/partial", "keys"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        for old in (self._folder / "keys").iterdir():
            old.unlink()
        for keyring in keyrings:
            (self._folder / "keys" / keyring.name).symlink_to(keyring.resolve())
        (self._folder / "apt.conf").write_text(self._settings(), encoding="utf-8")
        sources = self._archive.sources(self.suite)
        (self._folder / "sources.list").write_text(sources, encoding="utf-8")
        self._set_installed(())
        self._run("apt-get", "update", "--error-on=any")

    def closure(self, names: Sequence[str], installed: Iterable[Offer] = ()) -> tuple[Offer, ...]:
        """The packages of these names and all they depend on, without what is installed already.

        Args:
            names: package names, or apt's patterns.
            installed: from earlier calls.

        Returns:
            Sorted by name.

        Raises:
            StepFailed: ``package-unknown``, or ``packages-conflict``: they cannot be installed
                together, or upon what is installed.
        """
        self._set_installed(installed)
        options = ("--assume-yes", "--no-remove", "--print-uris")
        told = self._run("apt-get", "install", *options, *names)
        found = {match["sha256"]: match for match in _URI.finditer(told)}
        if not found:
            return ()
        versions = [_named_version(match["file"]) for match in found.values()]
        stanzas = self._run("apt-cache", "show", "--no-all-versions", *versions).split("\n\n")
        fields = [(_fields(stanza), stanza.strip("\n")) for stanza in stanzas if stanza.strip()]
        offers = {
            each["SHA256"]: Offer(_package(each, found[each["SHA256"]]["uri"]), stanza)
            for each, stanza in fields
            if each["SHA256"] in found
        }
        assert offers.keys() == found.keys()
        return tuple(sorted(offers.values(), key=lambda offer: offer.package.name))

    def close(self) -> None:
        """Give back what apt has unpacked of the lists: it does so again within seconds."""
        shutil.rmtree(self._folder / "cache", ignore_errors=True)

    def _set_installed(self, installed: Iterable[Offer]) -> None:
        status = "".join(offer.as_installed for offer in installed)
        (self._folder / "status").write_text(status, encoding="utf-8")

    def _run(self, *argv: str) -> str:
        self._log(f"+ {' '.join(argv)}")
        try:
            return run(
                argv,
                env={"APT_CONFIG": str(self._folder / "apt.conf")},
                cancel=self._cancel,
                on_line=self._log,
            ).text
        except ProgramFailed as failure:
            self._log(failure.finished.text)  # where apt tells which packages it is about
            told = diagnose(argv[0], failure.finished, self._log_path)
            which = _PACKAGES_AT_FAULT.search(failure.finished.text)
            message = f"{told.message}\n{which[1].rstrip()}" if which else told.message
            raise StepFailed(told.code, message, told.hint) from failure

    def _settings(self) -> str:
        """apt.conf(5): everything in our folder, nothing of the host's."""
        values = {
            "Dir": "/",
            "Dir::Etc": f"{self._folder}",
            "Dir::Etc::Main": "/dev/null",
            "Dir::Etc::Parts": "/dev/null",
            "Dir::Etc::SourceList": f"{self._folder}/sources.list",
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::Etc::Preferences": "/dev/null",
            "Dir::Etc::PreferencesParts": "/dev/null",
            "Dir::Etc::TrustedParts": f"{self._folder}/keys",
            "Dir::State": f"{self._folder}",
            "Dir::State::Lists": f"{self._folder}/lists",
            "Dir::State::Status": f"{self._folder}/status",
            "Dir::Cache": f"{self._folder}/cache",
            "Dir::Log": "/dev/null",
            "APT::Architecture": self.architecture,
            "APT::Architectures": self.architecture,
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",  # its own user may not read this folder
            "Acquire::ForceHash": "SHA256",
            "Acquire::GzipIndexes": "true",
            "Acquire::Languages": "none",
            "Acquire::PDiffs": "false",
            "Acquire::Retries": "3",
            "pkgCacheGen::ForceEssential": ",",  # else apt counts itself as essential
        }
        return "".join(f'{name} "{value}";\n' for name, value in values.items())


def _named_version(file: str) -> str:
    """``name=version`` from apt's name for a file: name_version_architecture.deb, `:` escaped."""
    name, version, _ = unquote(file).split("_")
    return f"{name}={version}"


def _fields(stanza: str) -> Mapping[str, str]:
    """The fields of a stanza; of those with several lines the first."""
    lines = (line.partition(": ") for line in stanza.splitlines() if not line.startswith(" "))
    return {name: value for name, _, value in lines}


def _package(fields: Mapping[str, str], uri: str) -> LockedPackage:
    size, sha256 = int(fields["Size"]), fields["SHA256"]
    return LockedPackage.from_fields(fields, uri=uri, size=size, sha256=sha256)
