"""Images from the network: fetched once, resumed where it broke off, kept with what speaks of them.

A folder for each address in the store: the image, the papers beside it, and ``about.json``, which
tells them apart from later versions at the same address (RFC 9110: ETag, If-None-Match, If-Range).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urljoin, urlsplit

from flasher import paths
from flasher.errors import BadInput, FlasherError
from flasher.events import CancelFlag, Emit, Noted, Progress, check_cancelled, step
from flasher.files import sync_folder, write_atomic
from flasher.image.papers import LARGEST_PAPER, names_of
from flasher.image.store import disk_full

if TYPE_CHECKING:  # it takes long to load
    import requests

T = TypeVar("T")

_CHUNK = 1 << 18
_LARGEST_IMAGE = 128 << 30
_TIMEOUT_SECONDS = 30
# Between attempts that brought nothing.
_PAUSES_SECONDS = (0.5, 2.0, 8.0)
_TICK_SECONDS = 0.1
_HTML = "text/html"
_USER_AND_PASSWORD = re.compile(r"//[^/?#\s]*@")
_AGAIN = (
    "Check the network and the address, then try again: it goes on from what was fetched already."
)


@dataclass(frozen=True, slots=True)
class _Version:
    """Which version of a file it is; "" where the server does not tell."""

    etag: str = ""
    modified: str = ""

    @property
    def validator(self) -> str:
        """By which a server knows whether a part is still of the same file: RFC 9110, 13.1.5."""
        return self.modified if not self.etag or self.etag.startswith("W/") else self.etag


def fetch_image(url: str, *, emit: Emit, cancel: CancelFlag) -> Path:
    """The image at an address, on this computer; fetched, unless the newest version is here.

    Fetched with it is what may lie beside it: checksums and their signature, and a block map.
    Without a network, what was fetched before is used, with a warning.

    Raises:
        BadInput: ``image-gone``, ``image-too-large``.
        FlasherError: ``network-down``, ``download-failed``, ``disk-full``.
        Cancelled: what was fetched is kept.
    """
    name = Path(unquote(urlsplit(url).path)).name or "image"
    key = hashlib.sha256(url.encode()).hexdigest()[:24]
    folder = paths.cache() / "images" / "fetched" / key
    folder.mkdir(parents=True, exist_ok=True)
    return _Fetching(url, folder / name, emit, cancel).run()


class _Interrupted(Exception):
    """The network failed in the midst of it."""


class _Fetching:
    """One image being fetched."""

    def __init__(self, url: str, path: Path, emit: Emit, cancel: CancelFlag) -> None:
        import requests

        self._url, self._path, self._emit, self._cancel = url, path, emit, cancel
        self._shown = _without_password(url)
        self._part = path.with_name(f"{path.name}.part")
        self._about, self._about_part = (path.with_name(f"about{n}.json") for n in ("", "-part"))
        self._session = requests.Session()
        self._session.headers["Accept-Encoding"] = "identity"

    def run(self) -> Path:
        """Fetch it, or what of it is still missing; gives where it lies."""
        name = self._path.name
        with (
            self._session,
            self._alone(),
            step(self._emit, name, "fetch", None, "bytes") as progress,
        ):
            try:
                if self._retried(lambda: self._fetch(progress)):
                    self._fetch_papers()
                    self._keep()
            except FlasherError as error:
                if error.code != "network-down" or not self._is_whole():
                    raise
                what = "There is no network: the image that was fetched before is used."
                self._emit(Noted(self._path.name, what, warning=True))
        return self._path

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Wait for another program that fetches the same: two would write to one part."""
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            while not _is_locked(folder):
                self._pause(_TICK_SECONDS)
            yield
        finally:
            os.close(folder)

    # The image.

    def _fetch(self, progress: Progress) -> bool:
        """Bring the newest version into the part; False where that is here already."""
        begun = _read_version(self._about_part) if self._part.exists() else None
        have = self._part.stat().st_size if begun and begun.validator else 0
        headers = {"Range": f"bytes={have}-", "If-Range": begun.validator} if have and begun else {}
        if self._is_whole() and not headers:
            known = _read_version(self._about) or _Version()
            headers = {"If-None-Match": known.etag, "If-Modified-Since": known.modified}
        with self._get(self._url, {name: text for name, text in headers.items() if text}) as got:
            if got.status_code == 304:
                return False
            if got.status_code == 416 and have:  # it was whole, or became a shorter one
                self._part.unlink()
                return self._fetch(progress)
            self._require_found(got)
            if _HTML in got.headers.get("Content-Type", ""):
                what = f"{self._shown} brings a page for people, and no image."
                hint = "Check the address; some networks want a login in a browser first."
                raise FlasherError("download-failed", what, hint)
            self._take(got, have if got.status_code == 206 else 0, progress)
        return True

    def _take(self, got: requests.Response, have: int, progress: Progress) -> None:
        version = _Version(got.headers.get("ETag", ""), got.headers.get("Last-Modified", ""))
        write_atomic(self._about_part, json.dumps(asdict(version)))
        announced = got.headers.get("Content-Length")
        size = have + int(announced) if announced and announced.isdigit() else None
        if (size or 0) > _LARGEST_IMAGE:
            what = f"{self._shown} announces {size} bytes: that is no image of a card."
            raise BadInput("image-too-large", what, "Check the address.")
        if shutil.disk_usage(self._path.parent).free < (size or 0) - have:
            raise disk_full(self._path.parent)
        with self._part.open("r+b" if have else "wb") as part:
            part.truncate(have)
            part.seek(have)
            for chunk in self._chunks(got):
                have += len(chunk)
                if have > (_LARGEST_IMAGE if size is None else size):
                    raise _Interrupted("it brought more than it announced")
                part.write(chunk)
                progress.reach(have)
            part.flush()
            os.fsync(part.fileno())
        if size is not None and have < size:
            raise _Interrupted(f"it ended after {have} of {size} bytes")

    def _keep(self) -> None:
        """All is there: it takes the old version's place."""
        self._about.unlink(missing_ok=True)
        self._part.replace(self._path)
        sync_folder(self._path.parent)
        self._about_part.replace(self._about)
        sync_folder(self._path.parent)

    def _is_whole(self) -> bool:
        return self._path.is_file() and self._about.is_file()

    # What lies beside it.

    def _fetch_papers(self) -> None:
        """All that may speak of the new version; papers of the old one go."""
        bmaps = [f"{name}.bmap" for name in names_of(self._path.name)]
        sums = [f"{self._path.name}.{kind}" for kind in ("sha256", "sha256sum", "sha512")]
        for name in ("SHA256SUMS", "SHA256SUMS.sig", *sums, *bmaps):
            raw = self._retried(lambda: self._paper(urljoin(self._url, name)))  # noqa: B023
            if raw is None:
                self._path.with_name(name).unlink(missing_ok=True)
            else:
                write_atomic(self._path.with_name(name), raw)

    def _paper(self, url: str) -> bytes | None:
        """A small file; None where there is none."""
        with self._get(url, {}) as got:
            if got.status_code in (403, 404, 410) or _HTML in got.headers.get("Content-Type", ""):
                return None
            self._require_found(got)
            raw = bytearray()
            for chunk in self._chunks(got):
                raw += chunk
                if len(raw) > LARGEST_PAPER:
                    return None
            return bytes(raw)

    # The network.

    def _get(self, url: str, headers: dict[str, str]) -> requests.Response:
        import requests

        try:
            got = self._session.get(url, headers=headers, stream=True, timeout=_TIMEOUT_SECONDS)
        except requests.RequestException as error:
            if isinstance(error, ValueError):
                what = f"{_without_password(url)} is no address: {_reason(error)}."
                raise BadInput("image-gone", what, "Check the address.") from None
            raise _Interrupted(_reason(error)) from error
        way = [each.url for each in (*got.history, got)]
        open_to_all = next((each for each in way if not each.startswith("https:")), None)
        if url.startswith("https:") and open_to_all:
            got.close()
            way_out = f"{_without_password(url)} leads to {_without_password(open_to_all)}"
            what = f"{way_out}, which anybody on the way could change."
            raise FlasherError("download-failed", what, "Fetch it by another way.")
        return got

    def _chunks(self, got: requests.Response) -> Iterator[bytes]:
        import requests

        try:
            for chunk in got.iter_content(_CHUNK):
                check_cancelled(self._cancel, f"Fetching {self._path.name}")
                yield chunk
        except requests.RequestException as error:
            raise _Interrupted(_reason(error)) from error

    def _require_found(self, got: requests.Response) -> None:
        if got.status_code in (404, 410):
            what = f"There is nothing at {self._shown}."
            raise BadInput("image-gone", what, "Check the address.")
        if got.status_code >= 500 or got.status_code == 429:
            raise _Interrupted(f"the server says {got.status_code}")
        if got.status_code not in (200, 206):
            what = f"{self._shown}: the server says {got.status_code}."
            raise FlasherError("download-failed", what, "Check the address, and who may fetch it.")

    def _retried(self, attempt: Callable[[], T]) -> T:
        """Try until it works; give up after some attempts in a row that brought nothing."""
        failed = 0
        while True:
            before = self._so_far()
            try:
                return attempt()
            except _Interrupted as why:
                failed = 1 if self._so_far() > before else failed + 1
                if failed > len(_PAUSES_SECONDS):
                    what = f"{self._shown} cannot be fetched: {why}."
                    raise FlasherError("network-down", what, _AGAIN) from why
                self._pause(_PAUSES_SECONDS[failed - 1])

    def _so_far(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            check_cancelled(self._cancel, f"Fetching {self._path.name}")
            time.sleep(_TICK_SECONDS)


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_version(about: Path) -> _Version | None:
    with suppress(OSError, ValueError, TypeError):
        return _Version(**json.loads(about.read_bytes()))
    return None


def _reason(error: BaseException) -> str:
    """What was wrong at the bottom of it, in few words."""
    below = error.__cause__ or error.__context__
    told = str(getattr(error, "strerror", None) or error)
    return _reason(below) if below else _without_password(told)


def _without_password(told: str) -> str:
    """Without the user and password of its URLs: messages are kept, and shown to others."""
    return _USER_AND_PASSWORD.sub("//", told)
