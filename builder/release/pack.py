"""Compress an image, hash it and map its blocks, all at once."""

from __future__ import annotations

import hashlib
import lzma
import os
import sys
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from builder.release.files import Form
from flasher.events import CancelFlag, check_cancelled
from flasher.image.blocks import FileBlocks
from flasher.image.bmap import BlockMap, map_blocks
from flasher.image.ranges import ByteRange
from flasher.process import ProgramFailed, run

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_CHUNK = 4 << 20
_GIVEN_BACK = 64 << 20  # at a time
_CORES = os.cpu_count() or 1

# 3 takes half the time of 6 and makes files 3 % larger.
_ZSTD_LEVEL = 3

# Streams of this size are compressed side by side; one after the other they are one .xz file
# (section 2 of the .xz format), and a reader may start at any of them.
_XZ_STREAM = 16 << 20
_XZ_PRESET = 6

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the first that a .zip can tell
_ZIP_UNIX = 3
_ZIP_MODE = 0o100644 << 16

Write = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Packed:
    """What was learnt on the way: SHA-256 (hex) of both files, and the block map."""

    image: str
    compressed: str
    block_map: BlockMap


def pack(
    image: Path,
    compressed: Path,
    form: Form,
    always: Iterable[ByteRange],
    report: Callable[[int], None],
    cancel: CancelFlag,
    *,
    consume: bool = False,
) -> Packed:
    """Compress an image into a new file; the same image gives the same bytes.

    Args:
        always: bytes that the block map names even where they are zeros.
        report: hears the bytes of the image that are done.
        consume: give the image's room on the disk back as it is packed: then it is all zeros.

    Raises:
        Cancelled: the flag was set; the file is not whole.
    """
    with ThreadPoolExecutor(2) as pool, FileBlocks(image) as blocks:
        digest = pool.submit(digest_file, image)
        block_map = pool.submit(map_blocks, blocks, tuple(always))
        if consume:  # both have read the image before it goes
            wait([digest])
            wait([block_map])
            report = _giving_back(image, report)
        packed = _compress(image, compressed, form, report, cancel)
        return Packed(digest.result(), packed, block_map.result())


def digest_file(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def packer_version(form: Form) -> tuple[str, str]:
    """Name and version of the library that compresses; the bytes may change with it."""
    if form == "zst":
        return "zstd", zstd.zstd_version
    if form == "zip":
        return "zlib", zlib.ZLIB_RUNTIME_VERSION
    return "python-lzma", ".".join(map(str, sys.version_info[:3]))  # lzma does not tell its own


def _giving_back(image: Path, report: Callable[[int], None]) -> Callable[[int], None]:
    """A report that makes holes of what is done; some file systems have none, and keep it."""
    given = 0

    def give_back(done: int) -> None:
        nonlocal given
        if done - given >= _GIVEN_BACK:
            hole = ("--punch-hole", "--offset", str(given), "--length", str(done - given))
            with suppress(ProgramFailed):
                run(["fallocate", *hole, str(image)])
            given = done
        report(done)

    return give_back


def _compress(
    image: Path, compressed: Path, form: Form, report: Callable[[int], None], cancel: CancelFlag
) -> str:
    with image.open("rb") as source, compressed.open("wb") as target:
        hashing = _Hashing(target)
        size = os.fstat(source.fileno()).st_size
        with _PACKERS[form](hashing, image.name, size) as write:
            while chunk := source.read(_CHUNK):
                check_cancelled(cancel, "The build")
                write(chunk)
                report(source.tell())
        return hashing.digest.hexdigest()


class _Hashing:
    """A file that is only ever appended to, and the digest of what was written."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        """Take a piece; gives how many bytes that were, as files do."""
        self.digest.update(data)
        return self._target.write(data)

    def flush(self) -> None:
        """Pass on what is held."""
        self._target.flush()


@contextmanager
def _zst(target: _Hashing, _name: str, size: int) -> Iterator[Write]:
    # One frame; its bytes do not depend on the number of workers, as long as there is one.
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: _ZSTD_LEVEL,
        zstd.CompressionParameter.checksum_flag: 1,
        zstd.CompressionParameter.nb_workers: _CORES,
    }
    compressor = zstd.ZstdCompressor(options=options)
    compressor.set_pledged_input_size(size)
    yield lambda chunk: target.write(compressor.compress(chunk))
    target.write(compressor.flush())


@contextmanager
def _xz(target: _Hashing, _name: str, _size: int) -> Iterator[Write]:
    waiting: deque[Future[bytes]] = deque()
    gathered = bytearray()
    with ThreadPoolExecutor(_CORES) as pool:

        def submit(least: int, ahead: int) -> None:
            while len(gathered) >= least:
                stream = bytes(gathered[:_XZ_STREAM])
                del gathered[:_XZ_STREAM]
                waiting.append(pool.submit(lzma.compress, stream, preset=_XZ_PRESET))
            while len(waiting) > ahead:
                target.write(waiting.popleft().result())

        def write(chunk: bytes) -> None:
            gathered.extend(chunk)
            submit(_XZ_STREAM, 2 * _CORES)

        try:
            yield write
            submit(1, 0)
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _zip(target: _Hashing, name: str, size: int) -> Iterator[Write]:
    member = ZipInfo(name, _ZIP_TIME)
    member.compress_type = ZIP_DEFLATED
    member.create_system = _ZIP_UNIX
    member.external_attr = _ZIP_MODE
    member.file_size = size
    with ZipFile(target, "w") as archive, archive.open(member, "w") as stream:  # type: ignore[call-overload]
        yield stream.write


_Packer = Callable[[_Hashing, str, int], AbstractContextManager[Write]]
_PACKERS: dict[Form, _Packer] = {"zst": _zst, "xz": _xz, "zip": _zip}
