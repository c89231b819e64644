"""The wizard that a browser sees: a process that ends with its page, and with the server."""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress

from textual_serve.app_service import AppService

from flasher.process import leashed

# What the wizard has to let its cards go, once nobody looks at it any more.
_GRACE_SECONDS = 10.0


class Session(AppService):
    """One run of the wizard; textual-serve carries its keys and its screen."""

    async def run(self) -> None:
        """Carry its screen until it ends, and close the page then, however that was."""
        try:
            await super().run()
        finally:
            await self.remote_close()

    async def stop(self) -> None:
        """Ask it to end; whatever it does, it has ended afterwards."""
        process = self._process
        if process is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_SECONDS):
                await super().stop()
                await process.wait()
        if process.returncode is None:
            process.kill()
            await process.wait()


def command_line(arguments: Sequence[str]) -> str:
    """The shell's line that runs this program, as we were started ourselves, with other arguments.

    The kernel ends it with us, however we end.
    """
    ours = sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv) + 1]
    return "exec " + shlex.join(leashed([sys.executable, *ours, *arguments]))
