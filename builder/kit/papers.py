"""The papers of the package: what it is, what it needs, whose work is inside."""

from __future__ import annotations

import email.parser
import tomllib
from collections.abc import Iterable
from email.message import Message
from email.utils import formatdate

from builder.debian_package import MAINTAINER
from builder.kit.wheels import ARCHITECTURE, PROJECT, PYTHONS, Wheel
from flasher import __version__

# What commands use besides Python; the wizard says what it misses, and `flasher doctor` all of it.
_RECOMMENDS = ("udisks2", "polkitd | policykit-1", "dosfstools", "e2fsprogs", "mtools", "zstd")
_SUGGESTS = (
    "qemu-system-arm",
    "qemu-system-x86",
    "mmdebstrap",
    "musl-tools",
    "qemu-user-static",
    "uidmap",
    "xz-utils",
    "quilt",
)


def control() -> dict[str, str]:
    """The fields of the control file, but the size."""
    minor = int(PYTHONS[-1].split(".")[1]) + 1
    return {
        "Package": "flasher",
        "Version": __version__,
        "Architecture": ARCHITECTURE,
        "Maintainer": MAINTAINER,
        "Depends": f"python3 (>= {PYTHONS[0]}), python3 (<< 3.{minor}), libc6 (>= 2.36)",
        "Recommends": ", ".join(_RECOMMENDS),
        "Suggests": ", ".join(_SUGGESTS),
        "Section": "admin",
        "Priority": "optional",
        "Description": "makes the SD cards of a rig of Raspberry Pis\n"
        " A wizard, and commands for all that it does: writes the card of each node of\n"
        " a rig, reads it back byte by byte, and keeps a ledger of them. Its Python\n"
        " libraries are inside: nothing is fetched when it is installed.",
    }


def changelog(epoch: int) -> str:
    """The changelog, in Debian's form, of a package whose changes are told elsewhere."""
    return (
        f"flasher ({__version__}) unstable; urgency=medium\n\n"
        f"  * Flasher {__version__}; its CHANGELOG.md tells what changed.\n\n"
        f" -- {MAINTAINER}  {formatdate(epoch)}\n"
    )


def copyright_of(wheels: Iterable[Wheel]) -> str:
    """Whose work is in the package, and where each licence is to be read."""
    licence = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["license"]
    lines = [
        f"Copyright (C) 2026 the authors of Flasher. It is licensed under {licence}:",
        "/usr/share/common-licenses/Apache-2.0 on Debian systems.",
        "",
        "Countries, languages and cities have their names in other languages from Unicode's",
        "CLDR; its licence stands in each places.po of the assets.",
        "",
        "The libraries below /usr/lib/flasher are the work of others, each under its own",
        "licence. What each asks to be told lies beside it.",
    ]
    named = {line: None for wheel in wheels for line in _whose(wheel)}
    return "\n".join([*lines, *named]) + "\n"


def _whose(wheel: Wheel) -> list[str]:
    """Name, authors, licence and its texts of one library."""
    members = {member.path: member.data for member in wheel.members()}
    path = next(path for path in members if path.endswith(".dist-info/METADATA"))
    told = email.parser.Parser().parsestr(members[path].decode())
    authors = told["Author"] or told["Author-email"] or told["Maintainer-email"] or "its authors"
    papers = [
        f"  /usr/lib/flasher/{wheel.folders[0]}/{name}"
        for name in members
        if ".dist-info/" in name and any(word in name.upper() for word in _PAPERS)
    ]
    title = f"{told['Name']} {told['Version']}, by {authors}: {_licence(told)}"
    return ["", title, *papers]


_PAPERS = ("LICENSE", "LICENCE", "COPYING", "NOTICE", "AUTHORS")


def _licence(told: Message) -> str:
    """As the library names it: an expression, a classifier, or the first line of words."""
    if expression := told["License-Expression"]:
        return str(expression)
    classes = [
        str(line) for line in told.get_all("Classifier", []) if line.startswith("License ::")
    ]
    words = (str(told["License"] or "").splitlines() or ["see its files"])[0]
    return classes[-1].split(" :: ")[-1] if classes else words
