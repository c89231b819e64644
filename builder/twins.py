"""Native twins: programs of the image run at this computer's own speed while it is built.

A program is the same whichever architecture it was compiled for, so long as it is the same version
and does not speak of its own architecture. The twins of the image's programs are extracted into a
native root, and a tree called the *stand* is laid below the image while its programs run:

    /.twin/handler, qemu     what the kernel starts for a foreign program; see native/handler.c
    /.twin/exec/PATH         a link to the native twin of PATH
    /.twin/loader            a link to the loader of native programs
    /etc/apt/apt.conf.d/00architecture  what apt shall take its own architecture to be
    /.twin/root, log         mount points of the native root and of the record of what ran
    /usr/lib/<native tuple>, /usr/lib64   where native programs look for their libraries

Nothing of it is part of a layer: an overlay's lowest folder is never written to.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.emulation import Emulation, Emulator, registration
from builder.layers import Store
from builder.lock import Lock, LockedPackage
from builder.native_root import NativeRoot
from builder.pool import Pool
from flasher.files import sync_folder
from flasher.process import find_program, run

VERSION = 4  # raised when the code makes another stand from the same inputs
_SOURCE = Path(__file__).with_name("native") / "handler.c"
_NAME_DIGITS = 20

COMPILER = "musl-gcc"

# What maintainer scripts and their tools run most; each with all that it depends on.
TWIN_PACKAGES = (
    *("adduser", "apt", "base-files", "bash", "bsdutils", "bzip2", "ca-certificates", "coreutils"),
    *("cpio", "dash", "dbus", "dbus-bin", "debconf", "debianutils", "diffutils", "dpkg"),
    *("dracut-install", "e2fsprogs", "fdisk", "findutils", "gpgv", "grep", "gzip", "hostname"),
    *("init-system-helpers", "initramfs-tools-bin", "kmod", "libc-bin", "libpam-runtime"),
    *("libpython3-stdlib", "locales", "login", "mawk", "mount", "ncurses-bin", "openssh-client"),
    *("openssh-server", "openssl", "passwd", "perl", "perl-base", "procps", "python3"),
    *("python3-minimal", "sed", "systemd", "systemd-sysv", "tar", "udev", "util-linux"),
    *("xz-utils", "zstd"),
)

# Their answer depends on their own architecture, or they serve their own only.
_NOT_TWINS = frozenset(
    {
        *("/usr/bin/arch", "/usr/bin/getconf", "/usr/bin/ld.so", "/usr/bin/lscpu"),
        *("/usr/bin/setarch", "/usr/bin/uname", "/usr/sbin/iconvconfig", "/usr/sbin/ldconfig"),
    }
)

# dpkg knows its architecture as one string, which a copy has as the image's; apt asks its settings.
_TOLD = "usr/bin/dpkg*"
_APT_SETTINGS = "etc/apt/apt.conf.d/00architecture"

_ELF = b"\x7fELF"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many programs ran natively and how many were emulated."""

    native: int = 0
    emulated: int = 0

    @property
    def share(self) -> float:
        """Of the native ones, 0 to 1; 0 where nothing ran."""
        return self.native / max(self.native + self.emulated, 1)

    def __str__(self) -> str:
        return f"{self.native} ran natively, {self.emulated} were emulated ({self.share:.1%})"


def twin_emulation(
    store: Store, pool: Pool, lock: Lock, root: NativeRoot, emulator: Emulator
) -> Emulation:
    """Make the stand of a lock's twins, once, and give what sandboxes need to run them.

    Args:
        store: where the stand is kept, and the record of what ran.
        pool: holds the twins' packages.
        lock: tells the versions on both sides: only equal ones are twins.
        root: of the lock's twins.
        emulator: for all other programs.

    Raises:
        EnvironmentLacks: there is no compiler for the handler.
        ProgramFailed: the handler cannot be compiled.
    """
    name = f"twins/{_digest(lock, root, emulator)}"
    if not (store.root / name).is_dir():
        with store.drafting() as draft:
            stand = _Stand(draft.tree, root, lock, emulator)
            stand.build(_different(pool, lock))
            run(["sync", "--file-system", str(draft.tree)])
            (store.root / "twins").mkdir(exist_ok=True)
            draft.tree.rename(store.root / name)
            sync_folder(store.root / "twins")
    record = record_of(store)
    record.write_bytes(b"")
    record.chmod(0o666)  # programs of every user of the image write to it
    handler = store.root / name / ".twin/handler"
    return Emulation(
        registration(emulator.machine, handler, "PF"),
        name,
        ((str(root.folder), ".twin/root"), (str(record), ".twin/log")),
    )


def record_of(store: Store) -> Path:
    """The record of what ran in the last build that had twins."""
    return store.root / "logs" / "twins"


def count_runs(store: Store) -> Counts:
    """Count what the record tells."""
    try:
        kinds = [line[:1] for line in record_of(store).read_bytes().splitlines()]
    except FileNotFoundError:
        return Counts()
    return Counts(kinds.count(b"n"), kinds.count(b"e"))


