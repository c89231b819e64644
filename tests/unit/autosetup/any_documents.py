"""Documents of every kind that a payload, a card or a node has, and ways to spoil them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hypothesis import strategies as st

from autosetup.agent import Agent
from autosetup.faults import Fault, Faulty
from autosetup.journal import Journal
from autosetup.manifest import read_manifest, write_manifest
from autosetup.node_file import read_node, write_node
from autosetup.outlets import Outlets
from autosetup.payload import LOG, STATUS
from autosetup.record import Fallen, Good, Record, read_record
from autosetup.run import Tools
from autosetup.secrets_file import read_secrets, write_secrets
from autosetup.settings import Boot, Health, NodeSettings, Packages
from autosetup.status import Status, StepRecord, Warned
from autosetup.system import System
from tests.unit.autosetup.sample_payloads import (
    FILES,
    SECRETS,
    SERVER,
    SERVES,
    SETTINGS,
    USER_KEY,
    packed,
)

CARD, STATE = "boot/firmware/autosetup", "var/lib/autosetup"
# Every table that there is.
WHOLE = replace(
    SETTINGS,
    wired=SERVER,
    serves=SERVES,
    keys_only=True,
    boot=Boot(("dtparam=spi=on",), ("consoleblank=0",)),
    packages=Packages(("i2c-tools",), "http://controller/debian"),
    files=tuple(replace(file, restarts=("scanner.service",)) for file in SETTINGS.files),
    health=Health(("health/10-camera",), 5, 3),
)
WHOLE_SECRETS = replace(SECRETS, host_key=USER_KEY, user_keys={"scan": USER_KEY})
WHOLE_FILES = {**FILES, "health/10-camera": b"#!/bin/sh\n"}

SAID = Status(
    "rolled-back",
    node="cam-0101",
    generation=1795233590,
    failed_generation=1795233591,
    step="scripts",
    step_number=13,
    step_count=13,
    code="script-failed",
    reason="The script 10-camera failed (1): no camera.",
    hint="Look in log.txt.",
    faults=("node.toml:1:1: name is 'Cam'.",),
    warnings=(Warned("name-taken", "Another node has it."),),
    addresses=("192.168.40.7", "fe80::1"),
    started_at="2026-11-21T03:39:50Z",
    steps=(StepRecord("hostname", 0.125, changed=True),),
)
RECORD = Record(
    "0" * 64,
    SAID,
    ("1" * 64,),
    (Good(2, reached=True), Good(1, reached=False)),
    Fallen(
        3, "2" * 64, "network", "no-lease", "Joined, but got no address.", "Look at the router."
    ),
    2,
)


def _node(raw: bytes) -> NodeSettings:
    found, faults = read_node(raw, WHOLE_FILES)
    if faults or found is None:
        raise Faulty(list(faults))
    return found


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of document: a sound one, its reader, and its writer if there is one."""

    sound: bytes
    read: Callable[[bytes], object]
    write: Callable[..., bytes]
    by_people: bool = True


RAW = packed(WHOLE, WHOLE_SECRETS, WHOLE_FILES)
KINDS = {
    "node.toml": Kind(RAW["node.toml"], _node, write_node),
    "secrets.toml": Kind(RAW["secrets.toml"], lambda raw: read_secrets(raw, WHOLE), write_secrets),
    "manifest.json": Kind(RAW["manifest.json"], read_manifest, write_manifest, by_people=False),
    "status.json": Kind(SAID.to_json(), Status.from_json, Status.to_json, by_people=False),
    "state.json": Kind(RECORD.to_json(), read_record, Record.to_json, by_people=False),
}
_TYPED = st.sampled_from(
    [b"\xe2\x80\x9c", b"\xc2\xa0", b"\xff", *(bytes([c]) for c in b'\t\r\0"\\[#=,')]
)


@st.composite
def spoiled(draw: st.DrawFn, sound: bytes) -> bytes:
    """A document with one thing done to it that people, editors and cables do."""
    lines = sound.split(b"\n")
    at, number = draw(st.integers(0, len(sound) - 1)), draw(st.integers(0, len(lines) - 1))
    what = draw(st.sampled_from(["cut", "byte", "typed", "lost", "twice", "moved", "bytes"]))
    if what == "cut":
        return sound[:at]
    if what == "byte":
        return sound[:at] + bytes([draw(st.integers(0, 255))]) + sound[at + 1 :]
    if what == "typed":
        return sound[:at] + draw(_TYPED) + sound[at + draw(st.integers(0, 1)) :]
    if what == "bytes":
        return draw(st.binary(max_size=60))
    line = [] if what == "twice" else [lines.pop(number)]
    line = line or [lines[number]]
    to = number if what == "twice" else draw(st.integers(0, len(lines)))
    return b"\n".join(lines if what == "lost" else [*lines[:to], *line, *lines[to:]])


def read(kind: Kind, raw: bytes) -> tuple[object, tuple[Fault, ...]]:
    """What is read, or the faults."""
    try:
        return kind.read(raw), ()
    except Faulty as faulty:
        return None, faulty.faults


def complaint(faults: tuple[Fault, ...], raw: bytes) -> str:
    """What is wrong with the faults themselves; empty where people can work with them."""
    lines = raw.decode(errors="replace").replace("\r\n", "\n").split("\n")
    for fault in faults:
        if not 0 <= fault.line <= len(lines):
            return f"{fault} is not in the file"
        if fault.line and not 0 <= fault.column <= len(raw.split(b"\n")[fault.line - 1]) + 2:
            return f"{fault} is not in its line"
        if not fault.what or not fault.remedy or not fault.file:
            return f"{fault} says too little"
        if not f"{fault}".isprintable():
            return f"{f'{fault}'!r} cannot be shown"
    return ""


@contextmanager
def node_with(raw: Mapping[str, bytes]) -> Iterator[Path]:
    """A node that never ran, with these files of a payload on its card; in memory, for speed."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="node-", dir=place) as folder:
        put_into(Path(folder), raw)
        yield Path(folder)


def put_into(folder: Path, raw: Mapping[str, bytes]) -> None:
    """Put files of a payload on that node's card."""
    for name, data in raw.items():
        path = folder / CARD / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def run_agent(folder: Path) -> Status:
    """What the agent comes to on that node, as long as it starts no program."""
    outlets = Outlets(folder / CARD, running=folder / "run", sink=lambda _: None)
    state = Journal(folder / STATE)
    return Agent(Tools(System(folder), state, outlets, lambda: None)).run()


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of that node, but those in which the agent says how it is."""
    files = ((str(p.relative_to(folder)), p) for p in folder.rglob("*") if p.is_file())
    said = (f"{CARD}/{STATUS}", f"{CARD}/{LOG}", f"run/{STATUS}")
    return {name: path.read_bytes() for name, path in files if name not in said}
