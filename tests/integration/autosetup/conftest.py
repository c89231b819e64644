"""A node made of this computer's own system: a private layer over it, in namespaces of its own.

The agent and every program it calls are the real ones, as root in a chroot; what they change lands
in a folder of the test, and whatever kills a run leaves no mount and no process behind.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

import autosetup
from autosetup.settings import Update
from autosetup.status import Status
from tests.integration.autosetup.released import Card, payload, release
from tests.integration.autosetup.releases import SITE, Repository, Server, serving
from tests.unit.autosetup.sample_payloads import packed

PROJECT = Path(autosetup.__file__).parent.parent
# A program that is killed loses nothing that the kernel has, so these runs need no sync, which
# would wait for all that this computer writes; memory holds the node for the same reason.
_MEMORY = Path("/dev/shm")
# Kills the agent at the n-th of the moments that matter: each rename, each start of a program.
DRIVER = """
import os, signal, sys
project, *libraries = sys.argv[1].split(":")
sys.path = [project, *sys.path, *libraries]
left = int(sys.argv[2])
def watch(event, _):
    global left
    if event in ("os.rename", "subprocess.Popen"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
os.sync = lambda: None
from autosetup.__main__ import main
sys.exit(main(sys.argv[3:]))
"""
_NAMESPACES = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
_INSIDE = """
set -e
mount -t overlay node -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/merged"
mount --rbind /dev "$1/merged/dev"
mount -t proc proc "$1/merged/proc"
mount -t tmpfs run "$1/merged/run"
if [ -d "$1/data" ]; then mkdir -p "$1/merged/data"; mount --bind "$1/data" "$1/merged/data"; fi
if [ -e "$1/sealed" ]; then mkdir "$1/merged/run/autosetup"; : >"$1/merged/run/autosetup/sealed"; fi
folder=$1; project=$2; root=$1/merged; shift 2
mount --bind "$project" "$root/mnt"
if [ -e "$folder/trouble" ]; then . "$folder/trouble"; fi
status=0; chroot "$root" "$@" || status=$?
exit $status
"""
_UNIT = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
# These say how the node is, or differ from run to run by their nature: times, and the backups that
# shadow's programs keep.
_VOLATILE = (
    *("status.json", "log.txt", "state.json", "autosetup.service"),
    *("passwd-", "shadow-", "group-", "gshadow-"),
)


@dataclass(frozen=True, slots=True)
class Node:
    """A node whose changes lie in `folder`/upper.

    A folder `folder`/data is its partition for data; a file `folder`/sealed makes it a sealed one;
    `folder`/trouble has commands of the shell for its tree, `$root`, before anything runs there.
    """

    folder: Path
    project: Path = PROJECT

    @property
    def upper(self) -> Path:
        return self.folder / "upper"

    @property
    def card(self) -> Path:
        return self.upper / "boot/firmware/autosetup"

    @property
    def status(self) -> Status:
        return Status.from_json((self.card / "status.json").read_bytes())

    def insert(self, raw: dict[str, bytes]) -> None:
        """Put a payload on the card."""
        for name, data in raw.items():
            path = self.card / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def run(self, *arguments: str, kill_at: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command of the agent with the plain interpreter, as the node would."""
        return self.execute(*self.agent(*arguments, kill_at=kill_at))

    def agent(self, *arguments: str, kill_at: int = 0) -> list[str]:
        """What `run` runs, as the node sees it."""
        agent = [sys.executable, "-I", "-S", "-B", "-c", DRIVER, "/mnt", str(kill_at)]
        return [*agent, *(arguments or ["run"])]

    def start(
        self, driver: str, *arguments: str, pass_fds: tuple[int, ...] = ()
    ) -> subprocess.Popen[str]:
        """Start a Python program on the node; its first argument is where the project lies."""
        argv = [sys.executable, "-I", "-S", "-B", "-c", driver, "/mnt", *arguments]
        return subprocess.Popen(
            self.inside(*argv), stdout=subprocess.PIPE, text=True, pass_fds=pass_fds
        )

    def cut_after(self, seconds: float) -> None:
        """Run the agent and kill it, with every program it started, after a time."""
        agent = [sys.executable, "-I", "-S", "-B", "-c", DRIVER, "/mnt", "0", "run"]
        with subprocess.Popen(self.inside(*agent), stdout=subprocess.DEVNULL) as running:
            try:
                running.wait(seconds)
            except subprocess.TimeoutExpired:
                running.kill()

    def execute(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run any program on the node."""
        command = self.inside(*argv)
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def inside(self, *argv: str) -> list[str]:
        """What runs a program on the node, as this computer sees it."""
        return [*_NAMESPACES, "sh", "-c", _INSIDE, "sh", str(self.folder), str(self.project), *argv]

    def tree(self) -> dict[str, tuple[object, ...]]:
        """Everything that differs from this computer: kind, mode, owner and content by path."""
        return {
            str(path.relative_to(self.upper)): _facts(path)
            for path in sorted(self.upper.rglob("*"))
            if path.name not in _VOLATILE
        }

    def stamps(self) -> dict[str, tuple[int, int, int]]:
        """Inode, size and time of change of everything."""
        found = ((path, path.lstat()) for path in self.upper.rglob("*"))
        return {str(p): (s.st_ino, s.st_size, s.st_mtime_ns) for p, s in found}

    def read(self, path: str) -> str:
        return (self.upper / path.lstrip("/")).read_text()


def _facts(path: Path) -> tuple[object, ...]:
    found = path.lstat()
    if path.is_symlink():
        return ("link", str(path.readlink()))
    content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    return (oct(found.st_mode), found.st_uid, found.st_gid, content)


def make_node(folder: Path, project: Path = PROJECT) -> Node:
    """A node as a fresh base image is: named, but with host keys so that trees can be compared."""
    for name in ("upper", "work", "merged"):
        (folder / name).mkdir(parents=True)
    keys = folder / "upper/etc/ssh"
    keys.mkdir(parents=True)
    for name, text in (("ssh_host_x_key", "private"), ("ssh_host_x_key.pub", "public")):
        (keys / name).write_text(text)
    units = folder / "upper/etc/systemd/system"
    wants = units / "multi-user.target.wants"
    wants.mkdir(parents=True)
    for name in ("capture.service", "preview.service"):
        (units / name).write_text(_UNIT)
    (wants / "preview.service").symlink_to("/etc/systemd/system/preview.service")
    (folder / "upper/etc/avahi/services").mkdir(parents=True)
    # Whatever sets this computer's own clock, the image has timesyncd.
    timesyncd = folder / "upper/usr/lib/systemd/systemd-timesyncd"
    timesyncd.parent.mkdir(parents=True)
    timesyncd.touch(mode=0o755)
    put_into_board(folder / "upper", "10000000cafe0101")
    (folder / "upper/etc/hosts").write_text("127.0.0.1\tlocalhost\n127.0.1.1\tbase\n")
    return Node(folder, project)


def put_into_board(upper: Path, serial: str) -> None:
    """Have the node find itself in the board of this serial number, as the kernel tells it."""
    told = upper / "sys/firmware/devicetree/base/serial-number"
    told.parent.mkdir(parents=True, exist_ok=True)
    told.write_bytes(f"{serial}\0".encode())


@pytest.fixture(scope="module")
def ground() -> Iterator[Path]:
    """A folder for nodes, in memory where there is some."""
    place = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="node-", dir=place) as folder:
        yield Path(folder)


@pytest.fixture
def fresh(ground: Path) -> Iterator[Callable[[], Node]]:
    """Makes nodes with an empty card."""
    with ExitStack() as stack:
        yield lambda: make_node(Path(stack.enter_context(tempfile.TemporaryDirectory(dir=ground))))


@pytest.fixture
def node(fresh: Callable[[], Node]) -> Node:
    """A node with the full payload on its card."""
    made = fresh()
    made.insert(packed())
    return made


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository with a release for the card."""
    made = Repository(tmp_path / "repository")
    made.begin()
    release(made, payload())
    return made


@pytest.fixture
def mirror(repository: Repository) -> Iterator[Server]:
    """A server that has it."""
    with serving(repository.folder) as served:
        yield served


@pytest.fixture
def card(tmp_path: Path, repository: Repository, mirror: Server) -> Card:
    """A card whose node asks that server."""
    update = Update(site=SITE, source=mirror.address)
    return Card(tmp_path / "update", repository.root, update)
