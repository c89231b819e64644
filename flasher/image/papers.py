"""What lies beside an image and speaks of it: checksums, lists for Raspberry Pi Imager, block maps.

All that is announced is enforced; what is not announced is not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from flasher.errors import BadInput
from flasher.image.bmap import BlockMap, read_bmap
from flasher.image.checksums import Sum, check_sums, hash_file
from flasher.image.forms import SUFFIXES
from flasher.image.signature import SIGNED_SUMS, check_signature

_LENGTHS = {"sha256": 64, "sha512": 128}
_SUM_FILES = {"SHA256SUMS": "sha256", "SHA512SUMS": "sha512"}
_SIDECARS = {
    ".sha256": "sha256",
    ".sha256sum": "sha256",
    ".sha512": "sha512",
    ".sha512sum": "sha512",
}
# As sha256sum(1) writes them, and with --tag.
_LINE = re.compile(r"\\?([0-9a-fA-F]{64,128})(?:[ \t]+[ *]?(.+))?")
_TAGGED = re.compile(r"SHA(?:256|512) \((.+)\) = ([0-9a-fA-F]{64,128})")
_LISTS = ("*os_list*.json", "*.rpi-imager-manifest")
LARGEST_PAPER = 64 << 20


@dataclass(frozen=True, slots=True)
class Announced:
    """What papers say of one image.

    Attributes:
        file: checksums of the file itself.
        raw: checksums of the raw image in it; of a raw image, the same.
        raw_size: bytes of the raw image.
        block_map: of the raw image.
    """

    file: tuple[Sum, ...] = ()
    raw: tuple[Sum, ...] = ()
    raw_size: int | None = None
    block_map: BlockMap | None = None

    @property
    def digest(self) -> str | None:
        """SHA-256 (hex) of the raw image."""
        return next((each.digest for each in self.raw if each.algorithm == "sha256"), None)


def read_papers(path: Path, *, is_packed: bool) -> Announced:
    """Read what lies beside an image.

    Looked for are ``SHA256SUMS``, ``SHA512SUMS``, ``<image>.sha256`` and ``.sha512`` (also with
    ``sum`` at the end), ``*os_list*.json``, and ``<image>.bmap``, also without ``.zst`` (or its
    like) and ``.img``. Checksums of a release set that is signed count only with a signature of a
    key that is trusted here, if there is such a key; then they must name the image, or the raw
    one in it.

    Raises:
        BadInput: ``signature-wrong``, ``not-signed``, ``bad-checksums``, ``bad-bmap``,
            ``checksum-mismatch`` for the block map, or several papers contradict each other.
    """
    is_signed = check_signature(path.parent)
    raw_names = [name for name in names_of(path.name) if name.endswith(".img")]
    if not is_packed:
        raw_names = [path.name]
    entry = _listed(path) or {}
    file_sums = [*_sums(path.parent, path.name)]
    raw_sums = [found for name in raw_names for found in _sums(path.parent, name)]
    if is_signed:
        _require_signed(path, (*file_sums, *raw_sums))
    if is_packed:
        file_sums += _entry_sum(entry, "image_download_sha256")
    raw_sums += _entry_sum(entry, "extract_sha256")
    size = entry.get("extract_size")
    block_map = _block_map(path)
    announced = Announced(
        tuple(file_sums),
        tuple(raw_sums),
        block_map.image_size if block_map else size if isinstance(size, int) else None,
        block_map,
    )
    _check_agree(path, announced.file if is_packed else (), announced.raw)
    return announced


def names_of(name: str) -> list[str]:
    """A file's name and what it may be called unpacked: base.img.zst, base.img, base."""
    names = [name]
    while Path(names[-1]).suffix in SUFFIXES:
        names.append(Path(names[-1]).stem)
    if not any(each.endswith(".img") for each in names):  # base.zip holds base.img
        names += [f"{names[-1]}.img"]
    return names


def _require_signed(path: Path, sums: Iterable[Sum]) -> None:
    if not any(each.paper == path.with_name(SIGNED_SUMS) for each in sums):
        raise BadInput(
            "not-signed",
            f"{path} is not in the {SIGNED_SUMS} that was signed: anybody may have put it there.",
            "Get the whole set again; an image that is not of it belongs into another folder.",
        )


