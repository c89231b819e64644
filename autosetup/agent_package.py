"""The agent in a Debian package: its modules are read, and never unpacked by the package's rules.

deb(5): an ar(5) archive whose member ``data.tar``, packed or not, has the files. Only plain files
below the agent's own folder count; links, scripts of the package and all else are passed over or
refused, and no stream is unpacked beyond the size that no agent has.
"""

from __future__ import annotations

import gzip
import io
import lzma
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from autosetup.agents import PACKAGE, order_of
from autosetup.errors import AgentError

# What a released one is called, with its version.
NAME = re.compile(r"autosetup_([0-9.]+)_all\.deb")
_FOLDER = f"usr/lib/python3/dist-packages/{PACKAGE}/"
_MAGIC = b"!<arch>\n"
_HEADER, _END = 60, b"`\n"
_LARGEST, _MOST_FILES = 32 << 20, 2000
_PART, _DEEPEST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}"), 10
_UNREADABLE = (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError, ValueError)


def read_agent(raw: bytes, version: str) -> dict[str, bytes]:
    """The files of an agent by their paths in its package.

    Args:
        raw: the .deb.
        version: that it must say of itself.

    Raises:
        AgentError: ``agent-refused``, it is no such package.
    """
    try:
        data = next((d for name, d in _members(raw) if name.startswith("data.tar")), None)
        files = dict(_modules(_unpacked(data))) if data else {}
    except _UNREADABLE:
        raise _refused("It is no whole Debian package.") from None
    said = re.search(rb'^__version__ = "([^"]*)"$', files.get("__init__.py", b""), re.MULTILINE)
    if "__main__.py" not in files or not said:
        raise _refused("There is no agent in it.")
    if order_of(version) is None or said[1] != version.encode():
        name = said[1].decode(errors="replace")
        raise _refused(f"It is called {version}, and says of itself {name[:40]!r}.")
    if both := sorted(files.keys() & _folders(files)):
        raise _refused(f"It holds {both[0]!r} as a file and as a folder.")
    return files


def _folders(names: Iterable[str]) -> set[str]:
    """Every folder that files of these names lie in."""
    return {str(folder) for name in names for folder in PurePosixPath(name).parents}


def _members(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and content of each member, as dpkg-deb writes them; names have no blanks."""
    if not raw.startswith(_MAGIC):
        raise ValueError
    at = len(_MAGIC)
    while at < len(raw):
        header = raw[at : at + _HEADER]
        if header[58:] != _END or not header[48:58].strip().isdigit():
            raise ValueError
        size, at = int(header[48:58]), at + _HEADER
        if at + size > len(raw):
            raise ValueError
        yield header[:16].decode("ascii").rstrip().rstrip("/"), raw[at : at + size]
        at += size + size % 2


def _unpacked(data: bytes) -> bytes:
    """A stream that was packed by gzip or xz, or not at all."""
    if data.startswith(b"\x1f\x8b"):
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            plain = stream.read(_LARGEST + 1)
    elif data.startswith(b"\xfd7zXZ\0"):
        plain = lzma.LZMADecompressor(memlimit=4 * _LARGEST).decompress(data, _LARGEST + 1)
    else:
        plain = data
    if len(plain) > _LARGEST:
        raise _refused("It is larger than any agent.")
    return plain


def _modules(plain: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as archive:
        count = 0
        for entry in archive:
            path = entry.name.removeprefix("./")
            name = path.removeprefix(_FOLDER)
            if entry.isdir() or name == path or "__pycache__" in name.split("/"):
                continue
            count += 1
            is_plain = entry.isreg() and not entry.issparse()
            content = archive.extractfile(entry) if is_plain else None
            parts = name.split("/")
            if content is None or len(parts) > _DEEPEST or not all(map(_PART.fullmatch, parts)):
                raise _refused(f"It holds {name[:80]!r}, which is no module of an agent.")
            if count > _MOST_FILES:
                raise _refused("It is larger than any agent.")
            yield name, content.read()


def _refused(what: str) -> AgentError:
    hint = "Release the agent's package as the builder makes it."
    return AgentError("agent-refused", f"The package of a newer agent is refused. {what}", hint)
