"""The release set of an image: raw, compressed, block map, checksums, and what it was made from.

    <name>.img  <name>.img.zst  <name>.bmap  <name>.manifest.json  SHA256SUMS

All are made in a hidden folder beside the final names and renamed together; the manifest goes
first and comes back last, so a set with a manifest is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import sys
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypedDict

from builder.bench import Bench
from builder.bootable import require_bootable
from builder.disk import MIB, Geometry, Identity, assemble, used_ranges
from builder.layers import Layer, layer_key
from builder.recipe import ImageSettings, Recipe
from flasher.events import CancelFlag, Progress, check_cancelled
from flasher.files import sync_folder, write_atomic
from flasher.image.blocks import FileBlocks
from flasher.image.bmap import map_blocks, write_bmap
from flasher.image.ranges import ByteRange
from flasher.process import run

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FORMAT = 1
VERSION = 1  # raised when the code makes another image from the same layers
_CHUNK = 4 * MIB
_LEVEL = 6


@dataclass(frozen=True, slots=True)
class Release:
    """The files of one image in one folder."""

    out: Path
    name: str

    @property
    def image(self) -> Path:
        """The raw image, sparse."""
        return self.out / f"{self.name}.img"

    @property
    def compressed(self) -> Path:
        """The same as one Zstandard frame."""
        return self.out / f"{self.name}.img.zst"

    @property
    def bmap(self) -> Path:
        """The block map for bmaptool."""
        return self.out / f"{self.name}.bmap"

    @property
    def manifest(self) -> Path:
        """Key, layers, sizes and digests as JSON."""
        return self.out / f"{self.name}.manifest.json"

    @property
    def sums(self) -> Path:
        """Checksums of all images in the folder, as sha256sum writes them."""
        return self.out / "SHA256SUMS"

    @property
    def files(self) -> tuple[Path, ...]:
        """What the checksums and the manifest speak of."""
        return (self.image, self.compressed, self.bmap)

    def holds(self, key: str) -> bool:
        """Whether the whole set is there, undamaged, and was made for this key; reads all of it."""
        try:
            told = json.loads(self.manifest.read_bytes())
            if told["key"] != key:
                return False
            found = {path.name: _measure(path) for path in self.files}
            sums = self.sums.read_text(encoding="utf-8").splitlines()
            return bool(told["files"] == found) and _lines_about(found, sums) == sorted(
                f"{file['sha256']}  {name}" for name, file in found.items()
            )
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return False  # garbage is no release


class _Measure(TypedDict):
    """What the manifest records of a file."""

    size: int
    sha256: str


def _measure(path: Path) -> _Measure:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return {"size": os.fstat(stream.fileno()).st_size, "sha256": digest}


def _lines_about(names: Container[str], sums: list[str]) -> list[str]:
    return sorted(line for line in sums if line.partition("  ")[2] in names)


def image_key(top: str, settings: ImageSettings) -> str:
    """The key of an image: its topmost layer's key and the settings of its partitions."""
    return layer_key(top, "image", VERSION, asdict(settings))


def make_release(release: Release, key: str, recipe: Recipe, bench: Bench) -> None:
    """Assemble the image and all that goes with it, then put them in place.

    Args:
        release: where to.
        key: from `image_key`.
        recipe: for settings and names.
        bench: with all layers and no draft; its progress reaches 100.

    Raises:
        StepFailed: ``not-bootable``, for a Pi's architecture.
    """
    if recipe.architecture != "amd64":
        require_bootable(bench)
    with _drafting(release) as draft:
        identity = Identity.from_key(key)
        made_at = bench.layers[-1].made_at
        geometry = assemble(draft.image, recipe.image, identity, bench, made_at)
        bench.progress.reach(30)
        _write_map(draft, geometry)
        bench.progress.reach(40)
        digests = _compress(draft, bench.progress, bench.cancel)
        digests[draft.bmap.name] = hashlib.sha256(draft.bmap.read_bytes()).hexdigest()
        manifest = _describe(draft, key, recipe, bench.layers, digests)
        _put_in_place(draft, release, digests, manifest)
    bench.progress.reach(100)


