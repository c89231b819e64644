"""`autosetup` on the node: run, status, check, apply, rollback, set, values."""

from __future__ import annotations

import argparse
import fcntl
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from autosetup.errors import AgentError, as_agent_error
from autosetup.faults import Faulty
from autosetup.payload import FOLDER, STATUS, read_folder, unpack
from autosetup.retry import pause_after
from autosetup.status import Status, lines_of
from autosetup.system import System

if TYPE_CHECKING:
    from autosetup.run import Tools

_DONE, _FAILED = 0, 1
_ENDED = ("waiting", "done", "failed", "rolled-back")
_POLL_SECONDS = 0.5


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; gives its exit code: 0 done or nothing to do, 1 failed, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="autosetup", description="Makes this Pi the node that its card says."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser(
        "run", help="set the node up, or go on with it (the service does this)"
    )
    running.add_argument(
        "--again",
        type=_pauses,
        default=(),
        metavar="SECONDS,…",
        help="try what may pass again, after these pauses; the last one holds for ever",
    )
    status = commands.add_parser("status", help="say how far the node is")
    status.add_argument("--json", action="store_true", help="as one JSON object")
    status.add_argument(
        "--wait", action="store_true", help="until this boot's run is done or has failed"
    )
    check = commands.add_parser("check", help="say what is wrong with a payload")
    check.add_argument("folder", nargs="?", type=Path, help="default: the one on this card")
    given = commands.add_parser("apply", help="apply a payload that is not the card's")
    given.add_argument("path", type=Path, help="a folder autosetup, or a .zip or .tar of it")
    commands.add_parser("rollback", help="go back to the last good payload before this one")
    change = commands.add_parser("set", help="change a value on this node, until a newer payload")
    change.add_argument("name", help="domain, timezone, ntp, or a variable of the payload")
    change.add_argument("value", help="several ntp servers: in one word, with commas")
    commands.add_parser(
        "neighbours", help="look whether another node has this node's name (a timer does this)"
    )
    commands.add_parser("rebind", help="have the node belong to this Pi, when its card was moved")
    commands.add_parser("values", help="say what templates can name, and what it stands for")
    chosen = parser.parse_args(argv)
    if chosen.command == "apply":
        return _apply(chosen.path)
    if chosen.command == "rollback":
        return _rollback()
    if chosen.command == "set":
        return _set(chosen.name, chosen.value)
    if chosen.command == "values":
        return _values()
    if chosen.command == "rebind":
        return _rebind()
    if chosen.command == "neighbours":
        return _neighbours()
    if chosen.command == "run":
        return _run(chosen.again)
    if chosen.command == "status":
        return _status(as_json=chosen.json, wait=chosen.wait)
    return _check(chosen.folder)


def _pauses(text: str) -> tuple[float, ...]:
    return tuple(float(word) for word in text.split(","))


def _run(pauses: tuple[float, ...]) -> int:
    """Run until the node is what it shall be, or a failure is final."""
    from autosetup.orphans import adopt_orphans
    from autosetup.stopping import Stopped, heed_stops

    adopt_orphans()
    heed_stops()
    try:
        for attempt in itertools.count(1):
            status = _run_once(pauses, attempt)
            if status.state != "failed" or not status.next_try_at:
                break
            time.sleep(pause_after(status.attempt, pauses, status.node or ""))
    except Stopped:
        _say("Told to stop; the next run goes on.\n")
        return _DONE
    return _FAILED if status.state == "failed" else _DONE


def _run_once(pauses: tuple[float, ...], attempt: int) -> Status:
    from autosetup.agent import Agent

    tools = replace(_tools(), pauses=pauses, attempt=attempt)
    with _alone():
        return Agent(tools).run()


def _tools() -> Tools:
    from autosetup import light, presence, rescue
    from autosetup.card import find_card
    from autosetup.imports.found import make_card_folder
    from autosetup.journal import Journal
    from autosetup.notify import notify
    from autosetup.outlets import ISSUE, Outlets, active_consoles
    from autosetup.places import state_folder
    from autosetup.run import Tools
    from autosetup.sealing import card_to_write

    def ready() -> None:
        with suppress(OSError):
            notify("READY=1")

    system = System()
    journal = Journal(system.path(state_folder(system)))
    card = find_card(system) or make_card_folder(system)
    outlets = Outlets(
        card,
        consoles=active_consoles(),
        issue=ISSUE,
        writing=lambda: card_to_write(system, str(card.parent)) if card else nullcontext(),
        signs=(
            lambda status, is_new: light.show(system, status, is_new=is_new),
            lambda status, _: presence.publish(system, status),
            lambda status, _: rescue.attend(system, journal, status),
        ),
    )
    return Tools(system, journal, outlets, ready)


@contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other run of the agent is at work."""
    from autosetup.outlets import RUNNING

    RUNNING.mkdir(parents=True, exist_ok=True)
    with (RUNNING / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _apply(path: Path) -> int:
    from autosetup.archive import read_payload
    from autosetup.generations import stage_payload

    status = _changed(lambda tools: stage_payload(tools, read_payload(path)))
    return _DONE if status and status.state not in ("failed", "rolled-back") else _FAILED


def _rollback() -> int:
    from autosetup.generations import take_back

    status = _changed(take_back)
    return _DONE if status and status.state != "failed" else _FAILED


def _set(name: str, value: str) -> int:
    from autosetup.change import set_value

    status = _changed(lambda tools: set_value(tools, name, value))
    return _DONE if status and status.state != "failed" else _FAILED


def _changed(change: Callable[[Tools], None]) -> Status | None:
    """What the node comes to by a change of its record; None where it is refused."""
    from autosetup.agent import Agent
    from autosetup.orphans import adopt_orphans
    from autosetup.stopping import outlive_terminal

    adopt_orphans()
    outlive_terminal()
    tools = _tools()
    try:
        with _alone():
            change(tools)
            return Agent(tools).run()
    except (AgentError, Faulty, OSError) as error:
        _refuse(error)
        return None


def _refuse(error: Exception) -> int:
    if isinstance(error, PermissionError):
        error = AgentError("not-root", "Only root may do this.", "Put sudo in front.")
    sys.stderr.write(f"{error if isinstance(error, Faulty) else as_agent_error(error)}\n")
    return _FAILED


def _values() -> int:
    from autosetup.change import values_on

    try:
        values = values_on(_tools())
    except (AgentError, Faulty, OSError) as error:
        return _refuse(error)
    _say("".join(f"{name} = {json.dumps(value)}\n" for name, value in sorted(values.items())))
    return _DONE


def _rebind() -> int:
    from autosetup import board
    from autosetup.agent import Agent
    from autosetup.binding import bind
    from autosetup.change import done

    tools = _tools()
    try:
        with _alone():
            generation = done(tools).generation
            if board.serial():
                bind(tools.journal.folder, generation)
            status = Agent(tools).run()
    except (AgentError, Faulty, OSError) as error:
        return _refuse(error)
    _say("".join(f"{line}\n" for line in lines_of(status)))
    return _DONE


def _neighbours() -> int:
    from autosetup.presence import other_of_our_name
    from autosetup.status import with_warning

    tools, found = _tools(), _said()
    if found is None or found.node is None:
        return _DONE
    try:
        taken = other_of_our_name(tools.system, found.node)
        with _alone():
            if (said := _said()) and said != (told := with_warning(said, "name-taken", taken)):
                tools.outlets.repeat(told)
    except OSError as error:
        return _refuse(error)
    return _DONE


def _status(*, as_json: bool, wait: bool) -> int:
    status = _said() if wait else _said() or _on_card()
    while wait and (status is None or status.state not in _ENDED):
        time.sleep(_POLL_SECONDS)
        status = _said()
    status = status or Status("waiting")
    text = "\n".join(lines_of(status))
    _say(status.to_json().decode() if as_json else f"{text}\n")
    return _FAILED if status.state == "failed" else _DONE


def _said() -> Status | None:
    """What the agent said last in this boot; what the card says may be of an earlier one."""
    from autosetup.outlets import RUNNING

    return _read(RUNNING)


def _on_card() -> Status | None:
    from autosetup.card import find_card

    return _read(find_card(System()))


def _read(folder: Path | None) -> Status | None:
    with suppress(OSError, Faulty):
        return Status.from_json((folder / STATUS).read_bytes()) if folder else None
    return None


def _check(folder: Path | None) -> int:
    from autosetup.card import find_card
    from autosetup.trust import look_if_possible

    place = folder or find_card(System())
    if place is None or not place.is_dir():
        sys.stderr.write(f"There is no payload here. Give the folder {FOLDER} of a card.\n")
        return _FAILED
    raw = read_folder(place)
    try:
        payload = unpack(raw)
    except Faulty as faulty:
        sys.stderr.write("".join(f"{fault}\n" for fault in faulty.faults))
        return _FAILED
    signature = look_if_possible(raw)
    if signature.kind == "wrong":
        sys.stderr.write(f"{signature}\n")
        return _FAILED
    generation = payload.manifest.generation
    _say(f"{payload.settings.name} · generation {generation} · no faults · {signature}\n")
    return _DONE


def _say(text: str) -> None:
    sys.stdout.write(text)


if __name__ == "__main__":
    sys.exit(main())
