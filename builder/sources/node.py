"""What a source holds, one entry of a tree at a time; how each is told to whom plants it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

# Pieces of a file with their offsets; what lies between them is zeros.
Content = Callable[[], Iterator[tuple[int, bytes]]]


def _empty() -> Iterator[tuple[int, bytes]]:
    return iter(())


@dataclass(frozen=True, slots=True)
class Node:
    """One entry of a tree.

    Attributes:
        path: relative to the tree, "" for the tree itself; bytes that are no UTF-8 are escaped as
            `os.fsdecode` does.
        mode: kind and permissions, as stat(2) has them.
        modified: nanoseconds since 1970.
        attributes: extended attributes by their whole names, as getxattr(2) gives them.
        target: of a symbolic link.
        twin: path of an entry planted before that this is another name of; "" for none. All else
            but `path` is then of no matter.
        size: of a file, in bytes.
        device: number of a device, as `os.makedev` makes it.
    """

    path: str
    mode: int
    owner: int = 0
    group: int = 0
    modified: int = 0
    attributes: Mapping[str, bytes] = field(default_factory=dict)
    target: str = ""
    twin: str = ""
    size: int = 0
    content: Content = _empty
    device: int = 0


@dataclass(frozen=True, slots=True)
class Removal:
    """A path that layers below have and the tree has not from here on.

    Attributes:
        inside: what lies in the folder goes, and the folder stays.
    """

    path: str
    inside: bool = False


Entry = Node | Removal