def _check_agree(path: Path, *groups: tuple[Sum, ...]) -> None:
    for group in groups:
        told = {(each.algorithm, each.digest) for each in group}
        if len(told) > len({algorithm for algorithm, _ in told}):
            papers = " and ".join(sorted({each.paper.name for each in group}))
            raise BadInput(
                "checksum-mismatch",
                f"{papers} announce different checksums for {path.name}.",
                "Get the image and what lies beside it again, all together.",
            )


# --- checksum files --------------------------------------------------------------------------


def _sums(folder: Path, name: str) -> Iterator[Sum]:
    for sums, algorithm in _SUM_FILES.items():
        yield from _in_file(folder / sums, name, algorithm, is_its_own=False)
    for suffix, algorithm in _SIDECARS.items():
        yield from _in_file(folder / f"{name}{suffix}", name, algorithm, is_its_own=True)


def _in_file(paper: Path, name: str, algorithm: str, *, is_its_own: bool) -> Iterator[Sum]:
    """What a file of checksums says of a name; one that is named for it speaks of nothing else."""
    if not paper.is_file():
        return
    lines = [found for found in _lines(paper) if len(found[1]) == _LENGTHS[algorithm]]
    about = [digest for said, digest in lines if said in (name, "")]
    if is_its_own and not about and len(lines) == 1:
        about = [lines[0][1]]
    if is_its_own and not about:
        what = f"{paper} has no checksum of {name} in it."
        raise BadInput("bad-checksums", what, "Get that file again, or take it away.")
    for digest in dict.fromkeys(about):
        yield Sum(algorithm, digest, paper)


def _lines(paper: Path) -> Iterator[tuple[str, str]]:
    """Names, "" where there is none, and digests."""
    for line in _text(paper).splitlines():
        if found := _LINE.fullmatch(line.strip()):
            yield (found[2] or "").removeprefix("./"), found[1].lower()
        elif found := _TAGGED.fullmatch(line.strip()):
            yield found[1].removeprefix("./"), found[2].lower()


def _text(paper: Path) -> str:
    if paper.stat().st_size > LARGEST_PAPER:
        what = f"{paper} is far too large for what its name says."
        raise BadInput("bad-checksums", what, "Get that file again, or take it away.")
    return paper.read_text(encoding="utf-8", errors="replace")


# --- lists for Raspberry Pi Imager -----------------------------------------------------------


def _listed(path: Path) -> dict[str, object] | None:
    """The entry about a file in the lists beside it."""
    for pattern in _LISTS:
        for paper in sorted(path.parent.glob(pattern)):
            try:
                told = json.loads(_text(paper))
            except (ValueError, RecursionError):
                continue  # whatever it is, it is no such list
            for entry in _entries(told.get("os_list") if isinstance(told, dict) else None):
                if unquote(urlsplit(str(entry.get("url"))).path).rpartition("/")[2] == path.name:
                    return {**entry, "": paper}
    return None


def _entries(told: object) -> Iterator[dict[str, object]]:
    for entry in told if isinstance(told, list) else ():
        if isinstance(entry, dict):
            yield entry
            yield from _entries(entry.get("subitems"))


def _entry_sum(entry: dict[str, object], key: str) -> Iterable[Sum]:
    digest, paper = entry.get(key), entry.get("")
    if isinstance(digest, str) and isinstance(paper, Path):
        if not re.fullmatch("[0-9a-fA-F]{64}", digest):
            what = f"{paper} has the {key} {digest!r}."
            raise BadInput("bad-checksums", what, "Get that file again, or take it away.")
        yield Sum("sha256", digest.lower(), paper)


# --- block maps ------------------------------------------------------------------------------


def _block_map(path: Path) -> BlockMap | None:
    for name in names_of(path.name):
        bmap = path.with_name(f"{name}.bmap")
        if bmap.is_file():
            sums = [*_sums(path.parent, bmap.name)]
            check_sums(bmap, sums, hash_file(bmap, {each.algorithm for each in sums}))
            return read_bmap(bmap.read_bytes())
    return None
