"""The .debs that builds are made of: fetched once, kept by digest, checked, offered to apt.

<folder>/<sha256>.deb         a package, whole and checked
<folder>/<sha256>.deb.part    one that is being fetched; the next run goes on from there
<folder>/repository/          hard links to some of them, with the index that apt reads
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from threading import Lock

from builder.lock import LockedPackage
from flasher.errors import FlasherError
from flasher.events import CancelFlag, Emit, check_cancelled, ignore, step
from flasher.process import run

_WORKERS = 4

# One shell for all: a hundred programs started from here would take seconds.
_FIELDS = 'for deb; do dpkg-deb --field "$deb" && echo || exit 1; done'


class Pool:
    """A folder of .debs; those that others put there under their digests are checked as well.

    Args:
        folder: made when it is first needed.
        emit: hears of downloads, in bytes.
    """

    def __init__(self, folder: Path, emit: Emit = ignore) -> None:
        self.folder = folder
        self._emit = emit

    def path(self, package: LockedPackage) -> Path:
        """Where a package lies, or would lie."""
        return self.folder / f"{package.sha256}.deb"

    def fetch(
        self, packages: Sequence[LockedPackage], *, cancel: CancelFlag | None = None
    ) -> tuple[Path, ...]:
        """Fetch what is not there, or is damaged; else nothing is asked of the network.

        Returns:
            The path of each package, in their order.

        Raises:
            FlasherError: ``network-down``, ``package-gone``, ``download-failed``, or ``disk-full``;
                what was fetched stays.
            Cancelled: the flag was set.
        """
        missing = {each.sha256: each for each in packages if not self._holds(each)}
        if missing:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._fetch_all(tuple(missing.values()), cancel or CancelFlag())
        return tuple(self.path(package) for package in packages)

    def _holds(self, package: LockedPackage) -> bool:
        path = self.path(package)
        return path.exists() and _digest(path) == package.sha256

    def repository(
        self, packages: Sequence[LockedPackage], *, cancel: CancelFlag | None = None
    ) -> Path:
        """A flat repository of exactly these packages; the last one made is gone then.

        Returns:
            Its folder: the .debs by their own names, and the index ``Packages``.
        """
        folder = self.folder / "repository"
        shutil.rmtree(folder, ignore_errors=True)
        debs = self.fetch(packages, cancel=cancel)
        folder.mkdir()
        for package, deb in zip(packages, debs, strict=True):
            (folder / package.filename).hardlink_to(deb)
        (folder / "Packages").write_text(_index(packages, debs), encoding="utf-8")
        return folder

    def _fetch_all(self, packages: Sequence[LockedPackage], cancel: CancelFlag) -> None:
        total = sum(package.size for package in packages)
        failed, turn = CancelFlag(), Lock()
        with (
            step(self._emit, "packages", "fetch", total, "bytes") as progress,
            ThreadPoolExecutor(_WORKERS) as workers,
        ):

            def advance(amount: int) -> None:
                check_cancelled(cancel, "The build")
                check_cancelled(failed, "The download")
                with turn:
                    progress.reach(min(progress.done + amount, total))

            jobs = [workers.submit(self._fetch, package, advance) for package in packages]
            try:
                for job in as_completed(jobs):
                    job.result()
            except BaseException:
                failed.set()
                workers.shutdown(cancel_futures=True)
                raise
            progress.reach(total)

    def _fetch(self, package: LockedPackage, advance: Callable[[int], None]) -> None:
        from builder.download import download  # slow to load, and mostly there is nothing to fetch

        final = self.path(package)
        part = final.with_name(f"{final.name}.part")
        try:
            download(package, part, advance)
            _require_digest(package, part)
            part.replace(final)
        except OSError as error:
            raise _explain(error, self.folder) from error


def _require_digest(package: LockedPackage, part: Path) -> None:
    digest = _digest(part)
    with part.open("rb+") as stream:
        os.fsync(stream.fileno())
    if digest != package.sha256:
        part.unlink()
        raise FlasherError(
            "checksum-mismatch",
            f"{package.uri} is not what the lock names: its SHA-256 is {digest}, "
            f"not {package.sha256}.",
            "Run the same command again; if this comes back, the mirror serves other files.",
        )


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _explain(error: OSError, folder: Path) -> FlasherError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return FlasherError(
        "disk-full" if full else "download-failed",
        f"A package could not be kept in {folder}: {error.strerror}.",
        "Free some space and run the same command again: what was fetched is kept.",
    )


def _index(packages: Sequence[LockedPackage], debs: Sequence[Path]) -> str:
    """The packages' own fields, each with what an index adds to them."""
    told = run(["sh", "-c", _FIELDS, "sh", *map(str, debs)]).text.split("\n\n")
    added = [
        f"\nFilename: {each.filename}\nSize: {each.size}\nSHA256: {each.sha256}\n"
        for each in packages
    ]
    return "\n".join(own + more for own, more in zip(told[:-1], added, strict=True))
