"""Who asks for a password when polkit wants one and no desktop is there to ask, as over SSH.

polkit's own text agent does it, for this process alone (pkttyagent(1)).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from flasher.errors import EnvironmentLacks
from flasher.process import alongside

_DESKTOPS = ("DISPLAY", "WAYLAND_DISPLAY")
_terminal_is_lent = threading.Event()


def lend_terminal() -> None:
    """From here on, the terminal may be used to ask for a password.

    The command line says so where there is a person; what draws on the whole screen never does.
    """
    _terminal_is_lent.set()


@contextmanager
def text_agent() -> Iterator[None]:
    """Passwords are asked for on the terminal during the block, unless a desktop's agent does."""
    with ExitStack() as stack:
        if _terminal_is_lent.is_set():
            with suppress(EnvironmentLacks):  # a desktop's agent may be there all the same
                stack.enter_context(_started())
        yield


@contextmanager
def _started() -> Iterator[None]:
    ready, told = os.pipe()
    argv = ["pkttyagent", "--process", str(os.getpid()), "--notify-fd", str(told)]
    if any(os.environ.get(name) for name in _DESKTOPS):
        argv.append("--fallback")  # which polkit 122 passes over for whoever has no login session
    with os.fdopen(ready, "rb") as waiting, ExitStack() as stack:
        try:
            stack.enter_context(alongside(argv, keep=[told]))
        finally:
            os.close(told)
        waiting.read()  # ends when the agent is registered, or gone
        yield
