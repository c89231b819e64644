"""A node that takes updates, the repository that it asks, and a board that gives turns."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

import cryptography

from autosetup.settings import (
    Health,
    InstalledFile,
    Locale,
    NodeSettings,
    Packages,
    Script,
    Secrets,
    Update,
)
from tests.integration.autosetup.conftest import Node, make_node
from tests.integration.autosetup.launching import NEWER, agent, another, with_launcher
from tests.integration.autosetup.released import KEY, release
from tests.integration.autosetup.releases import ROLE, SITE, Repository, Server
from tests.unit.autosetup.sample_agents import deb
from tests.unit.autosetup.sample_payloads import GENERATION, packed, sealed

NEXT = GENERATION + 100
REPORT_KEY = base64.b64encode(bytes(range(32, 64))).decode()
# Where this computer has what a node has from Debian: tuf and cryptography.
LIBRARIES = Path(cryptography.__file__).parent.parent
BAD_SCRIPT = b"#!/bin/sh\nexit 3\n"
PACKAGE = "rig-tools"
_CHECK = f"#!/bin/sh\n! grep -Fx 2.0 /usr/share/{PACKAGE}\n".encode()
AGENT = f"agent/autosetup_{NEWER}_all.deb"
_ROOT = "etc/autosetup/update/root.json"
# Prints the most memory, in KiB, that the update had.
_MEASURED = """
import resource, subprocess
subprocess.run(["/usr/bin/autosetup", "update"], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
_SETTINGS = NodeSettings("cam-0101", ROLE, locale=Locale(timezone="Etc/UTC"))


@dataclass(frozen=True, slots=True)
class Rig:
    """One node's way to updates.

    Attributes:
        first: the node with its first payload done; not to be changed, see `node`.
        update: what its payloads tell it.
    """

    ground: Path
    first: Node
    repository: Repository
    server: Server
    update: Update

    @contextmanager
    def node(self) -> Iterator[Node]:
        """Another such node, with the root that the repository has by now."""
        with TemporaryDirectory(dir=self.ground) as folder:
            node = another(self.first, Path(folder))
            self.trusted_by(node)
            yield node

    def trusted_by(self, node: Node) -> None:
        """Give a node the root that the repository has by now."""
        root = node.upper / _ROOT
        root.parent.mkdir(parents=True, exist_ok=True)
        root.write_bytes(self.repository.root)

    def payload(
        self, generation: int = NEXT, motd: bytes = b"next\n", script: bytes = b""
    ) -> dict[str, bytes]:
        """A payload for the node's card."""
        return payload(self.update, generation, motd, script)

    def release(self, raw: dict[str, bytes] | None = None, **plan: object) -> None:
        """Publish a payload, the next one by default; `plan` as `RolloutPlan` has it."""
        release(self.repository, self.payload() if raw is None else raw, **plan)

    def release_agent(self, *, withdrawn: tuple[int, ...] = (), **changed: str) -> None:
        """Publish a newer agent, with some modules changed, and the next payload."""
        self.repository.targets["targets"][AGENT] = deb(agent(NEWER, **changed), NEWER)
        self.release(agent=AGENT, withdrawn=withdrawn)


def payload(
    update: Update, generation: int, motd: bytes, script: bytes = b"", mirror: str = ""
) -> dict[str, bytes]:
    """A small payload with a file, and a script if there is one.

    With a mirror of packages comes a health check that a newer `PACKAGE` does not pass.
    """
    settings = replace(
        _SETTINGS,
        update=update,
        packages=Packages(mirror=mirror),
        health=Health(("health/10-well",), 1) if mirror else Health(),
        files=(InstalledFile("/etc/motd", "files/motd"),),
        scripts=(Script("scripts/10-try"),) if script else (),
    )
    files = {"files/motd": motd, **({"scripts/10-try": script} if script else {})}
    files |= {"health/10-well": _CHECK} if mirror else {}
    brought = generation == GENERATION  # by the card; what is released has none
    keys = {"sealing_key": KEY, "report_key": REPORT_KEY} if brought else {}
    return sealed(packed(settings, Secrets(bytes(32), **keys), files, generation))


def make_rig(
    ground: Path,
    folder: Path,
    server: Server,
    board: str = "",
    *,
    has_data: bool = False,
    mirror: str = "",
) -> Rig:
    """A repository with nothing in it yet, and a node that is done.

    Args:
        has_data: the node has a partition for data.
        mirror: of packages, which the node is to keep up to date, all of them; empty for none.
    """
    repository = Repository(folder)
    repository.begin()
    repository.publish()
    update = Update(SITE, server.address.rstrip("/"), board or server.address.rstrip("/"))
    update = replace(update, packages="all") if mirror else update
    ground.mkdir(exist_ok=True)
    node = with_launcher(make_node(ground / "first"))
    if has_data:
        (node.folder / "data/autosetup").mkdir(parents=True)
        (node.folder / "data/autosetup/open").touch()
    node.insert(payload(update, GENERATION, b"first\n", mirror=mirror))
    ended = run(node, "run")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return Rig(ground, node, repository, server, update)


def run(node: Node, *arguments: str, cut_at: int = 0) -> subprocess.CompletedProcess[str]:
    """Call the launcher, by default for an update."""
    told = (f"CUT_AT={cut_at}", f"LIBRARIES={LIBRARIES}")
    return node.execute("env", *told, "/usr/bin/autosetup", *(arguments or ["update"]))


def most_memory(node: Node) -> int:
    """Bytes that an update had at once."""
    told = ("CUT_AT=0", f"LIBRARIES={LIBRARIES}")
    ended = node.execute("env", *told, sys.executable, "-c", _MEASURED)
    assert ended.returncode == 0, ended.stderr
    return int(ended.stdout) * 1024


def motd(node: Node) -> str:
    """What the payload in force has put there."""
    return node.read("/etc/motd")


@dataclass(slots=True)
class Turns:
    """What a board says to those who ask for their turn: in order, the last one for ever."""

    answers: list[dict[str, object]]
    asked: list[dict[str, object]] = field(default_factory=list)
    address: str = ""

    def answer(self) -> dict[str, object]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def giving_turns(*answers: dict[str, object]) -> Iterator[Turns]:
    """A board on 127.0.0.1; an empty answer says that it is busy."""
    turns = Turns(list(answers))

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            turns.asked.append(json.loads(body["report"]))
            raw = json.dumps(answer := turns.answer()).encode()
            self.send_response(200 if answer else 429)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        turns.address = f"http://127.0.0.1:{http.server_port}"
        try:
            yield turns
        finally:
            http.shutdown()
            thread.join()
