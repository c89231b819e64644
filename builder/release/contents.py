"""What an image is made of, as all its papers tell it: one list of parts, each with its layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from builder.lock import Lock, LockedPackage
from builder.recipe import Recipe
from flasher import __version__


@dataclass(frozen=True, slots=True)
class Part:
    """One package in the image.

    Attributes:
        layer: the one that brought it.
        purl: its package URL, as the purl specification has them.
        file: name of the file that it was installed from, "" where there was none.
        sha256: of that file, 64 hex digits, "" where there was none.
        source: what it was built from, name and version, "" where that is itself.
        supplier: who is behind it.
        license: an SPDX expression, "" where it is not known here.
    """

    name: str
    version: str
    architecture: str
    layer: str
    purl: str
    file: str = ""
    sha256: str = ""
    source: str = ""
    supplier: str = ""
    license: str = ""
    description: str = ""
    homepage: str = ""


def list_parts(recipe: Recipe, lock: Lock) -> tuple[Part, ...]:
    """All parts of an image: Debian's packages by the lock, and our own; by name."""
    debian = {
        (package.name, package.architecture): _debian(package, group.name, lock.suite)
        for group in (*lock.layers, *lock.scripts)
        for package in group.packages
    }
    return tuple(
        sorted((*debian.values(), *_own(recipe)), key=lambda part: (part.name, part.architecture))
    )


def write_table(parts: tuple[Part, ...]) -> str:
    """The parts as tab-separated lines under a heading."""
    rows = [(part.name, part.version, part.architecture, part.layer) for part in parts]
    heading = ("package", "version", "architecture", "layer")
    return "".join("\t".join(row) + "\n" for row in (heading, *rows))


def _debian(package: LockedPackage, layer: str, suite: str) -> Part:
    return Part(
        name=package.name,
        version=package.version,
        architecture=package.architecture,
        layer=layer,
        purl=_debian_purl(package, suite),
        file=package.filename,
        sha256=package.sha256,
        source=f"{package.source} {package.source_version}",
        supplier="Debian",
        description=package.description,
        homepage=package.homepage,
    )


def _debian_purl(package: LockedPackage, suite: str) -> str:
    """See "deb" in the list of types of the purl specification."""
    name, version = (quote(text, safe=":") for text in (package.name, package.version))
    return f"pkg:deb/debian/{name}@{version}?arch={package.architecture}&distro={suite}"


def _own(recipe: Recipe) -> Iterator[Part]:
    """Python packages that ship with this program, of its own version."""
    for layer in recipe.layers:
        for name in layer.python:
            purl = f"pkg:generic/{quote(name)}@{quote(__version__)}"
            yield Part(
                name, __version__, "all", layer.name, purl, supplier="Flasher", license="Apache-2.0"
            )
