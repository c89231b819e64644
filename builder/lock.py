"""Lock files: every package of an image, by version and digest, so that it can be made again.

A lock is JSON, one package a line. `builder.resolve` makes it from a recipe; the steps build from
it and from nothing else, so that two builds from one lock are made of the same bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path, PurePosixPath
from types import UnionType
from typing import TypeVar, cast, get_args, get_origin, get_type_hints
from urllib.parse import unquote

from flasher.errors import BadInput
from flasher.files import write_atomic

FORMAT = 1
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """One binary package, exactly.

    Attributes:
        source, source_version: the source package that it was built from.
        uri: where it was found; its last part is the name of the .deb.
        size: of the .deb in bytes.
        sha256: of the .deb, 64 hex digits.
        section: Debian's, such as ``admin`` or ``non-free-firmware/kernel``.
        description: one line.
        homepage: of the project, "" where the package names none.
    """

    name: str
    version: str
    architecture: str
    source: str
    source_version: str
    uri: str
    size: int
    sha256: str
    section: str = ""
    description: str = ""
    homepage: str = ""

    @classmethod
    def from_fields(
        cls, fields: Mapping[str, str], *, uri: str = "", size: int = 0, sha256: str = ""
    ) -> LockedPackage:
        """A package as its control fields tell: deb-control(5), deb-src-control(5).

        Args:
            fields: by name; of those with several lines the first.
            uri, size, sha256: of its .deb; nothing for one that is only known as installed.
        """
        source, _, version = fields.get("Source", fields["Package"]).partition(" ")
        return cls(
            name=fields["Package"],
            version=fields["Version"],
            architecture=fields["Architecture"],
            source=source,
            source_version=version.strip("()") or fields["Version"],
            uri=uri,
            size=size,
            sha256=sha256,
            section=fields.get("Section", ""),
            description=fields.get("Description", ""),
            homepage=fields.get("Homepage", ""),
        )

    @property
    def filename(self) -> str:
        """Base name of the .deb."""
        return unquote(PurePosixPath(self.uri).name)


@dataclass(frozen=True, slots=True)
class LockedGroup:
    """The packages that one layer, or one tool root, adds to what is below.

    Attributes:
        epoch: SOURCE_DATE_EPOCH for it: when it was resolved, seconds since 1970, UTC.
        requested: names (and apt's patterns) asked for; the other packages are what these need.
        packages: sorted by name.
    """

    name: str
    epoch: int
    requested: tuple[str, ...]
    packages: tuple[LockedPackage, ...]


@dataclass(frozen=True, slots=True)
class LockedBase:
    """What a build starts from where that is not Debian's packages.

    Attributes:
        origin: as the recipe names it.
        uri: where it was found: an address, or the name of a file.
        size: in bytes.
        sha256: of the file as it came, 64 hex digits.
        disk_id: of the image's partition table, by which root is found; 0 where it has none.
    """

    origin: str
    uri: str
    size: int
    sha256: str
    disk_id: int = 0


@dataclass(frozen=True, slots=True)
class Lock:
    """All packages that a build reads.

    Attributes:
        sources: text of the image's ``/etc/apt/sources.list``.
        layers: ``debian`` first, or ``base`` with what was installed in it, of which only names and
            versions are known; then each of the recipe's layers that asks for packages.
        native_architecture: Debian's name for that of the building computer.
        twins: packages of the suite for the building computer, run in place of emulated ones.
        tools: native programs that assemble the image, the same on every computer.
        base: what the lowest layer is, where it is not Debian's packages.
        archive: the sources of packages that the recipe names itself, a line each; None where it
            names none.
        scripts: what apt fetched in scripts that use the network, by the names of their steps; what
            was requested is the digest of the script and all that it reads.
    """

    suite: str
    architecture: str
    sources: str
    layers: tuple[LockedGroup, ...]
    native_architecture: str
    twins: LockedGroup
    tools: LockedGroup
    base: LockedBase | None = None
    archive: str | None = None
    scripts: tuple[LockedGroup, ...] = ()

    @property
    def groups(self) -> tuple[LockedGroup, ...]:
        """All groups: the layers', the twins, the tools."""
        return (*self.layers, self.twins, self.tools)

    @property
    def epoch(self) -> int:
        """The image's: that of the newest layer."""
        return max(group.epoch for group in self.layers)


def with_script(lock: Lock, group: LockedGroup) -> Lock:
    """The lock with what a script fetched, in place of what it fetched before."""
    others = tuple(each for each in lock.scripts if each.name != group.name)
    return replace(lock, scripts=(*others, group))


def read_lock(path: Path) -> Lock:
    """Read a lock file, strictly.

    Raises:
        BadInput: it cannot be read, or is no lock of this format.
    """
    try:
        return parse_lock(path.read_bytes())
    except OSError as error:
        raise BadInput(
            "lock-unreadable",
            f"The lock {path} cannot be read: {error.strerror}.",
            "Name a lock that exists; a build without one writes it beside the image.",
        ) from None
    except (ValueError, RecursionError) as error:
        raise BadInput(
            "lock-faulty",
            f"{path} is no lock that can be used: {error}.",
            "Take it back from where it came, or remove it: the next build writes a new one.",
        ) from None


def write_lock(path: Path, lock: Lock) -> None:
    """Write a lock file, whole or not at all."""
    write_atomic(path, format_lock(lock))


def format_lock(lock: Lock) -> str:
    """A lock as text."""
    return "".join(_lines({"format": FORMAT, **_plain(lock)})) + "\n"


def parse_lock(raw: bytes) -> Lock:
    """A lock from what `format_lock` wrote; raises `ValueError` that says where it is faulty."""
    told = json.loads(raw)
    if not isinstance(told, dict) or told.pop("format", None) != FORMAT:
        raise ValueError(f"its format is not {FORMAT}")
    lock = _build(Lock, told, "lock")
    if not lock.layers:
        raise ValueError("it has no layers")
    named = lock.groups if lock.base is None else lock.groups[1:]
    if nameless := [each.name for group in named for each in group.packages if not each.sha256]:
        raise ValueError(f"the package {nameless[0]} has no digest")
    return lock


_OPTIONAL = {"archive", "base", "scripts"}
_FORMS: Mapping[str, re.Pattern[str]] = {
    "architecture": re.compile(r"[a-z0-9-]+"),
    "homepage": re.compile(r"[^\n]*"),
    "description": re.compile(r"[^\n]*"),
    "name": re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*"),
    "section": re.compile(r"[^\n]*"),
    "sha256": re.compile(r"(?:[0-9a-f]{64})?"),
    "source_version": re.compile(r"[A-Za-z0-9.+~:-]+"),
    "suite": re.compile(r"[a-z][a-z0-9-]*"),
    "uri": re.compile(r"(?:[a-z+]+:\S*/[A-Za-z0-9](?:[\w.+~:-]|%[2-7][0-9A-Ea-e])*\.deb)?"),
    "version": re.compile(r"[A-Za-z0-9.+~:-]+"),
}


def _build(kind: type[T], value: object, place: str) -> T:
    """A frozen dataclass from JSON: exactly its fields, each of its type and form."""
    if not isinstance(value, dict):
        raise ValueError(f"{place} is no object")
    hints = get_type_hints(kind)
    if odd := sorted((value.keys() ^ hints.keys()) - _OPTIONAL):
        raise ValueError(f"{place}.{odd[0]} is {'not known' if odd[0] in value else 'missing'}")
    return kind(
        **{name: _check(hints[name], told, f"{place}.{name}") for name, told in value.items()}
    )


def _check(kind: object, value: object, place: str) -> object:
    if get_origin(kind) is UnionType:
        kind = get_args(kind)[0]
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise ValueError(f"{place} is no list")
        inner = get_args(kind)[0]
        return tuple(_check(inner, each, f"{place}[{at}]") for at, each in enumerate(value))
    if is_dataclass(kind):
        return _build(cast("type[object]", kind), value, place)
    form = _FORMS.get(place.rpartition(".")[2]) if not place.startswith("lock.base.") else None
    if type(value) is not kind or (isinstance(value, int) and value < 0):
        raise ValueError(f"{place} is {value!r}")
    if form and not form.fullmatch(str(value)):
        raise ValueError(f"{place} is {value!r}")
    return value


def _plain(value: object) -> dict[str, object]:
    """The fields of one dataclass, those in it left as they are."""
    return {each.name: getattr(value, each.name) for each in fields(cast("Lock", value))}


def _lines(value: object, indent: str = "\n") -> Iterator[str]:
    """JSON with a package a line, so that two locks can be compared line by line."""
    deeper = f"{indent}  "
    if isinstance(value, LockedPackage | LockedBase):
        yield json.dumps(_plain(value), ensure_ascii=False)
    elif isinstance(value, Lock | LockedGroup):
        yield from _lines(_plain(value), indent)
    elif isinstance(value, tuple) and value and not isinstance(value[0], str):
        for at, each in enumerate(value):
            yield f"{',' if at else '['}{deeper}"
            yield from _lines(each, deeper)
        yield f"{indent}]"
    elif isinstance(value, dict):
        there = {name: each for name, each in value.items() if each is not None}
        for at, (name, each) in enumerate(there.items()):
            yield f"{',' if at else '{'}{deeper}{json.dumps(name)}: "
            yield from _lines(each, deeper)
        yield f"{indent}}}"
    else:
        yield json.dumps(value, ensure_ascii=False)
