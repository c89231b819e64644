"""What the commands do that change a node, or need all that the agent works with."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from autosetup import board
from autosetup.agent import Agent
from autosetup.agents import prove_agent
from autosetup.binding import bind
from autosetup.browse import offered
from autosetup.card import mount_boot
from autosetup.change import done, set_value, values_on
from autosetup.errors import AgentError
from autosetup.faults import Faulty
from autosetup.generations import stage_payload, take_back
from autosetup.orphans import adopt_orphans
from autosetup.presence import TYPE, is_lost, other_of_our_name, publish_again
from autosetup.questions import last_said
from autosetup.retry import pause_after
from autosetup.run import Tools
from autosetup.status import Status, lines_of, with_warning
from autosetup.stopping import Stopped, heed_stops, outlive_terminal
from autosetup.system import System
from autosetup.terminal import DONE, FAILED, code_of, refuse, say
from autosetup.this_node import alone, tools_here


def run(pauses: tuple[float, ...]) -> int:
    """Run until the node is what it shall be, or a failure is final."""
    adopt_orphans()
    heed_stops()
    try:
        for attempt in itertools.count(1):
            status = _run_once(pauses, attempt)
            if status.state != "failed" or not status.next_try_at:
                break
            time.sleep(pause_after(status.attempt, pauses, status.node or ""))
    except Stopped:
        say("Told to stop; the next run goes on.\n")
        return DONE
    except PermissionError as error:
        return refuse(error)
    return code_of(status)


def _run_once(pauses: tuple[float, ...], attempt: int) -> Status:
    mount_boot(System())
    tools = replace(tools_here(), pauses=pauses, attempt=attempt)
    with alone():
        status = Agent(tools).run()
    prove_agent()
    return status


def apply(path: Path) -> int:
    """Apply a payload from elsewhere; one that is taken back has failed."""
    from autosetup.archive import read_payload  # with all that unpacks: no boot needs it

    status = _changed(lambda tools: stage_payload(tools, read_payload(path)))
    return FAILED if status is None or status.state == "rolled-back" else code_of(status)


def rollback() -> int:
    """Go back to the good payload before the one in force."""
    status = _changed(take_back)
    return code_of(status) if status else FAILED


def change_value(name: str, value: str) -> int:
    """Change a value until a newer payload comes."""
    status = _changed(lambda tools: set_value(tools, name, value))
    return code_of(status) if status else FAILED


def update() -> int:
    """Bring the node up to date with what was released for it."""
    from autosetup.update import command  # with all that fetches: no boot needs it

    return command.update()


def look_for_updates(as_json: bool) -> int:
    """Say what there is for this node."""
    from autosetup.update import check  # as above

    return check.check(as_json=as_json)


def rebind() -> int:
    """Have the node belong to this board."""
    status = _changed(_bind)
    if status is None:
        return FAILED
    say("".join(f"{line}\n" for line in lines_of(status)))
    return DONE


def _bind(tools: Tools) -> None:
    generation = done(tools).generation
    if board.serial():
        bind(tools.journal.folder, generation)


def _changed(change: Callable[[Tools], None]) -> Status | None:
    """What the node comes to by a change of its record; None where it is refused."""
    adopt_orphans()
    outlive_terminal()
    tools = tools_here()
    try:
        with alone():
            change(tools)
            return Agent(tools).run()
    except (AgentError, Faulty, OSError) as error:
        refuse(error)
        return None


def tell_values() -> int:
    """Print what templates can name, and what it stands for."""
    try:
        values = values_on(tools_here())
    except (AgentError, Faulty, OSError) as error:
        return refuse(error)
    say("".join(f"{name} = {json.dumps(value)}\n" for name, value in sorted(values.items())))
    return DONE


def look_around() -> int:
    """Have the node be heard on the network, and say whether another one has its name."""
    tools, found = tools_here(), last_said()
    if found is None or found.node is None:
        return DONE
    try:
        around = offered(tools.system, TYPE)
        lost = is_lost(tools.system, around)
        taken = other_of_our_name(tools.system, found.node, around)
        with alone():
            if lost and publish_again(tools.system):
                words = "The node's record was not heard on each network; it is told again."
                tools.outlets.log(words)
            if (now := last_said()) and now != (told := with_warning(now, "name-taken", taken)):
                tools.outlets.repeat(told)
    except OSError as error:
        return refuse(error)
    return DONE
