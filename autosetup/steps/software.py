"""Software of the payload: each version in a folder of its own, and a link that is switched to it.

The folder is whole on disk before the link leads to it. The version before stays beside it until
the next change, as what runs may still read it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator

from autosetup.faults import Fault
from autosetup.node_file import NODE
from autosetup.software import Software, read_tree
from autosetup.steps.context import Context
from autosetup.steps.restarts import ask_restarts
from autosetup.system import System, sync_folder

NAME = "software"
_TREES = "/var/lib/autosetup-software"
_DIGITS = 32


def problems(context: Context) -> Iterator[Fault]:
    """Trees that are none, and places that are taken."""
    paths = [software.path for software in context.settings.software]
    for software in context.settings.software:
        try:
            read_tree(context.files[software.source])
        except ValueError as error:
            yield Fault(software.source, 0, 0, str(error), "Prepare the card again.")
        place = context.system.path(software.path)
        if place.exists() and not place.is_symlink():
            what = f"{software.path} is there already, and is no link."
            yield Fault(NODE, 0, 0, what, "Choose another path for the software.")
    for path in [*paths, *(file.path for file in context.settings.files)]:
        if above := next((p for p in paths if path.startswith(f"{p}/")), None):
            what = f"{path} lies below {above}, which is software of the payload."
            yield Fault(NODE, 0, 0, what, "Choose another place.")


def check(context: Context) -> bool:
    """Whether each link leads to the tree that the payload has."""
    return all(_is_there(context, software) for software in context.settings.software)


def apply(context: Context) -> None:
    """Put those in place that are not."""
    wanted = [
        software for software in context.settings.software if not _is_there(context, software)
    ]
    if wanted:
        _tidy(context)
    for software in wanted:
        _unpack(context, software)
        ask_restarts(context.system, software.restarts)
        context.before.keep_file(software.path)
        _lead(context.system, software.path, _tree(context, software))


def _is_there(context: Context, software: Software) -> bool:
    tree, place = _tree(context, software), context.system.path(software.path)
    leads = place.is_symlink() and str(place.readlink()) == tree
    return leads and context.system.path(tree).is_dir()


def _tree(context: Context, software: Software) -> str:
    digest = hashlib.sha256(context.files[software.source]).hexdigest()
    return f"{_TREES}/{digest[:_DIGITS]}"


def _unpack(context: Context, software: Software) -> None:
    """Make the folder of a version; it has its name only once all of it is on disk."""
    folder = context.system.path(_tree(context, software))
    if folder.is_dir():
        return
    draft = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o755, parents=True)
    for name, entry in read_tree(context.files[software.source]).items():
        path = draft / name
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        if entry.content is None:
            path.symlink_to(entry.target)
        else:
            path.write_bytes(entry.content)
            path.chmod(entry.mode)
    os.sync()
    draft.rename(folder)
    sync_folder(folder.parent)


def _lead(system: System, path: str, tree: str) -> None:
    place = system.path(path)
    place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    draft = place.with_name(f".{place.name}.autosetup")
    draft.unlink(missing_ok=True)
    draft.symlink_to(tree)
    draft.replace(place)
    sync_folder(place.parent)


def _tidy(context: Context) -> None:
    """Remove every version that no link leads to any more, and drafts of power cuts."""
    system, settings = context.system, context.settings
    places = [system.path(software.path) for software in settings.software]
    used = {str(place.readlink()).rpartition("/")[2] for place in places if place.is_symlink()}
    used |= {_tree(context, software).rpartition("/")[2] for software in settings.software}
    for path in system.path(_TREES).glob("*"):
        if path.name not in used:
            shutil.rmtree(path, ignore_errors=True)
    for path in system.path(_TREES).glob(".*.part"):
        shutil.rmtree(path, ignore_errors=True)
