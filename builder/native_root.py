"""Programs of exact packages that run on this computer whatever its own system is.

Packages of this computer's architecture are extracted, not installed, into a folder of the store.
A program in it is started through its own loader and finds its own libraries, so it does not
depend on the host's, and the same packages make the same bytes on every computer.

    <store>/native/<20 hex digits>/   named by the digest of its packages
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from builder.layers import Store
from builder.lock import LockedGroup
from builder.pool import Pool
from flasher.errors import FlasherError
from flasher.events import CancelFlag
from flasher.files import sync_folder
from flasher.process import run

VERSION = 1  # raised when the code makes another tree from the same packages
_FOLDER = "native"
_NAME_DIGITS = 20

# Older suites ship some packages with files in these, others in /usr; the loader's folder is one.
_MERGED = ("bin", "lib", "lib64", "sbin")
_NOT_NEEDED = ("./usr/share/doc", "./usr/share/info", "./usr/share/locale", "./usr/share/man")

# Where Debian keeps libraries and loader: <https://wiki.debian.org/Multiarch/Tuples>.
_LOADERS = {
    "amd64": ("usr/lib/x86_64-linux-gnu", "ld-linux-x86-64.so.2"),
    "arm64": ("usr/lib/aarch64-linux-gnu", "ld-linux-aarch64.so.1"),
    "armhf": ("usr/lib/arm-linux-gnueabihf", "ld-linux-armhf.so.3"),
    "i386": ("usr/lib/i386-linux-gnu", "ld-linux.so.2"),
}


@dataclass(frozen=True, slots=True)
class NativeRoot:
    """Extracted packages.

    Attributes:
        folder: absolute.
        libraries: folder of the libraries, relative to `folder`.
        loader: path of the dynamic loader, relative to `folder`.
    """

    folder: Path
    libraries: str
    loader: str

    def argv(self, program: str, *arguments: str) -> tuple[str, ...]:
        """Command line of one of its programs.

        Args:
            program: relative to the root and below ``usr``, such as ``usr/sbin/mke2fs``; no script.
            arguments: of the program.
        """
        return (
            str(self.folder / self.loader),
            "--inhibit-cache",
            *("--library-path", str(self.folder / self.libraries)),
            *("--argv0", Path(program).name),
            str(self.folder / program),
            *arguments,
        )

    @property
    def environment(self) -> Mapping[str, str]:
        """What its programs need to see: character sets are modules of the same C library."""
        return {"GCONV_PATH": str(self.folder / self.libraries / "gconv")}


def native_root(
    store: Store, pool: Pool, group: LockedGroup, cancel: CancelFlag | None = None
) -> NativeRoot:
    """Extract a group of packages, once; the second call finds them.

    Args:
        store: where to.
        pool: holds or fetches the packages.
        group: of this computer's architecture, with the C library.
        cancel: polled while it extracts.

    Raises:
        FlasherError: ``tools-unusable``, for a group without a C library that runs here.
        Cancelled: the flag was set.
    """
    libraries, loader = _find_loader(group)
    folder = store.root / _FOLDER / _digest(group)
    if not folder.is_dir():
        _extract(store, pool, group, folder, cancel or CancelFlag())
    return NativeRoot(folder, libraries, f"{libraries}/{loader}")


def _find_loader(group: LockedGroup) -> tuple[str, str]:
    for package in group.packages:
        if package.name == "libc6" and package.architecture in _LOADERS:
            return _LOADERS[package.architecture]
    raise FlasherError(
        "tools-unusable",
        f"The packages locked as {group.name} have no C library of an architecture known here.",
        "Make the lock anew on this computer: flasher build-base --update.",
    )


def _digest(group: LockedGroup) -> str:
    told = "\n".join([str(VERSION), *sorted(package.sha256 for package in group.packages)])
    return hashlib.sha256(told.encode()).hexdigest()[:_NAME_DIGITS]


def _extract(
    store: Store, pool: Pool, group: LockedGroup, folder: Path, cancel: CancelFlag
) -> None:
    debs = pool.fetch(group.packages, cancel=cancel)
    with store.drafting() as draft:
        for name in _MERGED:
            (draft.tree / "usr" / name).mkdir(parents=True)
            (draft.tree / name).symlink_to(f"usr/{name}")
        with ThreadPoolExecutor(os.cpu_count()) as workers:
            list(workers.map(lambda deb: _unpack(deb, draft.tree, cancel), debs))
        run(["sync", "--file-system", str(draft.tree)])
        folder.parent.mkdir(exist_ok=True)
        draft.tree.rename(folder)
        sync_folder(folder.parent)


def _unpack(deb: Path, tree: Path, cancel: CancelFlag) -> None:
    """As `dpkg-deb --extract`, which would replace the links by folders, but with no set-id bit."""
    files = run(["dpkg-deb", "--fsys-tarfile", str(deb)], cancel=cancel).output
    leave_out = [f"--exclude={path}" for path in _NOT_NEEDED]
    argv = ["tar", "--extract", "--keep-directory-symlink", "--no-same-owner"]
    argv += ["--no-same-permissions", *leave_out, f"--directory={tree}"]
    run(argv, stdin=files, env={"LC_ALL": "C.UTF-8"}, cancel=cancel)