@contextmanager
def _drafting(release: Release) -> Iterator[Release]:
    """A hidden folder on the same file system; what killed builds left of it goes first."""
    _make_folder(release.out)
    for stale in release.out.glob(f".{release.name}-*.part"):
        shutil.rmtree(stale, ignore_errors=True)
    folder = release.out.resolve() / f".{release.name}-{secrets.token_hex(4)}.part"
    folder.mkdir()
    try:
        yield Release(folder, release.name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write_map(draft: Release, geometry: Geometry) -> None:
    """Map all that must be written, zeros included: what a card held before must not shine through.

    These are the first MiB, the boot partition, and what ext4 uses, journal and tables with it.
    """
    always = (ByteRange(0, MIB), geometry.boot, *used_ranges(draft.image, geometry.root))
    with FileBlocks(draft.image) as blocks:
        draft.bmap.write_bytes(write_bmap(map_blocks(blocks, always)))


def _compress(draft: Release, progress: Progress, cancel: CancelFlag) -> dict[str, str]:
    """Compress the image; return the digests of both files by name."""
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: _LEVEL,
        zstd.CompressionParameter.checksum_flag: 1,
        zstd.CompressionParameter.nb_workers: os.cpu_count() or 1,
    }
    compressor = zstd.ZstdCompressor(options=options)
    size = draft.image.stat().st_size
    compressor.set_pledged_input_size(size)
    raw, packed = hashlib.sha256(), hashlib.sha256()
    with draft.image.open("rb") as source, draft.compressed.open("wb") as target:
        while chunk := source.read(_CHUNK):
            check_cancelled(cancel, "The build")
            raw.update(chunk)
            out = compressor.compress(chunk)
            packed.update(out)
            target.write(out)
            progress.reach(40 + 58 * source.tell() // size)
        out = compressor.flush()
        packed.update(out)
        target.write(out)
    return {draft.image.name: raw.hexdigest(), draft.compressed.name: packed.hexdigest()}


def _describe(
    draft: Release,
    key: str,
    recipe: Recipe,
    layers: tuple[Layer, ...],
    digests: Mapping[str, str],
) -> str:
    files = {
        path.name: {"size": path.stat().st_size, "sha256": digests[path.name]}
        for path in draft.files
    }
    told = {
        "format": FORMAT,
        "key": key,
        "name": recipe.name,
        "title": recipe.title,
        "suite": recipe.suite,
        "architecture": recipe.architecture,
        "layers": [{"name": layer.name, "key": layer.key} for layer in layers],
        "files": files,
    }
    return json.dumps(told, indent=2) + "\n"


def _put_in_place(
    draft: Release, release: Release, digests: Mapping[str, str], manifest: str
) -> None:
    run(["sync", "--file-system", str(draft.out)])
    release.manifest.unlink(missing_ok=True)
    for made, final in zip(draft.files, release.files, strict=True):
        made.replace(final)
    sync_folder(release.out)
    write_atomic(release.sums, _merge_sums(release.sums, digests))
    write_atomic(release.manifest, manifest)
    _hand_over(*release.files, release.sums, release.manifest)


def _merge_sums(path: Path, digests: Mapping[str, str]) -> str:
    """The old lines of other files, and ours."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    others = [line for line in lines if line.partition("  ")[2] not in digests]
    ours = [f"{digest}  {name}" for name, digest in digests.items()]
    return "".join(f"{line}\n" for line in sorted([*others, *ours], key=lambda line: line[66:]))


def _make_folder(folder: Path) -> None:
    """Make a folder and its missing parents, for the person who called sudo."""
    if not folder.exists():
        _make_folder(folder.parent)
        folder.mkdir()
        _hand_over(folder)


def _hand_over(*paths: Path) -> None:
    """Give paths to the person who called sudo."""
    with suppress(KeyError, ValueError):
        user, group = int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"])
        for path in paths:
            os.chown(path, user, group)
