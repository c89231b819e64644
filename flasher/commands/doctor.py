"""What this computer lacks for each command, and how to get it."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from builder.emulation import find_emulator
from builder.rights import require_rights
from builder.sandbox import try_overlay
from flasher import paths
from flasher.console import Console
from flasher.errors import EnvironmentLacks, ExitCode
from flasher.process import find_program
from flasher.progress import readable_size

EXAMPLE = "flasher doctor"

# A base image, its layers and one virtual card, with room to breathe.
_WANTED_FREE_BYTES = 8_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        needed_by: the command that cannot work without it.
        remedy: what to type; empty where all is well.
    """

    what: str
    needed_by: str
    remedy: str


def configure(_parser: argparse.ArgumentParser) -> None:
    """The command has no arguments of its own."""


def run(_args: argparse.Namespace, console: Console) -> int:
    """Look at everything, and say what to do about what is missing."""
    findings = [*_programs(), _disk(), *_folders(), *_sandbox(), _rights()]
    lacking = [finding for finding in findings if finding.remedy and finding.needed_by != "test"]
    console.table(
        ("", "WHAT", "FOR"), [("✗" if f.remedy else "✓", f.what, f.needed_by) for f in findings]
    )
    for remedy in dict.fromkeys(finding.remedy for finding in findings if finding.remedy):
        console.say(f"→ {remedy}")
    console.say(f"{len(lacking)} missing." if lacking else "Nothing is missing.")
    console.result("doctor", {"findings": [asdict(finding) for finding in findings]})
    return ExitCode.ENVIRONMENT if lacking else ExitCode.DONE


def _programs() -> list[Finding]:
    table = (paths.assets() / "host-tools.txt").read_text()
    rows = [line.split() for line in table.splitlines() if line and not line.startswith("#")]
    return [_program(*row) for row in rows]


def _program(name: str, package: str, needed_by: str) -> Finding:
    try:
        find_program(name)
    except EnvironmentLacks:
        return Finding(name, needed_by, f"sudo apt-get install {package}")
    return Finding(name, needed_by, "")


def _existing(place: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    return next(folder for folder in (place, *place.parents) if folder.exists())


def _folders() -> list[Finding]:
    places = {"FLASHER_CACHE": paths.cache(), "FLASHER_DATA": paths.data()}
    return [_writable(name, place) for name, place in places.items()]


def _writable(name: str, place: Path) -> Finding:
    is_writable = os.access(_existing(place), os.W_OK)
    remedy = "" if is_writable else f"Mend the rights of {place}, or set {name} to another folder."
    return Finding(f"{place} can be written", "all", remedy)


def _disk() -> Finding:
    place = _existing(paths.cache())
    free = shutil.disk_usage(place).free
    enough = free >= _WANTED_FREE_BYTES
    wanted = readable_size(_WANTED_FREE_BYTES)
    remedy = (
        "" if enough else f"Free {wanted} below {place}, or set FLASHER_CACHE to a larger disk."
    )
    return Finding(f"{readable_size(free)} free below {place}", "build-base", remedy)


def _sandbox() -> list[Finding]:
    """What a build needs of the kernel, tried out; each row stands for one sort of error."""
    place = _existing(paths.cache())
    return [
        _tried("the ids of an image's users", require_rights),
        _tried(f"layers stacked below {place}", lambda: _stack_below(place)),
        _tried("a handler for arm64 programs", lambda: find_emulator("arm64")),
    ]


def _tried(what: str, attempt: Callable[[], object]) -> Finding:
    try:
        attempt()
    except EnvironmentLacks as lacking:
        return Finding(what, "build-base", f"{lacking.message} {lacking.hint}")
    return Finding(what, "build-base", "")


def _stack_below(place: Path) -> None:
    if os.access(place, os.W_OK):  # if not, that has a row of its own
        with TemporaryDirectory(dir=place, prefix=".flasher-") as folder:
            try_overlay(Path(folder))


def _rights() -> Finding:
    remedy = ""
    if os.geteuid() != 0:
        try:
            find_program("udisksctl")
        except EnvironmentLacks:
            remedy = "Run it with sudo to write to real drives, or install udisks2."
    return Finding("a way to real drives", "prepare", remedy)
