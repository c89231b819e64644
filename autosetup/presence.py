"""The node on the local network: a record that says its state, and who else claims its name.

avahi answers for the node. It reads the record from a file in its folder, and looks there again
whenever one is put in place (avahi.service(5)); that file is written anew at each start, so it
need not outlive a power cut.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autosetup import __version__, board
from autosetup.browse import Offered
from autosetup.status import Status, Warned
from autosetup.system import System, draft_of

TYPE = "_autosetup._tcp"
_FOLDER = "/etc/avahi/services"
_FILE = f"{_FOLDER}/autosetup.service"
_UNHEARD = "/run/autosetup/unheard"
_HOST_NAME = "/proc/sys/kernel/hostname"
_SSH_PORT = 22
# The other steps take a moment each, and avahi holds back for 20 s what changes too often.
_LASTING = ("packages", "services", "scripts")
# avahi 0.8 holds back for a second what changes twice in one; where a network comes up meanwhile,
# the record is told there alone, for good. What comes so soon after another word is not told while
# at work, and what the node comes to waits for a moment.
_AT_WORK, _QUIET_SECONDS, _HELD_SECONDS = ("checking", "applying"), 3, 2.0
_RUNS = "/run/avahi-daemon/pid"
_BUS_SECONDS, _LOOK_SECONDS = 10, 0.2
_RUNNING = "2"  # AVAHI_SERVER_RUNNING; before, it asks whether a name is free
_AVAHI = ("org.freedesktop.Avahi", "/", "org.freedesktop.Avahi.Server")
_LOOKS = "autosetup-neighbours.timer"
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another node, as its record tells."""

    node: str
    serial: str
    address: str


def publish(system: System, status: Status) -> None:
    """Have avahi tell a state; nothing on an image without it.

    Raises:
        OSError: its folder cannot be written.
    """
    record, path = written(status), system.path(_FILE)
    if not path.parent.is_dir() or system.read(_FILE) == record:
        return
    ago = _seconds_since(path)
    if status.state in _AT_WORK and ago < _QUIET_SECONDS:
        return
    if system.path(_RUNS).exists():
        time.sleep(max(0.0, _HELD_SECONDS - ago))
    _put(path, record)


def is_lost(system: System, around: Iterable[Offered]) -> bool:
    """Whether this node is not heard at an address that it has, though avahi runs.

    Args:
        around: the nodes that are heard, this one too.

    Returns:
        true once for an address, until the node is heard there.

    Raises:
        OSError: a folder cannot be written.
    """
    own, noted = board.identity(), system.path(_UNHEARD)
    heard = {found.address for found in around if found.texts.get("serial") == own}
    there = {address for address in board.addresses() if ":" not in address}
    before, unheard = set(system.read(_UNHEARD).decode().split()), there - heard
    if unheard != before:
        noted.parent.mkdir(parents=True, exist_ok=True)
        noted.write_text("\n".join(sorted(unheard)))
    return not unheard <= before and bool(_ask_avahi(system, "GetHostName"))


def publish_again(system: System) -> bool:
    """Have avahi read the record once more; whether there is one.

    Nobody else may `publish` meanwhile, or an old record could take a newer one's place.

    Raises:
        OSError: its folder cannot be written.
    """
    if record := system.read(_FILE):
        _put(system.path(_FILE), record)
    return bool(record)


def _seconds_since(path: Path) -> float:
    """Since it was put in place, whatever the clock did meanwhile."""
    try:
        return abs(time.time() - path.stat().st_ctime)
    except OSError:
        return math.inf


def _put(path: Path, record: bytes) -> None:
    past = int(path.stat().st_mtime) if path.exists() else 0
    draft = draft_of(path)
    draft.write_bytes(record)
    # avahi takes a file for the same one while its time, in whole seconds, is.
    moment = max(int(time.time()), past + 1)
    os.utime(draft, (moment, moment))
    draft.replace(path)


