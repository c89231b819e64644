"""Everything in an ext2, ext3 or ext4, down to the last attribute."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from functools import partial

from builder.sources.attributes import read_attributes
from builder.sources.node import Node
from flasher.image.ext4 import ROOT, Ext4Volume, Inode, damaged

_FAST_LINK = 60


class Ext4(Ext4Volume):
    """A file system whose tree is read, with all that belongs to it."""

    def walk(self) -> Iterator[Node]:
        """Every entry, each folder before what is in it; names in the order of their bytes."""
        seen: dict[int, str] = {}
        waiting = [("", ROOT)]
        while waiting:
            path, number = waiting.pop()
            inode = self.inode(number)
            if stat.S_ISDIR(inode.mode):
                if number in seen:
                    raise damaged(f"the folder {path} is in two places")
                names = sorted(self.names(inode), reverse=True)
                below = [(os.fsdecode(name), child) for name, child in names]
                waiting += [(f"{path}/{name}".lstrip("/"), child) for name, child in below]
            elif number in seen:
                yield Node(path, inode.mode, twin=seen[number])
                continue
            seen[number] = path
            yield self._node(path, inode)

    def _node(self, path: str, inode: Inode) -> Node:
        return Node(
            path,
            inode.mode,
            inode.owner,
            inode.group,
            inode.modified,
            self._attributes(inode),
            target=self._target(inode) if stat.S_ISLNK(inode.mode) else "",
            size=inode.size,
            content=partial(self.pieces, inode),
        )

    def _target(self, inode: Inode) -> str:
        fast = inode.size < _FAST_LINK
        return os.fsdecode(inode.map[: inode.size] if fast else self.content(inode))

    def _attributes(self, inode: Inode) -> dict[str, bytes]:
        block = inode.attribute_block
        outer = self._read(block * self.block_size, self.block_size) if block else b""
        return read_attributes(inode.inner, outer, lambda n: self.content(self.inode(n)))
