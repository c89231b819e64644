"""The Debian package: everything inside, nothing fetched when it is installed."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path

from builder.debian_package import Entry, make_package
from builder.kit.manpages import man_pages
from builder.kit.papers import changelog, control, copyright_of
from builder.kit.wheels import ARCHITECTURE, PROJECT, PYTHONS, Wheel, tag
from flasher import __version__
from flasher.process import run

FILES = Path(__file__).parent / "files"
HOME = "usr/lib/flasher"
_OWN = ("flasher", "autosetup", "builder")


def package_name() -> str:
    """The name of the package's file."""
    return f"flasher_{__version__}_{ARCHITECTURE}.deb"


def write_package(files: Iterable[Entry], target: Path, epoch: int) -> None:
    """Write the package; the same inputs give the same bytes.

    Args:
        files: what is `installed`.
        target: the package's file.
        epoch: the time that all files bear, in seconds since 1970.
    """
    scripts = {name: (FILES / name).read_bytes() for name in ("postinst", "prerm")}
    make_package(files, control(), target, epoch, scripts)


def installed(wheels: list[Wheel], epoch: int) -> Iterator[Entry]:
    """All files that the package puts onto a computer.

    Args:
        wheels: the libraries inside.
        epoch: the time that papers bear, in seconds since 1970.
    """
    yield Entry("usr/bin/flasher", (FILES / "flasher").read_bytes(), 0o755)
    yield from _own_code()
    for wheel in wheels:
        for member in wheel.members():
            for folder in wheel.folders:
                yield Entry(f"{HOME}/{folder}/{member.path}", member.data)
    for python in PYTHONS:
        yield Entry(f"{HOME}/{tag(python)}/.complete", b"")
    yield from _desktop()
    for name, page in man_pages(epoch).items():
        yield Entry(f"usr/share/man/man1/{name}.gz", _gzipped(page))
    yield Entry("usr/share/doc/flasher/copyright", copyright_of(wheels).encode())
    yield Entry("usr/share/doc/flasher/changelog.gz", _gzipped(changelog(epoch)))
    overrides = (FILES / "lintian-overrides").read_bytes()
    yield Entry("usr/share/lintian/overrides/flasher", overrides)


def _own_code() -> Iterator[Entry]:
    """All that runs where it is installed: not what made the package."""
    for package in _OWN:
        tree = _tree(PROJECT / package, f"{HOME}/lib/{package}")
        yield from (entry for entry in tree if "/builder/kit/" not in entry.path)
    yield from _tree(PROJECT / "assets", f"{HOME}/lib/flasher/assets")


def _desktop() -> Iterator[Entry]:
    for name, place in (
        ("flasher.desktop", "usr/share/applications"),
        ("flasher.svg", "usr/share/icons/hicolor/scalable/apps"),
    ):
        yield Entry(f"{place}/{name}", (FILES / name).read_bytes())
    rule = PROJECT / "assets/polkit/50-flasher.rules"
    yield Entry(f"usr/share/polkit-1/rules.d/{rule.name}", rule.read_bytes())


def _tree(folder: Path, place: str) -> Iterator[Entry]:
    for path in sources(folder):
        mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
        yield Entry(f"{place}/{path.relative_to(folder)}", path.read_bytes(), mode)


def sources(folder: Path, project: Path = PROJECT) -> Iterator[Path]:
    """The files of a folder that are the project's; what else lies there is nobody's to give away.

    Args:
        folder: below the project.
        project: a repository; without one, all counts but what Python keeps there for itself.
    """
    if (project / ".git").exists():
        listed = run(["git", "-C", str(folder), "ls-files", "-z"]).text.split("\0")
        found = [folder / name for name in listed if name]
    else:
        found = [path for path in folder.rglob("*") if "__pycache__" not in path.parts]
    yield from (path for path in found if path.is_file())


def _gzipped(text: str) -> bytes:
    return gzip.compress(text.encode(), 9, mtime=0)
