"""Enter private namespaces, make the planned mounts, run one program, vanish with the caller.

Runs as a script of its own (standard library only, no threads), reads its `Order` as JSON from
standard input, and ends with the program's exit status; 125 means that the namespaces or mounts
could not be made, with one line on standard error that says why.

Three processes: the *keeper* writes the id maps; the *separated* child owns the new namespaces;
the *init* is process 1 in them. Each asks the kernel to be killed when its parent dies, and when
process 1 dies the kernel ends every other process and drops every mount: whatever kills the
caller, nothing stays.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import struct
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

SETUP_FAILED = 125
STATUS_DESCRIPTOR = 3

# <linux/sched.h>, <linux/mount.h>, <linux/prctl.h>, <linux/personality.h>
_CLONE_NEWNS, _CLONE_NEWUTS, _CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
_CLONE_NEWUSER, _CLONE_NEWPID, _CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
_MS_BIND, _MS_REC, _MS_PRIVATE = 4096, 16384, 1 << 18
_PR_SET_PDEATHSIG, _SIGKILL = 1, 9
_PER_LINUX32 = 8
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE, _MOUNT_ATTR_RDONLY = 442, -100, 0x8000, 1

_HOST_NAME = b"localhost"  # this computer's own would get into images
_BINFMT = "/proc/sys/fs/binfmt_misc"
_NODES = ("null", "zero", "full", "random", "urandom", "tty")
_STREAMS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
_LINKS = {**_STREAMS, "ptmx": "pts/ptmx"}
_FOLDERS = {"pts": ("devpts", "newinstance,ptmxmode=0666,mode=620"), "shm": ("tmpfs", "mode=1777")}

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount, made in the order of the plan.

    Attributes:
        kind: ``overlay`` (`options` as mount(8) takes them), ``bind`` (`source` onto `target`),
            ``bind-read-only`` (with all that is mounted below it), ``proc``, ``tmpfs``, or ``dev``
            (a tmpfs with the harmless device nodes only).
        target: an existing path, relative to the plan's folder or absolute.
    """

    kind: Literal["overlay", "bind", "bind-read-only", "bind-all-read-only", "proc", "tmpfs", "dev"]
    target: str
    source: str = ""
    options: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do inside.

    Attributes:
        argv: program and arguments, searched on the PATH of `env` below `root`.
        env: the program's whole environment.
        mounts: see `Mount`.
        folder: where relative paths of mounts start, and the program too if `root` is ``/``.
        root: what the program sees as ``/``.
        handler: a binfmt_misc registration, private to the namespace; empty for none.
        merge_output: send standard output, and descriptor 3, where standard error goes.
        cwd: where the program starts, below `root`; "" for `root`, or `folder` if that is ``/``.
        stdin: a file that it reads, relative to `folder` or absolute; "" for nothing.
        network: whether it sees this computer's network.
        narrow: whether uname(2) tells it of a computer of half the width.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    mounts: tuple[Mount, ...] = ()
    folder: str = "/"
    root: str = "/"
    handler: str = ""
    merge_output: bool = field(default=False, kw_only=True)
    cwd: str = field(default="", kw_only=True)
    stdin: str = field(default="", kw_only=True)
    network: bool = field(default=False, kw_only=True)
    narrow: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Order:
    """A plan, for whom, and with which ids.

    Attributes:
        caller: process id of our parent: without it there is nothing to do.
        users, groups: see `builder.rights.IdMap`.
    """

    plan: Plan
    caller: int
    users: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()

    @classmethod
    def from_json(cls, text: str) -> Order:
        """Read what `json.dumps(dataclasses.asdict(order))` wrote."""
        values = json.loads(text)
        return cls(plan_from_json(values.pop("plan")), **values)


def plan_from_json(told: dict[str, Any]) -> Plan:
    """A plan from what `dataclasses.asdict` made of it."""
    mounts = tuple(Mount(**mount) for mount in told.pop("mounts"))
    return Plan(argv=tuple(told.pop("argv")), mounts=mounts, **told)


def enter(order: Order) -> int:
    """Run the plan in namespaces of its own; return the exit status."""
    if os.getppid() != order.caller:  # it died before the leash was on us
        return SETUP_FAILED
    ready, tell_ready = os.pipe()
    life, keep_life = os.pipe()
    separated = os.fork()
    if separated == 0:
        os.close(ready)
        os.close(keep_life)
        _end_with(lambda: _separate(order.plan, life, tell_ready))
    os.close(tell_ready)
    os.close(life)
    if os.read(ready, 1):
        _map_ids(separated, order)
        os.write(keep_life, b"x")
    return _wait(separated)


def _separate(plan: Plan, life: int, tell_ready: int) -> int:
    flags = _CLONE_NEWUSER | _CLONE_NEWNS | _CLONE_NEWPID | _CLONE_NEWIPC | _CLONE_NEWUTS
    flags |= 0 if plan.network else _CLONE_NEWNET
    _check(_libc.unshare(flags), "making namespaces")
    _die_with_parent(life)
    os.write(tell_ready, b"x")
    if not os.read(life, 1):
        return SETUP_FAILED
    inner_life, _keep_inner_life = os.pipe()
    init = os.fork()
    if init == 0:
        os.close(_keep_inner_life)
        _die_with_parent(inner_life)
        _end_with(lambda: _serve_as_init(plan))
    os.close(inner_life)
    return _wait(init)


