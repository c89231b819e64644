"""Card and board: the node belongs to the one in which its generation was first done.

In another board it works on, for a board that is swapped is an everyday repair; but it says so,
until somebody agrees (`autosetup rebind`) or a payload of a higher generation is done there.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from autosetup import board
from autosetup.faults import Faulty
from autosetup.manifest import LARGEST
from autosetup.status import Status, Warned, with_warning
from autosetup.strict_json import reading_json
from autosetup.system import replace_file

_FILE = "binding.json"
_CODE = "other-board"


@dataclass(frozen=True, slots=True)
class Binding:
    """The highest generation that was done, and the serial number of the board it was done in."""

    generation: int
    serial: str


def settled(folder: Path, status: Status) -> Status:
    """The status of a node that is done, with the board that it is in and the one it belongs to.

    A generation higher than the one bound is bound to this board. Boards without a serial number,
    as PCs are, are bound to nothing.

    Args:
        folder: of the agent's record.
        status: done; its generation counts.
    """
    serial, bound = board.serial(), load(folder)
    if serial and (bound is None or bound.generation < (status.generation or 0)):
        bound = bind(folder, status.generation or 0)
    here = replace(
        status,
        pi_serial=serial,
        pi_model=board.model(),
        bound_to=bound.serial if bound and serial else "",
    )
    moved = here.bound_to != here.pi_serial
    return with_warning(here, _CODE, _warning(here) if moved else None)


def bind(folder: Path, generation: int) -> Binding:
    """Have a generation belong to this board, durably."""
    binding = Binding(generation, board.serial())
    replace_file(folder / _FILE, (json.dumps(asdict(binding)) + "\n").encode())
    return binding


def load(folder: Path) -> Binding | None:
    """What was bound; None where nothing was, or where the file is spoiled."""
    try:
        with reading_json(_FILE, (folder / _FILE).read_bytes()) as top:
            generation = top.integer("generation", low=1, high=LARGEST)
            return Binding(generation, top.string("serial"))
    except (OSError, Faulty):
        return None


def _warning(status: Status) -> Warned:
    what = (
        f"{status.node} was set up in the Pi {status.bound_to}, and is in {status.pi_serial} now."
    )
    return Warned("other-board", what, "If it was moved on purpose: sudo autosetup rebind")
