"""A disk that forgets: what a node's power cut leaves of a first boot, under the kernel's promises.

The agent stops at each of its moments (a sync, an fsync, a rename, a file opened for writing, a
program started) until the disk has looked at the node's tree. From what was synced by then, and
what was only written, it makes the trees that a power cut there may leave:

- ``kept``: all that was written;
- ``dropped``: only what was synced: data by file, names by folder, or everything by sync(2);
- ``reordered``: every name as it was, but data of the agent's own files only if it was synced;
- ``torn``: every name as it was, and the last sector of the agent's own unsynced files is zeros.

Programs that the agent starts sync their files where nobody sees it, so theirs are dropped as a
whole or kept. A name that was synced for a file whose data was not is an empty file.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from autosetup.settings import Boot
from tests.integration.autosetup.conftest import PROJECT, Node, make_node
from tests.unit.autosetup.sample_payloads import FILES, SETTINGS, packed

_SECTOR = 512
_PAYLOAD = packed(
    dataclasses.replace(
        SETTINGS,
        locale=dataclasses.replace(SETTINGS.locale, language="C.UTF-8"),
        boot=Boot(("dtparam=i2c_arm=on",), ("consoleblank=0",)),
    ),
    files={**FILES, "scripts/10-hello": b"#!/bin/sh\necho x > /etc/counted\n"},
)
DRIVER = """
import os, sys
sys.path.insert(0, sys.argv[1])
told, heard = int(sys.argv[2]), int(sys.argv[3])
def tell(*words):
    os.write(told, " ".join(words).encode() + b"\\n")
    os.read(heard, 1)
fsync = os.fsync
def fsync_and_tell(number):
    fsync(number)
    tell("fsync", os.readlink(f"/proc/self/fd/{number}"))
def watch(event, args):
    if event in ("os.rename", "os.remove", "subprocess.Popen"):
        tell("moment")
    elif event == "open" and isinstance(args[0], str) and (args[2] or 0) & os.O_ACCMODE:
        tell("open", os.path.abspath(args[0]))
os.sync, os.fsync = lambda: tell("sync"), fsync_and_tell
sys.addaudithook(watch)
from autosetup.__main__ import main
sys.exit(main(["run"]))
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a tree: what stat(2) and the file system say of it, and its data or target."""

    mode: int
    owner: tuple[int, int]
    device: int
    attributes: tuple[tuple[str, bytes], ...]
    data: bytes


Tree = dict[str, Entry]


@dataclass(slots=True)
class Disk:
    """What is durable by now, and the distinct trees that cuts so far may leave.

    Attributes:
        driver: the program that is recorded.
        trees: by the digest of their content: the moment, the kind of loss, and the tree.
    """

    node: Node
    trees: dict[str, tuple[int, str, Tree]] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    data: dict[int, Entry] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    own: set[int] = field(default_factory=set)
    moment: int = 0
    driver: str = DRIVER

    def record(self) -> int:
        """A whole first boot; gives the agent's exit status."""
        self._sync()
        (heard, told), (back, answer) = os.pipe(), os.pipe()
        with self.node.start(self.driver, str(told), str(back), pass_fds=(told, back)) as running:
            os.close(told)
            os.close(back)
            with open(heard) as words, open(answer, "wb", buffering=0) as ready:  # noqa: PTH123
                for line in words:
                    self._hear(*line.rstrip("\n").partition(" ")[::2])
                    ready.write(b".")
            running.communicate()
        return running.returncode

    def _hear(self, word: str, path: str) -> None:
        self.moment += 1
        now = dict(self._scan())
        self._know_own(now)
        self._leave(now)
        if word == "open":
            self.written.add(path)
        elif word == "sync":
            self._sync()
        elif word == "fsync":
            self._fsync(path, now)

    def _scan(self) -> Iterator[tuple[str, tuple[int, Entry]]]:
        for folder, folders, files in os.walk(self.node.upper):
            for name in (*folders, *files):
                path = Path(folder, name)
                yield f"/{path.relative_to(self.node.upper)}", (path.lstat().st_ino, _entry(path))

    def _know_own(self, now: dict[str, tuple[int, Entry]]) -> None:
        self.own |= {now[path][0] for path in self.written if path in now}

    def _sync(self) -> None:
        now = dict(self._scan())
        self.names = {path: number for path, (number, _) in now.items()}
        self.data = dict(now.values())

    def _fsync(self, path: str, now: dict[str, tuple[int, Entry]]) -> None:
        if path in now and not stat.S_ISDIR(now[path][1].mode):
            number, entry = now[path]
            self.data[number] = entry
            return
        inside = {p: number for p, (number, _) in now.items() if os.path.dirname(p) == path}  # noqa: PTH120
        others = {p: n for p, n in self.names.items() if os.path.dirname(p) != path}  # noqa: PTH120
        self.names = others | inside
        for p, number in inside.items():
            if not stat.S_ISREG(now[p][1].mode):
                self.data.setdefault(number, now[p][1])

    def _leave(self, now: dict[str, tuple[int, Entry]]) -> None:
        """Keep the trees that a cut at this moment may leave."""
        current = dict(now.values())
        names = {path: number for path, (number, _) in now.items()}
        dropped = {n: self.data.get(n) or _emptied(current.get(n)) for n in self.names.values()}
        self._keep("kept", {p: current[n] for p, n in names.items()})
        self._keep("dropped", {p: e for p, n in self.names.items() if (e := dropped[n])})
        unsynced = {n: e for n, e in current.items() if n in self.own and self.data.get(n) != e}
        files = {n: e for n, e in unsynced.items() if stat.S_ISREG(e.mode)}
        old = {n: self.data.get(n) or _emptied(e) for n, e in files.items()}
        torn = {n: _torn(e) for n, e in files.items()}
        self._keep("reordered", {p: old.get(n) or current[n] for p, n in names.items()})
        self._keep("torn", {p: torn.get(n) or current[n] for p, n in names.items()})

    def _keep(self, kind: str, tree: Tree) -> None:
        digest = hashlib.sha256(repr(sorted(tree.items())).encode()).hexdigest()
        self.trees.setdefault(digest, (self.moment, kind, tree))


