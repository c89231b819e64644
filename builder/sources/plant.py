"""Entries of a source made into a tree, with every owner, mode, time and attribute.

Runs inside the build's namespaces, as root of its ids. Standard library only.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress

from builder.sources.node import Entry, Node, Removal
from builder.sources.tarred import damaged

# The kernel keeps these from everybody but the computer's own root: none of a generic image's
# programs can depend on them. The last ones are the layers' own.
_NOT_OURS = ("trusted.", "user.overlay.")
_ALL_MODES = 0o7777


def plant(
    root: str,
    entries: Iterable[Entry],
    leave_out: Callable[[str], None],
    *,
    devices: bool = False,
) -> None:
    """Make a tree of entries; later ones replace what earlier ones made of the same name.

    Args:
        root: an existing folder; links in the tree are followed as they lead, so it should be
            this process's own root.
        entries: parents before children, or parents made by earlier entries.
        leave_out: told in a few words what cannot be made.
        devices: make devices too, where the kernel lets us.
    """
    folders: dict[str, Node] = {}
    for entry in entries:
        path = f"{root.rstrip('/')}/{entry.path}"
        if isinstance(entry, Removal):
            _remove_told(path, entry, folders)
        elif _make(path, entry, root, leave_out, devices=devices):
            folders.pop(entry.path, None)
            if stat.S_ISDIR(entry.mode) and not entry.twin:
                folders[entry.path] = entry
    for node in folders.values():  # last: making what is in a folder changes its time
        _set_time(f"{root.rstrip('/')}/{node.path}", node)


def _remove_told(path: str, removal: Removal, folders: dict[str, Node]) -> None:
    below = f"{removal.path}/"
    for name in [name for name in folders if name.startswith(below)]:
        del folders[name]
    if not removal.inside:
        folders.pop(removal.path, None)
        _clear(path)
    elif os.path.isdir(path) and not os.path.islink(path):  # noqa: PTH112, PTH114
        for name in os.listdir(path):  # noqa: PTH208
            _clear(f"{path}/{name}")


def _make(
    path: str, node: Node, root: str, leave_out: Callable[[str], None], *, devices: bool
) -> bool:
    kind = stat.S_IFMT(node.mode)
    if node.path:
        _make_way(path, node)
    if node.twin:
        _clear(path)
        try:
            os.link(f"{root.rstrip('/')}/{node.twin}", path, follow_symlinks=False)
        except FileNotFoundError:
            missing = f"/{node.path} is another name of /{node.twin}, which is not in it"
            raise damaged(missing) from None
        return True
    if kind in (stat.S_IFBLK, stat.S_IFCHR):
        _clear(path)
        if not (devices and _make_device(path, node)):
            leave_out(f"/{node.path} (a device: the kernel makes its own)")
            return False
    elif kind == stat.S_IFDIR:
        _make_folder(path)
    else:
        _clear(path)
        _make_other(path, node, kind)
    _set_rights(path, node, leave_out)
    return True


def _make_way(path: str, node: Node) -> None:
    """Make the folders that a path lies in; a link among them may lead nowhere in the tree."""
    try:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)  # noqa: PTH103, PTH120
    except (FileExistsError, NotADirectoryError):
        raise damaged(f"/{node.path} lies in what is no folder") from None


def _make_device(path: str, node: Node) -> bool:
    """Make a device; whether that is allowed, which it is to the computer's own root alone."""
    try:
        os.mknod(path, stat.S_IFMT(node.mode) | 0o600, node.device)
    except PermissionError:
        return False
    return True


def _make_folder(path: str) -> None:
    if os.path.islink(path) or not os.path.isdir(path):  # noqa: PTH112, PTH114
        _clear(path)
        os.mkdir(path)  # noqa: PTH102


def _make_other(path: str, node: Node, kind: int) -> None:
    if kind == stat.S_IFLNK:
        os.symlink(node.target, path)  # noqa: PTH211
    elif kind == stat.S_IFREG:
        _write(path, node)
    else:
        os.mknod(path, kind | 0o600)


def _write(path: str, node: Node) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        for offset, piece in node.content():
            written = 0
            while written < len(piece):
                written += os.pwrite(descriptor, piece[written:], offset + written)
        os.ftruncate(descriptor, node.size)
    finally:
        os.close(descriptor)


def _set_rights(path: str, node: Node, leave_out: Callable[[str], None]) -> None:
    os.chown(path, node.owner, node.group, follow_symlinks=False)
    if not stat.S_ISLNK(node.mode):
        os.chmod(path, node.mode & _ALL_MODES)  # noqa: PTH101
    for name, value in node.attributes.items():
        if name.startswith(_NOT_OURS) or not _set_attribute(path, name, value):
            leave_out(f"/{node.path}: {name}")
    if not stat.S_ISDIR(node.mode):
        _set_time(path, node)


def _set_attribute(path: str, name: str, value: bytes) -> bool:
    """Set an attribute; whether that is allowed: labels of security modules are not to all."""
    try:
        os.setxattr(path, name, value, follow_symlinks=False)
    except PermissionError:
        return False
    return True


def _set_time(path: str, node: Node) -> None:
    os.utime(path, ns=(node.modified, node.modified), follow_symlinks=False)


def _clear(path: str) -> None:
    """Remove what has a name, whatever it is; nothing if nothing has."""
    with suppress(FileNotFoundError, NotADirectoryError):
        if stat.S_ISDIR(os.lstat(path).st_mode):
            shutil.rmtree(path)
        else:
            os.unlink(path)  # noqa: PTH108
