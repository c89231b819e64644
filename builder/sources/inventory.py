"""What is installed in a tree that others made, as its own files tell it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.catalogue import Offer
from builder.emulation import MACHINES
from builder.lock import LockedPackage
from flasher.errors import BadInput

_STATUS = "var/lib/dpkg/status"
_INSTALLED = "install ok installed", "hold ok installed"
_SOURCES = "etc/apt/sources.list"
# Programs that systems have, to tell their architecture by; links in a tree may lead out of it.
_PROGRAMS = ("usr/bin/dash", "usr/bin/bash", "bin/dash", "bin/bash", "bin/busybox", "usr/bin/env")


@dataclass(frozen=True, slots=True)
class Inventory:
    """A tree of others.

    Attributes:
        suite: the name of its release, such as ``trixie``, else of its system, such as ``arch``.
        offers: its Debian packages; none where it has none.
        sources: text of its /etc/apt/sources.list, "" without.
        python: major and minor version of its python3, None without.
    """

    suite: str
    offers: tuple[Offer, ...]
    sources: str
    python: tuple[int, int] | None


def take_inventory(tree: Path, architecture: str) -> Inventory:
    """Read what a tree says of itself.

    Args:
        tree: readable for us.
        architecture: Debian's name of the one that it must be for.

    Raises:
        BadInput: it is for another architecture.
    """
    _require_architecture(tree, architecture)
    status = tree / _STATUS
    text = status.read_text(encoding="utf-8", errors="replace") if status.is_file() else ""
    offers = tuple(_offers(text))
    listed = tree / _SOURCES
    return Inventory(
        suite=_suite(tree),
        offers=tuple(sorted(offers, key=lambda o: (o.package.name, o.package.architecture))),
        sources=listed.read_text(encoding="utf-8") if listed.is_file() else "",
        python=_python(tree),
    )


def _offers(text: str) -> Iterator[Offer]:
    """The installed packages of a dpkg status file: deb822 stanzas, one empty line between."""
    for stanza in text.split("\n\n"):
        lines = [line for line in stanza.strip("\n").split("\n") if line]
        fields = dict(line.partition(": ")[::2] for line in lines if line[0] != " ")
        if fields.get("Status") in _INSTALLED:
            kept = "\n".join(line for line in lines if not line.startswith("Status:"))
            yield Offer(LockedPackage.from_fields(fields), kept)


def _suite(tree: Path) -> str:
    for name in ("usr/lib/os-release", "etc/os-release"):
        path = tree / name
        if path.is_file() and not path.is_symlink():
            text = path.read_text(encoding="utf-8", errors="replace")
            told = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, re.MULTILINE))
            return (
                re.sub(
                    r"[^a-z0-9-]", "-", (told.get("VERSION_CODENAME") or told.get("ID", "")).lower()
                )
                or "linux"
            )
    return "linux"


def _python(tree: Path) -> tuple[int, int] | None:
    link = tree / "usr/bin/python3"
    found = re.fullmatch(r"python(\d+)\.(\d+)", link.readlink().name) if link.is_symlink() else None
    return (int(found[1]), int(found[2])) if found else None


def _require_architecture(tree: Path, architecture: str) -> None:
    program = next((tree / n for n in _PROGRAMS if _is_program(tree / n)), None)
    if program is None:
        return
    with program.open("rb") as stream:
        head = stream.read(20)
    for name, machine in MACHINES.items():
        fits = zip(head, machine.magic, machine.mask, strict=True)
        if all(byte & mask == magic & mask for byte, magic, mask in fits):
            if name != architecture:
                raise BadInput(
                    "architecture-differs",
                    f"The recipe is for {architecture}, and what it starts from for {name}.",
                    "Set `architecture` in the recipe, or --arch, to match.",
                )
            return


def _is_program(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