def _digest(lock: Lock, root: NativeRoot, emulator: Emulator) -> str:
    assert emulator.program is not None
    status = emulator.program.stat()
    pairs = sorted((each.name, each.source_version) for each in _packages(lock))
    told = (VERSION, root.folder.name, lock.architecture, pairs, status.st_size, status.st_mtime_ns)
    digest = hashlib.sha256(repr(told).encode())
    digest.update(_SOURCE.read_bytes())
    return digest.hexdigest()[:_NAME_DIGITS]


def _packages(lock: Lock) -> Iterator[LockedPackage]:
    for group in lock.layers:
        yield from group.packages


def _different(pool: Pool, lock: Lock) -> frozenset[str]:
    """Paths of the packages of which the image has another version.

    A rebuild of an unchanged source for one architecture (``+b1``) is no other version.
    """
    sources = {package.name: package.source_version for package in _packages(lock)}
    twins = lock.twins.packages
    others = [each for each in twins if sources.get(each.name) not in (None, each.source_version)]
    return frozenset(path for deb in pool.fetch(others) for path in _list_paths(deb))


def _list_paths(deb: Path) -> Iterator[str]:
    """Absolute paths of the files in a package, as they are once /usr is merged."""
    files = run(["dpkg-deb", "--fsys-tarfile", str(deb)]).output
    for line in run(["tar", "--list"], stdin=files).text.splitlines():
        path = line.removeprefix(".")
        yield path if path.startswith("/usr/") else f"/usr{path}"


@dataclass(frozen=True, slots=True)
class _Stand:
    tree: Path
    root: NativeRoot
    lock: Lock
    emulator: Emulator

    def build(self, different: frozenset[str]) -> None:
        """Fill the tree with the native programs that are no different ones."""
        own = self.tree / ".twin"
        for folder in (own / "root", own / "exec", self.tree / "usr/lib64"):
            folder.mkdir(parents=True)
        (own / "log").touch()
        assert self.emulator.program is not None
        shutil.copy(self.emulator.program, own / "qemu")
        _compile(own / "handler", self.emulator.program.read_bytes())
        self._link_libraries()
        for path in self._programs():
            if path not in different:
                _link(own / f"exec{path}", f"/.twin/root{path}")
        for place in self.root.folder.glob(_TOLD):
            self._tell_architecture(place)
        settings = self.tree / _APT_SETTINGS
        settings.parent.mkdir(parents=True)
        settings.write_text(f'APT::Architecture "{self.lock.architecture}";\n', encoding="ascii")

    def _programs(self) -> Iterator[str]:
        """Absolute paths of the native root's programs that are twins."""
        libraries = str(self.root.folder / self.root.libraries)
        for folder, folders, names in os.walk(self.root.folder / "usr"):
            folders[:] = [name for name in folders if f"{folder}/{name}" != libraries]
            for path in (Path(folder, name) for name in names):
                told = f"/{path.relative_to(self.root.folder)}"
                if told not in _NOT_TWINS and _is_program(path):
                    yield told

    def _link_libraries(self) -> None:
        """Where native programs expect loader and libraries, which the image has none of."""
        own = self.root.libraries
        for entry in (self.root.folder / own).iterdir():
            target = str(entry.readlink()) if entry.is_symlink() else "/"
            target = f"/.twin/root/{own}/{entry.name}" if "/" in target else target
            _link(self.tree / own / entry.name, self._perl() if entry.name == "perl" else target)
        loader = self.root.loader
        _link(self.tree / ".twin/loader", f"/.twin/root/{loader}")
        _link(self.tree / "usr/lib64" / Path(loader).name, f"/.twin/root/{loader}")
        _link(self.tree / "lib64", "usr/lib64")

    def _perl(self) -> str:
        """Perl's large set of modules is there only while the image has it too.

        Scripts load some of them if they can, and then need others. So the link leads through the
        image's own folder.
        """
        foreign = f"/usr/lib/{self.emulator.machine.tuple}/perl"
        return f"{foreign}{'/..' * foreign.count('/')}/.twin/root/{self.root.libraries}/perl"

    def _tell_architecture(self, place: Path) -> None:
        raw = place.read_bytes()
        native, foreign = self.lock.native_architecture, self.lock.architecture
        copy = self.tree / ".twin/exec" / place.relative_to(self.root.folder)
        if copy.is_symlink():
            copy.unlink()
            copy.write_bytes(replace_word(raw, native, foreign))
            copy.chmod(0o755)


def _compile(handler: Path, emulator: bytes) -> None:
    run([find_program(COMPILER), "-static", "-Os", "-s", "-o", str(handler), str(_SOURCE)])
    with handler.open("ab") as stream:
        stream.write(emulator + len(emulator).to_bytes(8, "little"))


def replace_word(raw: bytes, old: str, new: str) -> bytes:
    """Replace a string constant of a program by one of the same length.

    Raises:
        ValueError: the lengths differ.
    """
    if len(old) != len(new):
        raise ValueError(f"{old} and {new} differ in length")
    return raw.replace(f"\0{old}\0".encode(), f"\0{new}\0".encode())


def _link(place: Path, target: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


def _is_program(path: Path) -> bool:
    if path.is_symlink() or not os.access(path, os.X_OK):
        return False
    with path.open("rb") as stream:
        return stream.read(len(_ELF)) == _ELF
