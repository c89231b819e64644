"""Tar archives read entry by entry: root file systems, and layers with their whiteouts.

Attributes lie in the pax headers ``SCHILY.xattr.*``, as GNU tar and all container tools write them.
Whiteouts after the OCI image specification, "Image layer filesystem changeset". Standard library
only.
"""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import IO

from builder.sources.node import Node, Removal
from flasher.errors import BadInput

_ATTRIBUTE = "SCHILY.xattr."
_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"
_PIECE = 1 << 20
_KINDS = {
    tarfile.DIRTYPE: stat.S_IFDIR,
    tarfile.SYMTYPE: stat.S_IFLNK,
    tarfile.LNKTYPE: stat.S_IFREG,
    tarfile.CHRTYPE: stat.S_IFCHR,
    tarfile.BLKTYPE: stat.S_IFBLK,
    tarfile.FIFOTYPE: stat.S_IFIFO,
}


def read_tree(stream: IO[bytes]) -> Iterator[Node]:
    """The entries of an archive, in its order; owners by number.

    Args:
        stream: read from here to its end, once; compressed with gzip, bzip2 or xz, or not at all.

    Raises:
        BadInput: ``archive-damaged``, or a name that leads out of the tree.
    """
    try:
        with tarfile.open(fileobj=stream, mode="r|*") as archive:
            for member in archive:
                yield _node(archive, member)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise damaged(str(error)) from error


def read_changes(members: Iterator[Node]) -> tuple[list[Removal], set[str]]:
    """What a layer takes away from those below it, and the paths by which it says so.

    All of it comes before any of the layer's own entries.
    """
    removals, names = [], set()
    for member in members:
        place = PurePosixPath(member.path)
        if not place.name.startswith(_WHITEOUT):
            continue
        names.add(member.path)
        folder = "" if str(place.parent) == "." else f"{place.parent}/"
        if place.name == _OPAQUE:
            removals.append(Removal(folder.rstrip("/"), inside=True))
        elif not place.name.startswith(f"{_WHITEOUT}{_WHITEOUT}"):
            removals.append(Removal(folder + place.name.removeprefix(_WHITEOUT)))
    return removals, names


def damaged(why: str) -> BadInput:
    """The error for an archive that does not read."""
    return BadInput("archive-damaged", f"The archive cannot be read: {why}.", "Get it again.")


def _node(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Node:
    attributes = {
        name.removeprefix(_ATTRIBUTE): value.encode("utf-8", "surrogateescape")
        for name, value in member.pax_headers.items()
        if name.startswith(_ATTRIBUTE)
    }
    return Node(
        _plain(member.name),
        _KINDS.get(member.type, stat.S_IFREG) | (member.mode & 0o7777),
        member.uid,
        member.gid,
        int(float(member.pax_headers.get("mtime", member.mtime)) * 10**6) * 10**3,
        attributes,
        target=member.linkname if member.issym() else "",
        twin=_plain(member.linkname) if member.islnk() else "",
        size=member.size if member.isreg() else 0,
        content=partial(_pieces, archive, member),
        device=os.makedev(member.devmajor, member.devminor) if member.isdev() else 0,
    )


def _pieces(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[tuple[int, bytes]]:
    stream = archive.extractfile(member) if member.isreg() else None
    offset = 0
    try:
        while stream and (piece := stream.read(_PIECE)):
            yield offset, piece
            offset += len(piece)
    except (tarfile.TarError, EOFError) as error:
        raise damaged(str(error)) from error


def _plain(name: str) -> str:
    """A path relative to the tree, "" for the tree itself."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise damaged(f"{name} leads out of the tree")
    return "/".join(parts)
