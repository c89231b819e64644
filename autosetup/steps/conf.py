"""Templates of the image in ``/data/conf``: each is filled in beside itself, without its ending."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from autosetup.faults import Fault, Faulty
from autosetup.steps.context import Context
from autosetup.templates import END, fill

NAME = "conf"
_FOLDER = "/data/conf"


def problems(context: Context) -> Iterator[Fault]:
    """Every fault of every template."""
    for place in _templates(context):
        try:
            fill(place, context.system.read(place), context.variables)
        except Faulty as faulty:
            yield from faulty.faults


def check(context: Context) -> bool:
    """Whether each is filled in with the node's values, open to the same people."""
    return all(
        context.system.holds(place.removesuffix(END), data, mode=mode, uid=uid, gid=gid)
        for place, data, mode, uid, gid in _filled(context)
    )


def apply(context: Context) -> None:
    """Fill them in; programs that run read theirs when they are started again."""
    for place, data, mode, uid, gid in _filled(context):
        context.system.write(place.removesuffix(END), data, mode=mode, uid=uid, gid=gid)


def _filled(context: Context) -> Iterator[tuple[str, bytes, int, int, int]]:
    """Place, filled-in bytes, mode, user and group of each."""
    for place in _templates(context):
        found = context.system.path(place).stat()
        data = fill(place, context.system.read(place), context.variables)
        yield place, data, stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid


def _templates(context: Context) -> list[str]:
    """Their paths on the node, sorted; links are not followed."""
    top = context.system.path(_FOLDER)
    found = (Path(place, name) for place, _, names in os.walk(top) for name in names)
    return sorted(
        f"{_FOLDER}/{path.relative_to(top)}"
        for path in found
        if path.name.endswith(END) and path.name != END and not path.is_symlink()
    )
