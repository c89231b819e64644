"""The node's system: its files under one root, and the one door to its programs."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from autosetup.errors import AgentError, no_room
from autosetup.orphans import end_orphans
from autosetup.output import Output

_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": "/root",
    "DEBIAN_FRONTEND": "noninteractive",
}
_TAIL_LINES = 8
# In a folder of a person's own anything may lie there already, such as a pipe without an end.
_DRAFT = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK
# What the C library says, and what apt does before it begins.
_FULL = ("No space left on device", "You don't have enough free space")
_MOST_LINKS = 8


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that ran.

    Attributes:
        status: None where it was killed for taking too long.
        output: all that it printed; of very much the end.
        left: how many programs it left running, which were killed.
    """

    status: int | None
    output: str
    left: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """One line of /etc/passwd."""

    uid: int
    gid: int
    home: str


@dataclass(frozen=True, slots=True)
class Group:
    """One line of /etc/group."""

    gid: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class System:
    """Files and programs of the tree at `root`; with another root than ``/`` nothing is running."""

    root: Path = Path("/")

    def path(self, absolute: str) -> Path:
        """Where a path of the node lies for us."""
        return self.root / absolute.lstrip("/")

    @property
    def booted(self) -> bool:
        """Whether this is the running system, with systemd at its head."""
        return self.root == Path("/") and Path("/run/systemd/system").is_dir()

    def read(self, absolute: str) -> bytes:
        """The bytes of a file; none where it is missing."""
        try:
            return self.path(absolute).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return b""

    def real(self, absolute: str) -> str:
        """The path that a link, or a chain of them, stands for; links stay inside the root."""
        for _ in range(_MOST_LINKS):
            path = self.path(absolute)
            if not path.is_symlink():
                break
            absolute = os.path.normpath(os.path.join(os.path.dirname(absolute), path.readlink()))  # noqa: PTH118, PTH120
        return absolute

    def write(
        self, absolute: str, data: bytes, *, mode: int = 0o644, uid: int = 0, gid: int = 0
    ) -> None:
        """Put a whole file in place, durably; a reader or a power cut sees the old or the new one.

        Folders that are missing are made for root, open to all for reading.
        """
        path = self.path(absolute)
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        replace_file(path, data, mode, (uid, gid))

    def write_all(self, files: Mapping[str, bytes]) -> None:
        """`write` each of these files; one that would be empty is removed."""
        for path, data in files.items():
            if data:
                self.write(path, data)
            else:
                self.path(path).unlink(missing_ok=True)

    def holds(self, absolute: str, data: bytes, *, mode: int, uid: int = 0, gid: int = 0) -> bool:
        """Whether `write` with the same arguments would change nothing."""
        path = self.path(absolute)
        if path.is_symlink() or not path.is_file():
            return False
        found = path.stat()
        owned = (found.st_mode & 0o7777, found.st_uid, found.st_gid) == (mode, uid, gid)
        return owned and path.read_bytes() == data

    def accounts(self) -> dict[str, Account]:
        """Every account by name."""
        rows = self.rows("/etc/passwd", 7)
        return {row[0]: Account(int(row[2]), int(row[3]), row[5]) for row in rows if row[2]}

    def groups(self) -> dict[str, Group]:
        """Every group by name."""
        rows = self.rows("/etc/group", 4)
        return {
            row[0]: Group(int(row[2]), tuple(filter(None, row[3].split(","))))
            for row in rows
            if row[2]
        }

    def rows(self, database: str, fields: int) -> Iterator[list[str]]:
        """The lines with so many fields of a file such as /etc/passwd; any encoding will do."""
        lines = self.read(database).decode(errors="surrogateescape").splitlines()
        rows = (line.split(":") for line in lines)
        return (row for row in rows if len(row) == fields)

    def has_program(self, name: str) -> bool:
        """Whether a program is installed."""
        return any(self.path(f"{f}/{name}").exists() for f in _ENVIRONMENT["PATH"].split(":"))

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        seconds: float = 300,
    ) -> Finished:
        """Run a program to its end, or kill it after `seconds`; what it started ends with it.

        Args:
            argv: program and arguments, as the node sees them.
            stdin: what it reads; secrets go this way, never by argument.
            env: additions to a small environment in the C locale.
            cwd: folder of the node to run it in; only for programs of the running system.
        """
        inside = [] if self.root == Path("/") else ["chroot", str(self.root)]
        output = Output()
        output.start()
        try:
            child = subprocess.Popen(
                [*inside, *argv],
                stdin=subprocess.PIPE,
                stdout=output.sink,
                stderr=output.sink,
                env={**_ENVIRONMENT, **(env or {})},
                cwd=cwd,
                start_new_session=True,
            )
        finally:
            os.close(output.sink)
        try:
            child.communicate(stdin, timeout=seconds)
            status: int | None = child.returncode
        except subprocess.TimeoutExpired:
            status = None
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
            left = end_orphans()
        return Finished(status, output.text(), left)

    def must(self, argv: Sequence[str], *, stdin: bytes = b"", seconds: float = 300) -> str:
        """Run a program that has to succeed; gives what it printed.

        Raises:
            AgentError: ``program-failed`` with its last lines.
        """
        finished = self.run(argv, stdin=stdin, seconds=seconds)
        if finished.status != 0:
            raise program_failed(argv[0], finished)
        return finished.output


def program_failed(name: str, finished: Finished) -> AgentError:
    """The error for a program that failed or took too long."""
    if any(words in finished.output for words in _FULL):
        return no_room(f"{name} was at work.")
    tail = "; ".join(finished.output.strip().splitlines()[-_TAIL_LINES:])
    how = "took too long" if finished.status is None else f"failed ({finished.status})"
    hint = "Read log.txt on the card; then start the node again to try again."
    return AgentError("program-failed", f"{name} {how}: {tail}", hint)


def replace_file(
    path: Path, data: bytes, mode: int = 0o644, owner: tuple[int, int] | None = None
) -> None:
    """Write, sync and rename a file, then sync its folder.

    The temporary name is always the same, so litter of a power cut goes with the next writing.

    On FAT, Linux gives the new name its clusters only when the file is synced once more, and frees
    those of the old file when nobody holds it any more (vfat_rename in fs/fat/namei_vfat.c,
    fat_evict_inode in fs/fat/inode.c). So the old one is held until the new one stands: a cut
    leaves one of the two, and clusters of the other that fsck.fat takes back.
    """
    temporary = draft_of(path)
    try:
        with _held(path), os.fdopen(os.open(temporary, _DRAFT, 0o600), "wb") as draft:
            _fill(draft, data, mode, owner)
            temporary.replace(path)
            sync_folder(path.parent)
            os.fsync(draft.fileno())
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        error.filename = str(path)
        raise


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Keep a file, if it is there, from being forgotten when its name is taken."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW)
    except FileNotFoundError:
        yield
        return
    try:
        yield
    finally:
        os.close(descriptor)


def _fill(draft: BinaryIO, data: bytes, mode: int, owner: tuple[int, int] | None) -> None:
    if owner:
        os.fchown(draft.fileno(), *owner)
        os.fchmod(draft.fileno(), mode)
    draft.write(data)
    draft.flush()
    os.fsync(draft.fileno())


def draft_of(path: Path) -> Path:
    """Where a file's new content is written before it takes the file's place."""
    return path.with_name(f".{path.name}.autosetup")


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
