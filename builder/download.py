"""One file from the network, resumed where the last attempt ended."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import requests

from builder.lock import LockedPackage
from flasher.errors import FlasherError

_CHUNK = 1 << 18
_TIMEOUT_SECONDS = 30
# Between attempts: a name server or a router that is busy for a moment ends no build.
_PAUSES_SECONDS = (0.5, 2.0, 8.0)
_TICK_SECONDS = 0.1
_HERE = "file:"
_KEPT = "Run the same command again: what was fetched is kept."


def download(package: LockedPackage, part: Path, advance: Callable[[int], None]) -> None:
    """Fetch a package into `part`, behind what it holds already.

    Args:
        package: what to fetch; it is not checked here, but never more than its size is written.
        part: the unfinished file; it need not exist.
        advance: called with the number of bytes got, and with 0 while it waits to try again; what
            it raises ends the download.

    Raises:
        FlasherError: ``network-down``, ``package-gone`` or ``download-failed``.
        OSError: the disk is full, or a file of this computer cannot be read.
    """
    if package.uri.startswith(_HERE):
        _copy(package, part, advance)
        return
    part.touch()
    for pause in (*_PAUSES_SECONDS, None):
        try:
            _attempt(package, part, advance)
        except (requests.RequestException, EOFError) as error:
            if pause is None:
                raise _unreachable(package, error) from error
            _wait(pause, advance)
        else:
            return


def _wait(seconds: float, advance: Callable[[int], None]) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        advance(0)
        time.sleep(_TICK_SECONDS)


def _copy(package: LockedPackage, part: Path, advance: Callable[[int], None]) -> None:
    """Take a package of an archive on this computer."""
    place = Path(unquote(urlsplit(package.uri).path))
    if not place.is_file():
        raise _gone(package)
    shutil.copyfile(place, part)
    advance(package.size)


def _attempt(package: LockedPackage, part: Path, advance: Callable[[int], None]) -> None:
    have = part.stat().st_size
    if have >= package.size:
        return
    headers = {"Range": f"bytes={have}-", "Accept-Encoding": "identity"}
    with requests.get(package.uri, headers=headers, stream=True, timeout=_TIMEOUT_SECONDS) as got:
        _require_found(package, got)
        resumed = got.status_code == requests.codes.partial
        have = have if resumed else 0
        with part.open("ab" if resumed else "wb") as stream:
            for chunk in got.iter_content(_CHUNK):
                wanted = chunk[: package.size - have]
                stream.write(wanted)
                have += len(wanted)
                advance(len(wanted))
    if have < package.size:
        raise EOFError(f"it ended after {have} of {package.size} bytes")


def _require_found(package: LockedPackage, got: requests.Response) -> None:
    if got.ok:
        return
    if got.status_code in (requests.codes.not_found, requests.codes.gone):
        raise _gone(package)
    raise FlasherError(
        "download-failed", f"{package.uri}: the server says {got.status_code}.", _KEPT
    )


def _gone(package: LockedPackage) -> FlasherError:
    return FlasherError(
        "package-gone",
        f"{package.name} {package.version} is no longer at {package.uri}, "
        "and this computer has no copy of it.",
        "Make a new lock (--update), or bring the store that the lock was built with.",
    )


def _unreachable(package: LockedPackage, error: Exception) -> FlasherError:
    return FlasherError(
        "network-down",
        f"{package.uri} cannot be fetched: {_reason(error)}.",
        f"Check the network. {_KEPT}",
    )


def _reason(error: BaseException) -> str:
    """What was wrong at the bottom of it, in few words."""
    below = error.__cause__ or error.__context__
    return _reason(below) if below else str(getattr(error, "strerror", None) or error)
