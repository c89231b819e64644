"""The libraries that go into the package: fetched by their digests, unpacked side by side."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from flasher import paths
from flasher.errors import BadInput
from flasher.files import write_atomic
from flasher.process import run

PROJECT = Path(__file__).parents[2]
LOCK = Path(__file__).parent / "wheels.lock"
UPDATE = "python -m builder.kit --update-lock"

# The Pythons of Debian 12 and 13, and of Ubuntu between them.
PYTHONS = ("3.11", "3.12", "3.13")
ARCHITECTURE = "amd64"
# Debian 12 has glibc 2.36; pip takes a tag for each older one that wheels are made for.
_GLIBC = (5, 12, 17, *range(24, 37))
_PLATFORMS = tuple(f"manylinux_2_{minor}_x86_64" for minor in _GLIBC)


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a wheel as it is installed; `path` is relative to the folder of libraries."""

    path: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel that was fetched, and the Pythons that it is for; all of them: a common one."""

    file: Path
    pythons: tuple[str, ...]

    @property
    def folders(self) -> tuple[str, ...]:
        """Where it is unpacked, below /usr/lib/flasher."""
        return (
            ("lib",) if self.pythons == PYTHONS else tuple(tag(python) for python in self.pythons)
        )

    def members(self) -> Iterable[Member]:
        """What it installs: no scripts, no headers."""
        with zipfile.ZipFile(self.file) as archive:
            for name in sorted(archive.namelist()):
                path = re.sub(r"^[^/]+\.data/(purelib|platlib)/", "", name)
                if not path.endswith("/") and not re.match(r"^[^/]+\.data/", path):
                    yield Member(path, archive.read(name))


def tag(python: str) -> str:
    """``cp311`` for ``3.11``."""
    return "cp" + python.replace(".", "")


def fetch_wheels() -> list[Wheel]:
    """All wheels of the lock, by name; from the store where an earlier call left them.

    Raises:
        BadInput: ``lock-behind``, as `check_lock`.
        ProgramFailed: pip could not fetch one, or its digest is another.
    """
    check_lock(PROJECT / "pyproject.toml", LOCK)
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]
    store = paths.cache() / "wheels" / digest
    for python in PYTHONS:
        if not (store / tag(python)).is_dir():
            arguments = ["--require-hashes", "--no-deps", "--requirement", str(LOCK)]
            _download(python, arguments, store / tag(python))
    return _common(store)


def update_lock() -> None:
    """Resolve the libraries anew, within the constraints, and write their digests down."""
    with tempfile.TemporaryDirectory() as scratch:
        for python in PYTHONS:
            constraints = ["--constraint", str(PROJECT / ".constraints.txt")]
            _download(python, [*constraints, *requirements()], Path(scratch) / tag(python))
        write_atomic(LOCK, _lock_of(sorted(Path(scratch).glob("*/*.whl"))))


def check_lock(project: Path, lock: Path) -> None:
    """See that a lock has each library that a ``pyproject.toml`` asks for, in its version.

    Raises:
        BadInput: ``lock-behind``.
    """
    locked = lock.read_text().split()
    for wanted in requirements(project):
        if _key(*wanted.split(";")[0].strip().split("==")) not in locked:
            raise BadInput(
                "lock-behind",
                f"{lock} does not name {wanted}.",
                f"Bring it up to date: `{UPDATE}`.",
            )


def requirements(project: Path = PROJECT / "pyproject.toml") -> list[str]:
    """What the program needs to run, as ``pyproject.toml`` has it; desktops' keyrings included."""
    told = tomllib.loads(project.read_text())["project"]
    return [*told["dependencies"], *told["optional-dependencies"].get("keyring", ())]


def _download(python: str, arguments: list[str], folder: Path) -> None:
    """Into a folder that is there only when it is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download"]
    platforms = [word for platform in _PLATFORMS for word in ("--platform", platform)]
    only = ["--only-binary", ":all:", "--implementation", "cp", "--python-version", python]
    try:
        run([*pip, *only, *platforms, "--dest", str(scratch), *arguments], hint=_HINT)
        scratch.replace(folder)
    except BaseException:
        shutil.rmtree(scratch)
        raise


_HINT = "Check the network; where a digest differs, find out why before anything else."


def _common(store: Path) -> list[Wheel]:
    found: dict[str, list[str]] = {}
    for python in PYTHONS:
        for file in (store / tag(python)).glob("*.whl"):
            found.setdefault(file.name, []).append(python)
    return [
        Wheel(store / tag(pythons[0]) / name, tuple(pythons))
        for name, pythons in sorted(found.items())
    ]


def _lock_of(files: Iterable[Path]) -> str:
    digests: dict[str, set[str]] = {}
    for file in files:
        key = _key(*file.name.split("-")[:2])
        digests.setdefault(key, set()).add(hashlib.sha256(file.read_bytes()).hexdigest())
    head = f"# Wheels of the package, with their digests. Made by `{UPDATE}`.\n"
    return head + "".join(
        " \\\n    ".join([key, *(f"--hash=sha256:{digest}" for digest in sorted(found))]) + "\n"
        for key, found in sorted(digests.items())
    )


def _key(name: str, version: str) -> str:
    return f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}"
