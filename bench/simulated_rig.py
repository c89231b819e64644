"""Nodes of a rig as processes: the agent that ships, each in a system of its own.

A node is a private layer over this computer's system, in namespaces of its own, on the network of
`simulated_network`. What it changes lies in a folder; whatever kills it leaves no mount behind.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from simulated_network import LEASH, Network, place_of

from autosetup.faults import Faulty
from autosetup.status import Status
from flasher.recording import NO_NODE, node_line, payload_digest
from flasher.rig.ledger import Ledger
from flasher.rig.node_payload import CardIdentity, compose
from flasher.rig.rigmap import Node, RigMap

PROJECT = Path(__file__).resolve().parent.parent
# A run that is killed loses nothing that the kernel has, so these runs need no sync(2), which
# would wait for all that this computer writes.
_DRIVER = """
import os, sys
project, *libraries = sys.argv[1].split(":")
sys.path = [project, *sys.path, *libraries]
os.sync = lambda: None
from autosetup.__main__ import main
sys.exit(main(sys.argv[2:]))
"""
_SYSTEM_ON = """
set -e
mount -t overlay node -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/merged"
mount --rbind /dev "$1/merged/dev"
mount -t proc proc "$1/merged/proc"
mount -t tmpfs run "$1/merged/run"
mount --bind "$2" "$1/merged/mnt"
mount --bind "$3" "$1/merged/srv"
exec chroot "$1/merged" sh -c "echo ready; exec sleep infinity"
"""
_NAMESPACES = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
_NO_IMAGE = "0" * 64
# A node sees the project at /mnt, and these at /srv.
_LIBRARIES = sysconfig.get_path("purelib")


@dataclass(slots=True)
class SimulatedNode:
    """A node, with its system in a folder; `start` and `run` have its agent do something.

    Attributes:
        number: of its place on the network.
    """

    number: int
    node: Node
    card_id: str
    folder: Path
    network: Network
    _power: subprocess.Popen[str] | None = None
    _first: int = 0

    @property
    def upper(self) -> Path:
        """What differs from this computer's system."""
        return self.folder / "upper"

    @property
    def status(self) -> Status | None:
        """What its card tells."""
        try:
            return Status.from_json(
                (self.upper / "boot/firmware/autosetup/status.json").read_bytes()
            )
        except (OSError, Faulty):
            return None

    def insert(self, payload: Mapping[str, bytes]) -> None:
        """Put a payload on its card."""
        self.write({f"boot/firmware/autosetup/{name}": data for name, data in payload.items()})

    def write(self, files: Mapping[str, bytes]) -> None:
        """Put files into its system, by path."""
        for name, data in files.items():
            path = self.upper / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def switch_on(self) -> None:
        """Give it power: its system is there, and nothing runs yet."""
        inside = ["sh", "-c", _SYSTEM_ON, "sh", str(self.folder), str(PROJECT), _LIBRARIES]
        power = subprocess.Popen(
            [*LEASH, *self.network.argv(place_of(self.number), *_NAMESPACES, *inside)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._power = power
        assert power.stdout is not None
        assert power.stdout.readline() == "ready\n"
        children = Path(f"/proc/{power.pid}/task/{power.pid}/children").read_text()
        self._first = int(children.split()[0])

    def switch_off(self) -> None:
        """Cut its power: all that runs on it is gone."""
        if self._power:
            self._power.kill()
            self._power.communicate()
            self._power = None

    def start(self, *arguments: str, quiet: bool = False) -> subprocess.Popen[str]:
        """Start a command of its agent; `quiet` where nobody listens to it."""
        agent = [*LEASH, sys.executable, "-I", "-S", "-B"]
        agent += ["-c", _DRIVER, "/mnt:/srv"]
        inside = ["nsenter", f"--target={self._first}", "--mount", "--pid", "--net", "--root"]
        return subprocess.Popen(
            [*inside, "--wd=/", *agent, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if quiet else subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, seconds: float = 600) -> tuple[int | None, str]:
        """Run a command of its agent to the end; gives its exit code and what it printed.

        None where it took longer than `seconds` and was killed.
        """
        with self.start(*arguments) as child:
            try:
                told, _ = child.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                child.kill()
                told, _ = child.communicate()
                return None, told
            return child.returncode, told

    def received(self) -> int:
        """Bytes that its network adapter took in so far, frames as they are."""
        lines = Path(f"/proc/{self._first}/net/dev").read_text().splitlines()
        (line,) = (line for line in lines if line.strip().startswith("eth0:"))
        return int(line.partition(":")[2].split()[0])


def make_nodes(
    folder: Path, rig: RigMap, network: Network, ledger: Ledger, files: Mapping[str, bytes]
) -> list[SimulatedNode]:
    """A node for each of the rig map, with its card in it, and the card's line in the ledger.

    Args:
        files: of each node's system, by path, beside those of this computer.
    """
    now = datetime.now(UTC)
    made, lines = [], []
    for number, node in enumerate(rig.nodes):
        identity = CardIdentity.fresh(now)
        payload = compose(rig, node, identity, _NO_IMAGE)
        line = node_line(NO_NODE, rig, node, identity, payload_digest(payload))
        when = now.isoformat(timespec="seconds")
        line = replace(line, image_digest=_NO_IMAGE, written_at=when, finished_at=when)
        lines.append(replace(line, result="verified"))
        place = folder / node.name
        for name in ("upper", "work", "merged"):
            (place / name).mkdir(parents=True)
        fresh = SimulatedNode(number, node, identity.card_id, place, network)
        fresh.write(_SYSTEM | files)
        fresh.insert(payload)
        made.append(fresh)
    ledger.record_all(lines)
    return made


# What an image has, and a computer on which tests run may not.
_SYSTEM = {
    "etc/hosts": b"127.0.0.1\tlocalhost\n127.0.1.1\tbase\n",
    "etc/ssh/ssh_host_x_key": b"private",
    "etc/ssh/ssh_host_x_key.pub": b"public",
    "usr/lib/systemd/systemd-timesyncd": b"",
}


def write_profile(folder: Path, nodes: int, size: int, generation: int) -> Path:
    """A scanner of so many cameras, whose nodes get a file of `size` random bytes; a folder."""
    folder.mkdir(exist_ok=True)
    (folder / "profile.toml").write_text(_PROFILE.format(nodes=nodes))
    (folder / "version").write_text(f"{generation}\n")
    (folder / "data.bin").write_bytes(os.urandom(size))
    return folder


def write_site(folder: Path, name: str, source: str, board: str) -> Path:
    """A site with a key, whose nodes take updates; its folder. `flasher site key` makes the key."""
    folder.mkdir()
    (folder / "site.toml").write_text(_SITE.format(name=name, source=source, board=board))
    (folder / "secrets.toml").write_text(f'format = 1\npassword_hash = "$6$saltsalt${"h" * 86}"\n')
    return folder


_PROFILE = """\
format = 1
name = "simulated"
title = "Simulated"
description = "Cameras that are processes."

[[role]]
name = "camera"
title = "Camera"
does = "takes pictures"
columns = {nodes}
rows = 1
node = "cam-{{number:03}}"
position = "CAM{{number}}"

[[role.file]]
path = "/opt/scanner/data.bin"
source = "data.bin"

[[role.file]]
path = "/etc/scanner/version"
source = "version"
"""
_SITE = """\
format = 1
name = "{name}"

[user]
name = "scanner"

[locale]
language = "C.UTF-8"
timezone = "Etc/UTC"

[update]
source = "{source}"
board = "{board}"
"""
