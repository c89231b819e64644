"""A rehearsed rig with all that belongs to it: cards, site, repository, and the laptop.

All of it by the program as people call it. The nodes find the laptop at its address in the rig.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Interface
from pathlib import Path
from typing import TextIO

from flasher.events import CancelFlag, Event, Noted
from flasher.rehearsal.laptop import Door, laptop_on
from flasher.rehearsal.rig import RehearsedRig, Seen, rig_on
from flasher.rehearsal.switch import Switch, switched_on

HERE = Path(__file__).with_name("rig")
NODES = ("central", "cam-1", "cam-2", "cam-3")
LAPTOP, CENTRAL = IPv4Interface("10.40.0.250/24"), "10.40.0.1"
_CARD_SIZE = "4G"
# For all nodes together; an emulated one takes half a minute to let somebody in.
_ANSIBLE_SECONDS = 1200.0
_HASH = f"$6$saltsalt${'h' * 86}"
_SITE = """\
format = 1
name = "trial"

[user]
name = "scanner"
passwordless_sudo = true
authorized_keys = ["{key}"]

[locale]
language = "C.UTF-8"
timezone = "Europe/Berlin"

[ssh]
host_keys = true

[network]
country = "DE"

[update]
source = "http://{laptop}:{port}/repository/"
board = "http://{laptop}:{port}/"
every_minutes = 1
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


@contextmanager
def passphrase() -> Iterator[int]:
    """A descriptor to read that of the repository's keys from."""
    read, write = os.pipe()
    os.write(write, b"a passphrase of the trial\n")
    os.close(write)
    try:
        yield read
    finally:
        os.close(read)