def written(status: Status) -> bytes:
    """The record, in the XML that avahi reads: each of `facts` is a string of its TXT."""
    texts = "".join(
        f"    <txt-record>{_escaped(f'{key}={value}')}</txt-record>\n"
        for key, value in facts(status).items()
    )
    return (
        "<service-group>\n"
        f"  <name>{_escaped(status.node or board.short_name())}</name>\n"
        "  <service>\n"
        f"    <type>{TYPE}</type>\n"
        f"    <port>{_SSH_PORT}</port>\n"
        f"{texts}"
        "  </service>\n"
        "</service-group>\n"
    ).encode()


def facts(status: Status) -> dict[str, str]:
    """What the record says; what there is nothing to say of is left out."""
    passing = status.state == "applying" and status.step not in _LASTING
    told = {
        "state": status.state,
        "node": status.node,
        "generation": status.generation,
        "step": None if passing else status.step,
        "progress": None if passing else _progress(status),
        "code": status.code,
        "warnings": ",".join(warned.code for warned in status.warnings),
        "serial": board.identity(),
        "version": __version__,
    }
    return {key: str(value) for key, value in told.items() if value}


def _progress(status: Status) -> str:
    return f"{status.step_number} of {status.step_count}" if status.step_number else ""


def rename(system: System, name: str) -> None:
    """Tell avahi, if it runs, that the node has another name; soon it is looked whether it has it.

    Of two nodes that change places, one asks for a name that the other one still has.
    """
    if system.booted and system.has_program("busctl"):
        _ask_avahi(system, "SetHostName", "s", name)
        system.run(["systemctl", "--no-block", "try-restart", _LOOKS])


def other_of_our_name(system: System, node: str, around: Iterable[Offered]) -> Warned | None:
    """Whether another is called as this node is.

    A name that two claim is no fault of this node alone, so it is said and not fought over: avahi
    lets the first one have the name, and calls the other one ``name-2``.

    Args:
        around: the nodes that are heard, this one too.
    """
    hint = "Take one of the two off the network, and prepare its card for another node."
    if not system.has_program("avahi-browse"):
        return None
    own = board.identity()
    for other in neighbours(around):
        if other.node == node and other.serial != own:
            what = f"Another node is called {node} as well: {other.serial}, at {other.address}."
            return Warned("name-taken", what, hint)
    own_name = system.read(_HOST_NAME).decode(errors="replace").strip()
    if (called := _name_given(system, own_name)) not in ("", own_name):
        what = f"Something else here is called {own_name}; this node is {called}.local."
        return Warned("name-taken", what, hint)
    return None


def neighbours(services: Iterable[Offered]) -> list[Neighbour]:
    """The nodes among what is on the network."""
    return [
        Neighbour(found.texts.get("node", ""), found.texts.get("serial", ""), found.address)
        for found in services
    ]


def _name_given(system: System, wanted: str) -> str:
    """The name under which avahi answers; empty where it does not run.

    It keeps ``name-2`` after the first one has gone, so the wanted name is asked for again: two
    nodes that change places meet like that.
    """
    if (called := _ask_avahi(system, "GetHostName")) in ("", wanted):
        return called
    _ask_avahi(system, "SetHostName", "s", wanted)
    until = time.monotonic() + _BUS_SECONDS
    while _ask_avahi(system, "GetState") not in ("", _RUNNING) and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
    return _ask_avahi(system, "GetHostName")


def _ask_avahi(system: System, *call: str) -> str:
    """What it answers; empty for nothing."""
    argv = ["busctl", "--auto-start=no", "--json=short", "call", *_AVAHI, *call]
    finished = system.run(argv, seconds=_BUS_SECONDS)
    try:
        return str(json.loads(finished.output)["data"][0]) if finished.status == 0 else ""
    except (ValueError, LookupError, TypeError):
        return ""


def _escaped(text: str) -> str:
    """Text for XML, which knows no control characters at all."""
    return "".join(_ESCAPES.get(c, c) for c in text if c.isprintable())
