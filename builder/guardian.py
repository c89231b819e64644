"""Our handler in the host's own table, for kernels that give a build no table of its own.

Linux before 6.7 has one binfmt_misc table for all: <https://docs.kernel.org/admin-guide/
binfmt-misc.html>. An entry of ours stands there under a name of its own while a build runs. A
guardian process, in a session of its own, takes it out again even after ``kill -9``. Entries of
others are never touched.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from builder.inside import guard
from flasher.errors import EnvironmentLacks
from flasher.process import outliving

_PATIENCE_SECONDS = 10


@contextmanager
def registered(line: str) -> Iterator[str]:
    """Have a handler in the host's table during the block; give the name it has there.

    Args:
        line: as binfmt_misc's ``register`` takes it; its name gets a random suffix.

    Raises:
        EnvironmentLacks: not root, or the kernel refused.
    """
    argv = (sys.executable, "-I", "-S", guard.__file__, str(os.getpid()), line)
    with outliving(argv) as guardian:
        assert guardian.stdin is not None
        assert guardian.stdout is not None
        assert guardian.stderr is not None
        name = guardian.stdout.readline().decode().strip()
        if not name:
            raise EnvironmentLacks(
                "handler-refused",
                "No handler could be registered on this computer: "
                f"{guardian.stderr.read().decode().strip()}.",
                "Run the same command with sudo, or install the package qemu-user-static.",
            )
        try:
            yield name
        finally:
            guardian.stdin.close()
            guardian.wait(_PATIENCE_SECONDS)
