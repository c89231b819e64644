"""`autosetup update`: one pass, alone on this node, with words for whoever said it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from autosetup import update_state
from autosetup.errors import AgentError
from autosetup.faults import Faulty
from autosetup.orphans import adopt_orphans
from autosetup.outlets import RUNNING
from autosetup.status import lines_of
from autosetup.stopping import Stopped, heed_stops, outlive_terminal
from autosetup.terminal import DONE, FAILED, refuse, say
from autosetup.this_node import tools_here
from autosetup.update.apply import Updater

_LOCK = RUNNING / "update.lock"


def update() -> int:
    """Bring this node up to date.

    Gives the exit code: 0 where that was done, or nothing was to be done yet; 1 where it was
    refused, or what came did not last.
    """
    adopt_orphans()
    heed_stops()
    outlive_terminal()
    tools = tools_here()
    try:
        with _only_one() as is_only:
            if not is_only:
                say("Another update is at work on this node.\n")
                return DONE
            status = Updater(tools).run()
    except Stopped:
        say("Told to stop; the next update goes on.\n")
        return DONE
    except (AgentError, Faulty, OSError) as error:
        return refuse(error)
    if status is None:
        said = update_state.told(tools.system)
        say(f"{said.words if said and said.doing != 'idle' else 'There is nothing new.'}\n")
        return DONE
    say("".join(f"{line}\n" for line in lines_of(status)))
    return FAILED if status.state in ("failed", "rolled-back") else DONE


@contextmanager
def _only_one() -> Iterator[bool]:
    """Whether no other pass is at work; for the block, no other one begins."""
    RUNNING.mkdir(parents=True, exist_ok=True)
    with _LOCK.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