def _serve_as_init(plan: Plan) -> int:
    _mount(None, "/", None, _MS_REC | _MS_PRIVATE)
    os.chdir(plan.folder)
    _mount("proc", "/proc", "proc")
    _check(_libc.sethostname(_HOST_NAME, len(_HOST_NAME)), "naming the host")
    if plan.handler:
        _mount("binfmt_misc", _BINFMT, "binfmt_misc")
        Path(_BINFMT, "register").write_text(plan.handler, encoding="utf-8")
    for mount in plan.mounts:
        _make(mount)
    program = os.fork()
    if program == 0:
        _end_with(lambda: _execute(plan))
    return _reap_until(program)


def _execute(plan: Plan) -> int:
    if plan.stdin:
        os.dup2(os.open(plan.stdin, os.O_RDONLY), 0)
    if plan.root != "/":
        os.chroot(plan.root)
        os.chdir("/")
    if plan.cwd:
        os.chdir(plan.cwd)
    if plan.merge_output:
        os.dup2(2, 1)
        os.dup2(2, STATUS_DESCRIPTOR)
    if plan.narrow:
        _libc.personality(ctypes.c_ulong(_PER_LINUX32))
    os.umask(0o022)
    os.execvpe(plan.argv[0], plan.argv, dict(plan.env))  # noqa: S606


def _make(mount: Mount) -> None:
    if mount.kind == "overlay":
        _mount("overlay", mount.target, "overlay", data=mount.options)
    elif mount.kind == "proc":
        _mount("proc", mount.target, "proc")
    elif mount.kind == "tmpfs":
        _mount("tmpfs", mount.target, "tmpfs", data=mount.options or "mode=755")
    elif mount.kind == "dev":
        _make_dev(Path(mount.target))
    elif mount.kind == "bind":
        _mount(mount.source, mount.target, None, _MS_BIND)
    else:
        _mount(mount.source, mount.target, None, _MS_BIND | _MS_REC)
        _seal(mount.target)


def _seal(target: str) -> None:
    """Make a mount and all below it read-only; other flags, maybe locked, stay (Linux 5.12)."""
    told, path = struct.pack("=4Q", _MOUNT_ATTR_RDONLY, 0, 0, 0), os.fsencode(target)
    result = _libc.syscall(_MOUNT_SETATTR, _AT_FDCWD, path, _AT_RECURSIVE, told, len(told))
    _check(result, f"making {target} read-only")


def _make_dev(target: Path) -> None:
    _mount("tmpfs", str(target), "tmpfs", data="mode=755")
    for node in _NODES:
        (target / node).touch()
        _mount(f"/dev/{node}", str(target / node), None, _MS_BIND)
    for name, points_to in _LINKS.items():
        (target / name).symlink_to(points_to)
    for name, (kind, data) in _FOLDERS.items():
        (target / name).mkdir()
        _mount(kind, str(target / name), kind, data=data)


def _map_ids(pid: int, order: Order) -> None:
    """Give the namespace its ids, by the programs that lend them if they are not ours to give."""
    for kind, spans in (("uid", order.users), ("gid", order.groups)):
        if not spans:
            _map_to_itself(pid, f"{kind}_map")
            continue
        argv = (f"new{kind}map", str(pid), *map(str, spans))
        if os.spawnvp(os.P_WAIT, argv[0], argv):  # noqa: S606
            raise OSError(f"{argv[0]} refused the ids")


def _map_to_itself(pid: int, name: str) -> None:
    """Map every id that exists here to itself: owners on disk stay what they are."""
    own = Path(f"/proc/self/{name}").read_text(encoding="ascii").split()
    spans = zip(own[::3], own[2::3], strict=True)
    identity = "".join(f"{first} {first} {count}\n" for first, count in spans)
    Path(f"/proc/{pid}/{name}").write_text(identity, encoding="ascii")


def _die_with_parent(life: int) -> None:
    """Be killed with our parent; `life` reads as closed if it died before we asked."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0), "asking to die with the parent")
    if select.select([life], [], [], 0)[0]:
        os._exit(SETUP_FAILED)


def _mount(
    source: str | None, target: str, kind: str | None, flags: int = 0, data: str = ""
) -> None:
    raw = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    result = _libc.mount(*raw, ctypes.c_ulong(flags), os.fsencode(data) if data else None)
    _check(result, f"mounting {kind or source} on {target}")


def _check(result: int, what: str) -> None:
    if result:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def _end_with(work: Callable[[], int]) -> None:
    """End this forked process with what `work` returns, without ever returning to the caller."""
    status = SETUP_FAILED
    try:
        status = work()
    except OSError as error:
        os.write(2, f"{error.strerror or error} {error.filename or ''}\n".encode())
    finally:
        os._exit(status)


def _wait(pid: int) -> int:
    return _plain_status(os.waitpid(pid, 0)[1])


def _reap_until(pid: int) -> int:
    """Serve as process 1: collect every orphan, until the program itself has ended."""
    while True:
        ended, status = os.wait()
        if ended == pid:
            return _plain_status(status)


def _plain_status(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def main() -> None:
    """Read the order and do it: from a file at our terminal, else from standard input without."""
    named = sys.argv[1:]
    told = Path(named[0]).read_text(encoding="utf-8") if named else sys.stdin.read()
    if not named:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        with suppress(PermissionError):
            os.setsid()  # Ctrl-C is the caller's to handle: it then kills us
    _end_with(lambda: enter(Order.from_json(told)))


if __name__ == "__main__":
    main()
