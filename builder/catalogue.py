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
from pathlib import Path
from urllib.parse import unquote

from builder.archive import KEYS, Archive
from builder.diagnosis import StepFailed, diagnose
from builder.lock import LockedPackage
from flasher.errors import EnvironmentLacks
from flasher.events import CancelFlag
from flasher.process import ProgramFailed, run

# Folders of settings that are written anew each time.
_OURS = ("keys", "named-keys", "sources.list.d", "preferences.d")
_KEY = re.compile(rf"(signed-by=|Signed-By: ){KEYS}/")
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]*")
_CANDIDATE = re.compile(r"^(\S+):\n(?:  .*\n)*?  Candidate: (.*)$", re.MULTILINE)
_URI = re.compile(r"'(?P<uri>[^']+)' (?P<file>\S+) (?P<size>\d+) SHA256:(?P<sha256>[0-9a-f]{64})")

# What apt tells on standard output of packages that cannot be had together.
_PACKAGES_AT_FAULT = re.compile(r"(?:unmet dependencies|will be REMOVED):\n((?: .*\n?)+)")


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
        if not keyrings and not self._archive.named_keys:
            raise EnvironmentLacks(
                "keyring-missing",
                f"Debian's public keys are not there: {self._archive.keyring}.",
                "Install the package debian-archive-keyring.",
            )
        for name in ("lists/partial", "cache/archives/partial"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        for name in _OURS:
            shutil.rmtree(self._folder / name, ignore_errors=True)
            (self._folder / name).mkdir()
        for keyring in keyrings:
            (self._folder / "keys" / keyring.name).symlink_to(keyring.resolve())
        for name, data in self._archive.named_keys.items():
            (self._folder / "named-keys" / name).write_bytes(data)
        self._write("apt.conf", self._settings())
        self._write("sources.list", self._archive.sources(self.suite, self.architecture))
        for name, text in self._archive.beside().items():
            self._write(f"sources.list.d/{name}.sources", text)
        for name, text in self._archive.preferences().items():
            self._write(f"preferences.d/{name}", text)
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

    def known(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of some package names, or of apt's patterns, that the suite has."""
        told = self._run("apt-cache", "policy", *(name for name in names if _NAME.fullmatch(name)))
        there = {found[1] for found in _CANDIDATE.finditer(told) if found[2] != "(none)"}
        return tuple(name for name in names if name in there or not _NAME.fullmatch(name))

    def _write(self, name: str, text: str) -> None:
        """A file of apt's settings, with the keys that it names as they lie here."""
        here = _KEY.sub(rf"\1{self._folder}/named-keys/", text)
        (self._folder / name).write_text(here, encoding="utf-8")

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
            "Dir::Etc::SourceParts": f"{self._folder}/sources.list.d",
            "Dir::Etc::Preferences": "/dev/null",
            "Dir::Etc::PreferencesParts": f"{self._folder}/preferences.d",
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
