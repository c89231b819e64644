"""`autosetup update --check`: what there is for this node, without changing anything."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from autosetup.errors import AgentError
from autosetup.faults import Faulty
from autosetup.terminal import DONE, refuse, say
from autosetup.this_node import tools_here
from autosetup.time_floor import keep_floor, read_floor
from autosetup.update.found import Found
from autosetup.update.here import METADATA, Ground, ground_of
from autosetup.update.look import looking

# As `dnf check-update` has it, so that scripts can tell it from a failure.
NEWS = 100
FORMAT = 1
_KB = 1000


def check(*, as_json: bool) -> int:
    """Print what a source has for this node.

    Gives the exit code: 0 where nothing is to be done, 100 where something is, 1 where nobody could
    be asked or believed.
    """
    try:
        with apart(ground_of(tools_here())) as ground, looking(ground) as found:
            say(f"{json.dumps(facts(found))}\n" if as_json else f"{words(found)}\n")
            return NEWS if found.has_news else DONE
    except (AgentError, Faulty, OSError) as error:
        return refuse(error)


@contextmanager
def apart(ground: Ground) -> Iterator[Ground]:
    """The same ground, on which nothing that is learned or fetched is kept.

    An update may be at work beside it, which alone writes what the node knows.
    """
    with tempfile.TemporaryDirectory(prefix="autosetup-check-") as draft:
        here = Path(draft)
        _copy(ground.folder / METADATA, here / METADATA)
        keep_floor(here, read_floor(ground.folder))
        aside = replace(ground, folder=here)
        aside.blobs.folder.symlink_to(ground.blobs.folder)
        yield aside


def _copy(folder: Path, to: Path) -> None:
    """What is there of the metadata, all of which is judged anew; an update may replace it now."""
    for file in folder.glob("*/*.json"):
        copy = to / file.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            shutil.copyfile(file, copy)


def facts(found: Found) -> dict[str, object]:
    """What is known, for programs."""
    return {
        "format": FORMAT,
        "source": found.store.name,
        "generation": found.ground.generation,
        "offered": found.letter.told.generation if found.letter else None,
        "newer": found.is_newer,
        "taken_back": found.takes_back,
        "paused": bool(found.plan and found.plan.paused),
        "agent": found.plan.agent if found.agent and found.plan else None,
        "bytes": _to_fetch(found),
    }


def words(found: Found) -> str:
    """What is known, for people."""
    lines = [f"{found.store.name} answers; this node has generation {found.ground.generation}."]
    if found.takes_back:
        lines.append("That one was withdrawn: the next update goes back from it.")
    if found.is_newer and found.letter:
        count, size = len(found.missing), math.ceil(_to_fetch(found) / _KB)
        files = f"{count} file{'' if count == 1 else 's'}, {size} kB to fetch"
        lines.append(f"Generation {found.letter.told.generation} is there for it: {files}.")
    if found.agent and found.plan:
        lines.append(f"A newer agent is there: {found.plan.agent.rpartition('/')[2]}.")
    if found.has_news and found.plan and found.plan.paused:
        lines.append("The rollout is paused.")
    if not found.has_news:
        lines.append("There is nothing new for it.")
    return "\n".join(lines)


def _to_fetch(found: Found) -> int:
    fetched = found.ground.blobs
    return sum(blob.size - fetched.has_of(blob) for blob in found.missing) if found.is_newer else 0
