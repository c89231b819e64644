"""Make a tree of what a source holds.

Runs inside the build's namespaces as a script of its own (standard library, and our own modules
that need nothing else): the argument is an `Order` as JSON. On standard output it tells a line for
each thing that cannot be made; on standard error how far it is, as apt does, and why it failed.
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

if __name__ == "__main__":  # started alone, it must be told where the others are
    sys.path.insert(0, str(Path(__file__).parents[2]))

from builder.sources.card_image import (
    BOOT_FOLDERS,
    boot_folder,
    boot_nodes,
    open_card_image,
    root_nodes,
)
from builder.sources.node import Entry, Node
from builder.sources.oci import open_layers, read_layers
from builder.sources.plant import plant
from builder.sources.tarred import damaged, read_tree
from flasher.errors import FlasherError
from flasher.image.blocks import FileBlocks

FAULT = "fault: "
FAULTY = 3
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZSTD_TAR = "zstd", "--decompress", "--stdout", "--quiet"

# Loaded by others when first needed, which would be where they cannot be found any more.
_NEEDED_LATER = (bz2, gzip, lzma)


@dataclass(frozen=True, slots=True)
class Order:
    """What to unpack, and where to.

    Attributes:
        form: ``image``, ``rootfs`` or ``oci``.
        source: the file.
        tree: the folder; it becomes the root of the process.
        architecture: Debian's name; which of several a container is for.
        scratch: a folder for what must be unpacked before it can be read.
        devices: make devices too, where the kernel lets us.
    """

    form: str
    source: str
    tree: str
    architecture: str
    scratch: str
    devices: bool = False

    def to_json(self) -> str:
        """What the script takes as its argument."""
        return json.dumps(asdict(self))


def unpack(order: Order) -> None:
    """Do what an order says; see `flasher.errors` for what is raised."""
    {"image": _unpack_image, "rootfs": _unpack_tar, "oci": _unpack_container}[order.form](order)


def _unpack_image(order: Order) -> None:
    with FileBlocks(Path(order.source)) as blocks:
        found = open_card_image(blocks)
        listed = tuple(found.boot.walk())
        _move_into(order.tree)
        for slot in found.more:
            _leave_out(f"partition {slot}")
        plant("/", _telling(root_nodes(found.root), blocks.size), _leave_out)
        plant("/", boot_nodes(found.boot, listed, _own_boot_folder()), _leave_out)


def _unpack_tar(order: Order) -> None:
    with Path(order.source).open("rb") as stream:
        plain = _decompressed(stream)
        _move_into(order.tree)
        told = _telling(read_tree(plain), os.fstat(stream.fileno()).st_size, stream)
        plant("/", told, _leave_out, devices=order.devices)


def _unpack_container(order: Order) -> None:
    with ExitStack() as stack:
        stream = stack.enter_context(Path(order.source).open("rb"))
        layers = _layers(stream, order.architecture, order.scratch, stack)
        _move_into(order.tree)
        plant("/", _telling(read_layers(layers), os.fstat(stream.fileno()).st_size), _leave_out)


def _layers(
    stream: IO[bytes], architecture: str, scratch: str, stack: ExitStack
) -> list[IO[bytes]]:
    """Layers that can be read for as long as the stack is open."""
    try:
        archive = stack.enter_context(tarfile.open(fileobj=stream, mode="r:*"))  # noqa: SIM115
    except tarfile.TarError as error:
        raise damaged(str(error)) from error
    return [_without_zstd(each, scratch, stack) for each in open_layers(archive, architecture)]


def newest_entry(form: str, file: Path, architecture: str) -> int:
    """When the newest entry of an archive was changed, seconds since 1970.

    Args:
        form: ``rootfs`` or ``oci``.
        file: the archive.
        architecture: which of several a container is for.

    Raises:
        BadInput: it cannot be read.
    """
    with ExitStack() as stack:
        stream = stack.enter_context(file.open("rb"))
        entries: Iterator[Entry]
        if form == "rootfs":
            entries = read_tree(_decompressed(stream))
        else:
            scratch = stack.enter_context(tempfile.TemporaryDirectory())
            entries = read_layers(_layers(stream, architecture, scratch, stack))
        return max((e.modified for e in entries if isinstance(e, Node)), default=0) // 10**9


def _move_into(tree: str) -> None:
    """Make the tree our root: no link in it leads out of it."""
    os.chroot(tree)
    os.chdir("/")


def _own_boot_folder() -> str:
    table = Path("/etc/fstab")
    text = table.read_text(encoding="utf-8", errors="replace") if table.is_file() else ""
    there = frozenset(name for name in BOOT_FOLDERS if Path("/", name).is_dir())
    return boot_folder(text, there)


def _decompressed(stream: IO[bytes]) -> IO[bytes]:
    if not _is_zstd(stream):
        return stream
    os.lseek(stream.fileno(), 0, os.SEEK_SET)  # where the other program begins to read
    unzstd = subprocess.Popen(_ZSTD_TAR, stdin=stream, stdout=subprocess.PIPE)
    assert unzstd.stdout is not None
    return unzstd.stdout


def _without_zstd(layer: IO[bytes], scratch: str, stack: ExitStack) -> IO[bytes]:
    if not _is_zstd(layer):
        return layer
    packed = stack.enter_context(tempfile.TemporaryFile(dir=scratch))  # noqa: SIM115
    plain = stack.enter_context(tempfile.TemporaryFile(dir=scratch))  # noqa: SIM115
    shutil.copyfileobj(layer, packed)
    packed.seek(0)
    subprocess.run(_ZSTD_TAR, stdin=packed, stdout=plain, check=True)
    plain.seek(0)
    return plain


def _is_zstd(stream: IO[bytes]) -> bool:
    head = stream.read(len(_ZSTD))
    stream.seek(0)
    return head == _ZSTD


def _telling(
    entries: Iterable[Entry], total: int, stream: IO[bytes] | None = None
) -> Iterator[Entry]:
    """The same entries; how much of `total` bytes they hold is told now and then.

    With a stream, how much of it has been read: whoever does, be it another program, moves the one
    position of the open file.
    """
    done, told = 0, 0
    for entry in entries:
        yield entry
        if stream:
            done = os.lseek(stream.fileno(), 0, os.SEEK_CUR)
        elif isinstance(entry, Node):
            done += entry.size
        if (percent := min(99, done * 100 // max(total, 1))) > told:
            told = percent
            sys.stderr.write(f"pmstatus:unpack:{percent}:\n")


def _leave_out(what: str) -> None:
    sys.stdout.write(f"{what}\n")


def main() -> int:
    """Read the order and do it; return the exit status."""
    try:
        unpack(Order(**json.loads(sys.argv[1])))
    except FlasherError as error:
        told = [error.code, error.message, error.hint]
        sys.stderr.write(f"{FAULT}{json.dumps(told)}\n")
        return FAULTY
    return 0


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        sys.exit(main())
