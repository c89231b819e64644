"""Keep a registration in the host's binfmt_misc table for as long as a build lives.

Runs as a script of its own (standard library only), as root: the arguments are the process id of
the build, our parent, and the line to register. It adds a random suffix to the line's name, prints
the name, and takes the registration out when standard input closes or the build ends, however it
ends. The table is seen in a mount namespace of its own: the host need not have it mounted.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path

TABLE = Path("/proc/sys/fs/binfmt_misc")

# <linux/sched.h>, <linux/mount.h>
_CLONE_NEWNS, _MS_REC, _MS_PRIVATE = 0x00020000, 16384, 1 << 18

_libc = ctypes.CDLL(None, use_errno=True)


def guard(build: int, line: str) -> None:
    """Register, wait for the end of the build, and take the registration out."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.chdir("/")
    life = os.pidfd_open(build)
    if os.getppid() != build:  # the id may be another's by now
        return
    _mount_table()
    name = _register(line)
    with suppress(OSError):  # nobody may be there to hear the name
        os.write(1, f"{name}\n".encode())
    select.select([life, 0], [], [])
    (TABLE / name).write_text("-1", encoding="ascii")


def _register(line: str) -> str:
    """Register under a name that no other entry has; return it."""
    mark, name, rest = line[0], *line[1:].split(line[0], 1)
    own = f"{name}-{secrets.token_hex(4)}"
    (TABLE / "register").write_text(f"{mark}{own}{mark}{rest}", encoding="utf-8")
    return own


def _mount_table() -> None:
    _check(_libc.unshare(_CLONE_NEWNS))
    _check(_libc.mount(None, b"/", None, ctypes.c_ulong(_MS_REC | _MS_PRIVATE), None))
    _check(_libc.mount(b"binfmt_misc", os.fsencode(TABLE), b"binfmt_misc", ctypes.c_ulong(0), None))


def _check(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(TABLE))


if __name__ == "__main__":
    try:
        guard(int(sys.argv[1]), sys.argv[2])
    except OSError as error:
        sys.exit(f"{error.strerror} ({error.filename})")