def record(folder: Path, project: Path = PROJECT) -> Disk:
    """A first boot recorded, of the agent in `project`: with settings of each kind."""
    node = make_node(folder, project)
    node.insert(_PAYLOAD)
    (node.card.parent / "config.txt").write_text("kernel=vmlinuz\n")
    (node.card.parent / "cmdline.txt").write_text("root=LABEL=rootfs rootwait\n")
    disk = Disk(node)
    assert disk.record() == 0, (node.card / "log.txt").read_text()
    return disk


def _entry(path: Path) -> Entry:
    found = path.lstat()
    names = () if stat.S_ISLNK(found.st_mode) else os.listxattr(path)
    data = b""
    if stat.S_ISLNK(found.st_mode):
        data = os.fsencode(path.readlink())
    elif stat.S_ISREG(found.st_mode):
        data = path.read_bytes()
    return Entry(
        found.st_mode,
        (found.st_uid, found.st_gid),
        found.st_rdev,
        tuple((name, os.getxattr(path, name)) for name in names),
        data,
    )


def _emptied(entry: Entry | None) -> Entry | None:
    if entry is None:
        return None
    return Entry(entry.mode, entry.owner, entry.device, entry.attributes, b"")


def _torn(entry: Entry) -> Entry:
    whole = max(len(entry.data) - 1, 0) // _SECTOR * _SECTOR
    data = entry.data[:whole].ljust(len(entry.data), b"\0")
    return Entry(entry.mode, entry.owner, entry.device, entry.attributes, data)


def lay_down(tree: Tree, upper: Path) -> None:
    """Make a node's tree what a power cut left; entries whose folder is lost are lost too."""
    for path in sorted(tree):
        entry, place = tree[path], upper / path.lstrip("/")
        if not place.parent.is_dir():
            continue
        if stat.S_ISDIR(entry.mode):
            place.mkdir(exist_ok=True)
        elif stat.S_ISLNK(entry.mode):
            place.symlink_to(os.fsdecode(entry.data))
            os.lchown(place, *entry.owner)
            continue
        elif stat.S_ISCHR(entry.mode):
            os.mknod(place, entry.mode, entry.device)
        else:
            place.write_bytes(entry.data)
        os.chown(place, *entry.owner)
        place.chmod(stat.S_IMODE(entry.mode))
        for name, value in entry.attributes:
            os.setxattr(place, name, value)


def start_again(
    tree: Tree, ground: Path, project: Path = PROJECT
) -> tuple[int, dict[str, tuple[object, ...]]]:
    """Boot from what a cut left: the agent's exit status, and the node's tree in the end."""
    with tempfile.TemporaryDirectory(dir=ground) as folder:
        node = Node(Path(folder), project)
        for name in ("upper", "work", "merged"):
            (node.folder / name).mkdir()
        lay_down(tree, node.upper)
        return node.run().returncode, node.tree()
