"""Files of the payload, installed where the node's programs look for them; templates filled in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from autosetup import templates
from autosetup.faults import Fault
from autosetup.node_file import NODE
from autosetup.settings import InstalledFile
from autosetup.steps.context import Context
from autosetup.steps.restarts import ask_restarts

NAME = "files"


def problems(context: Context) -> Iterator[Fault]:
    """Owners that nobody knows and places that are taken."""
    users = {user.name for user in context.settings.users}
    groups = {group for user in context.settings.users for group in user.groups} | users
    known_users = context.system.accounts().keys() | users
    known_groups = context.system.groups().keys() | groups
    for file in context.settings.files:
        if file.owner not in known_users:
            yield _fault(f"The owner {file.owner} of {file.path} is unknown.", "Add [[user]].")
        if file.group not in known_groups:
            yield _fault(f"The group {file.group} of {file.path} is unknown.", "Choose another.")
        if context.system.path(file.path).is_dir():
            yield _fault(f"{file.path} is a folder on the node.", "Give the path of a file.")
        if above := _file_above(context, file.path):
            yield _fault(f"{file.path} lies below {above}, a file.", "Choose another place.")


def check(context: Context) -> bool:
    """Whether every file is there with its bytes, mode and owner."""
    return all(_is_right(context, file) for file in context.settings.files)


def apply(context: Context) -> None:
    """Put those in place that are not."""
    for file in context.settings.files:
        if not _is_right(context, file):
            ask_restarts(context.system, file.restarts)
            uid, gid = _owner(context, file)
            context.before.keep_file(file.path)
            context.system.write(
                file.path, _content(context, file), mode=file.mode, uid=uid, gid=gid
            )


def _file_above(context: Context, path: str) -> str | None:
    """What cannot be a folder, as it is a file of the node or of the payload."""
    taken = {file.path for file in context.settings.files}
    above = [str(folder) for folder in PurePosixPath(path).parents]
    return next((f for f in above if f in taken or context.system.path(f).is_file()), None)


def _is_right(context: Context, file: InstalledFile) -> bool:
    uid, gid = _owner(context, file)
    data = _content(context, file)
    return context.system.holds(file.path, data, mode=file.mode, uid=uid, gid=gid)


def _content(context: Context, file: InstalledFile) -> bytes:
    raw = context.files[file.source]
    is_template = file.source.startswith(templates.FOLDER)
    return templates.fill(file.source, raw, context.variables) if is_template else raw


def _owner(context: Context, file: InstalledFile) -> tuple[int, int]:
    return (
        context.system.accounts()[file.owner].uid,
        context.system.groups()[file.group].gid,
    )


def _fault(what: str, remedy: str) -> Fault:
    return Fault(NODE, 0, 0, what, remedy)
