"""Files from addresses, resumed, checked and kept under their digest."""

from __future__ import annotations

import os
from pathlib import Path

from builder.lock import LockedPackage
from builder.release.pack import digest_file
from flasher.errors import BadInput, FlasherError
from flasher.events import CancelFlag, Emit, check_cancelled, step

_TIMEOUT_SECONDS = 30


def fetch(uri: str, sha256: str, folder: Path, emit: Emit, cancel: CancelFlag) -> Path:
    """A file of an address; nothing is asked of the network where it was fetched before.

    Args:
        uri: its address.
        sha256: 64 hex digits.
        folder: keeps it, as ``<sha256>``, and what there is of it yet, as ``<sha256>.part``.

    Raises:
        FlasherError: ``network-down``, ``package-gone``, ``download-failed``, or ``disk-full``.
        BadInput: ``checksum-mismatch``.
        Cancelled: what was fetched stays.
    """
    final = folder / sha256
    if final.exists():
        return final
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{sha256}.part"
    _download(uri, part, emit, cancel)
    require_digest(part, sha256, uri)
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    part.replace(final)
    return final


def _download(uri: str, part: Path, emit: Emit, cancel: CancelFlag) -> None:
    """Go on with a file that is there in part."""
    from builder.download import download  # slow to load, and mostly there is nothing to fetch

    size = _size(uri)
    wanted = LockedPackage(Path(uri).name, "", "", "", "", uri, size, "")
    with step(emit, wanted.name, "fetch", size, "bytes") as progress:

        def advance(_amount: int) -> None:
            check_cancelled(cancel, "The download")
            progress.reach(min(size, part.stat().st_size))

        try:
            download(wanted, part, advance)
        except OSError as error:
            raise FlasherError(
                "download-failed",
                f"{uri} could not be kept in {part.parent}: {error.strerror}.",
                "Free some space and run the same command again: what was fetched is kept.",
            ) from error
        progress.reach(size)


def require_digest(path: Path, sha256: str, name: str) -> None:
    """Check a file; one that was fetched and is another is taken away.

    Raises:
        BadInput: ``checksum-mismatch``.
    """
    found = digest_file(path)
    if sha256 and found != sha256:
        if path.suffix == ".part":
            path.unlink()
        raise BadInput(
            "checksum-mismatch",
            f"{name} is not the file that is wanted: its SHA-256 is {found}, not {sha256}.",
            "Compare the checksum with the one that its maker tells, and get the file again.",
        )


def _size(uri: str) -> int:
    import requests

    try:
        told = requests.head(uri, allow_redirects=True, timeout=_TIMEOUT_SECONDS)
        told.raise_for_status()
        return int(told.headers["Content-Length"])
    except (requests.RequestException, KeyError, ValueError) as error:
        raise FlasherError(
            "download-failed",
            f"{uri} cannot be fetched: {error}.",
            "Check the address and the network, and run the same command again.",
        ) from error