@dataclass(slots=True)
class Trial:
    """The rig, and who looks after it.

    Attributes:
        folder: for all that it makes; `log` tells all that nodes print, and what was done when.
        port: of the server, on this computer and in the rig.
        door: port of this computer that leads to the central node's SSH.
    """

    folder: Path
    log: TextIO
    begun: float = field(default_factory=time.monotonic)
    port: int = field(default_factory=free_port)
    door: int = field(default_factory=free_port)
    _told: dict[str, str] = field(default_factory=dict)

    @property
    def scanner(self) -> Path:
        return self.folder / "scanner"

    @property
    def site(self) -> Path:
        return self.folder / "site"

    @property
    def repository(self) -> Path:
        return self.folder / "repository"

    @property
    def key(self) -> Path:
        """Of the person, for SSH."""
        return self.folder / "id"

    def make_ground(self) -> None:
        """Scanner and site, with the key of its cards and that of a person."""
        shutil.copytree(HERE, self.scanner)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key], check=True)
        public = self.key.with_suffix(".pub").read_text().strip()
        self.site.mkdir()
        text = _SITE.format(key=public, laptop=LAPTOP.ip, port=self.port)
        (self.site / "site.toml").write_text(text)
        (self.site / "secrets.toml").write_text(f'format = 1\npassword_hash = "{_HASH}"\n')
        self.flasher("site", "key", self.site)

    def flasher(self, *argv: str | Path, fds: Sequence[int] = ()) -> dict[str, object]:
        """Run a command to its end; gives its result."""
        words = [*map(str, argv), "--json"]
        self.say(f"flasher {' '.join(words)}")
        done = subprocess.run(
            [sys.executable, "-m", "flasher", *words],
            env=self._env,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=fds,
        )
        objects = [json.loads(line) for line in done.stdout.splitlines()]
        assert done.returncode == 0, objects[-1:]
        return next((each for each in reversed(objects) if each["kind"] != "progress"), {})

    def make_repository(self) -> Path:
        """A repository without a release; gives the root that nodes shall trust."""
        with passphrase() as fd:
            words = ["release", "init", self.repository, "--passphrase-fd", str(fd)]
            told = self.flasher(*words, fds=[fd])
        return Path(str(told["root_file"]))

    def build(self, root: Path) -> Path:
        """The base image whose nodes take updates of this root, with layers that are kept."""
        words = ["build-base", "--update-root", root, "--out", self.folder / "image"]
        return Path(str(self.flasher(*words)["image"]))

    def release(self, version: str, *options: str) -> int:
        """Publish what the nodes get next; gives the generation."""
        self.set_version(version)
        words = ["release", "new", "--scanner", self.scanner, "--site", self.site, *options]
        with passphrase() as fd:
            told = self.flasher(*words, "--publish", "--passphrase-fd", str(fd), fds=[fd])
        return int(str(told["generation"]))

    def set_version(self, version: str) -> None:
        """What cards and releases bring from now on."""
        (self.scanner / "version").write_text(f"{version}\n")

    def prepare(self, image: Path, *nodes: str, to: Mapping[str, Path] | None = None) -> None:
        """Make cards, as files."""
        for node in nodes:
            card = (to or {}).get(node, self.card(node))
            words: list[str | Path] = [
                "--scanner",
                self.scanner,
                "--site",
                self.site,
                "--node",
                node,
            ]
            words += ["--image", image, "--to", card, "--size", _CARD_SIZE, "--yes"]
            self.flasher("prepare", *words)

    def card(self, node: str) -> Path:
        return self.folder / f"{node}.img"

    @contextmanager
    def serving(self) -> Iterator[None]:
        """The laptop's server: the repository, the board, and whose turn it is."""
        words = ["serve", "--site", str(self.site), "--scanner", str(self.scanner)]
        words += ["--repository", str(self.repository), "--port", str(self.port), "--json"]
        with subprocess.Popen(
            [sys.executable, "-m", "flasher", *words],
            env=self._env,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        ) as server:
            try:
                assert server.stdout is not None
                assert json.loads(server.stdout.readline())["kind"] == "serving"
                yield
            finally:
                server.terminate()
                assert server.wait(10) == 0

    def board(self) -> dict[str, dict[str, object]]:
        """What is known of each node, by name."""
        path = self.folder / "data/fleet/trial/board.json"
        nodes = json.loads(path.read_bytes())["nodes"] if path.exists() else []
        return {node["name"]: node for node in nodes}

    def cards(self) -> dict[str, object]:
        """The card of each node that the board heard, by the node's name."""
        return {name: node["card_id"] for name, node in self.board().items()}

    @contextmanager
    def rig(self) -> Iterator[tuple[Switch, RehearsedRig]]:
        """The nodes' network, with the laptop in it, and no node yet."""
        with ExitStack() as stack:
            switch = stack.enter_context(switched_on())
            stack.enter_context(laptop_on(switch, LAPTOP, [Door(self.door, CENTRAL)]))
            yield (
                switch,
                stack.enter_context(rig_on(switch, emit=self._hear, cancel=CancelFlag())),
            )

    def wait(
        self, rig: RehearsedRig, what: str, is_so: Callable[[], bool], seconds: float
    ) -> tuple[Seen, ...]:
        """Look at the rig until something is so."""
        self.say(f"waiting for: {what}")
        until = time.monotonic() + seconds
        for seen in rig.looks():
            self.show(seen)
            if is_so():
                self.say(f"so it is: {what}")
                return seen
            assert time.monotonic() < until, f"{what}: not in {seconds:.0f} s; {self.board()}"
        raise AssertionError

    def show(self, seen: Sequence[Seen]) -> None:
        """A line for each node of which something is new."""
        for node in seen:
            status = node.status
            line: str = status.state if status else ("on" if node.is_on else "off")
            if status and status.step:
                line += f" {status.step}"
            if status and status.generation:
                line += f" · generation {status.generation}"
            if node.trouble:
                line = f"trouble: {node.trouble.code}"
            if self._told.get(node.name) != line:
                self._told[node.name] = line
                self.say(f"{node.name}: {line}")

    def say(self, text: str) -> None:
        line = f"{time.monotonic() - self.begun:7.1f} {text}"
        self.log.write(f"{line}\n")
        print(line, flush=True)  # noqa: T201  (seen with pytest -s)

    def pinged(self, rig: RehearsedRig) -> dict[str, str]:
        """What Ansible's ping comes to for each node of the ledger, by way of the central node."""
        inventory = self.folder / "rig.yml"
        self.flasher("ledger", "export", "--ansible", inventory)
        with ThreadPoolExecutor(1) as pool:
            told = pool.submit(self._ansible, inventory)
            self.wait(rig, "Ansible has asked all nodes", told.done, _ANSIBLE_SECONDS)
            self.log.write(told.result())
            return dict(re.findall(r"^(\S+) \| (\w+)", told.result(), re.MULTILINE))

    def _ansible(self, inventory: Path) -> str:
        unknown = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
        jump = f"ssh -p {self.door} -i {self.key} {unknown} -W %h:%p scanner@127.0.0.1"
        own = {
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_SSH_ARGS": f"-o ControlMaster=no -o BatchMode=yes -o 'ProxyCommand={jump}'",
            "ANSIBLE_TIMEOUT": str(int(_ANSIBLE_SECONDS / len(NODES) / 2)),
            "ANSIBLE_PIPELINING": "1",
        }
        ping = ["ansible", "all", "-i", inventory, "--private-key", self.key, "-m", "ping"]
        done = subprocess.run(
            [*ping, "--one-line", "--forks", "1"],
            env={**os.environ, **own},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.stdout

    def _hear(self, event: Event) -> None:
        if isinstance(event, Noted):
            text = re.sub(r"\s+", " ", event.text)
            self.log.write(f"{time.monotonic() - self.begun:7.1f} | {event.subject}: {text}\n")

    @property
    def _env(self) -> dict[str, str]:
        own = {"FLASHER_DATA": str(self.folder / "data")}
        return {**os.environ, **own}
