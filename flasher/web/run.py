"""`flasher --web`: tells the address, opens the browser, and serves until it is interrupted."""

from __future__ import annotations

import os
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from aiohttp import web

from flasher.console import Console
from flasher.errors import ExitCode
from flasher.web.guard import Guard
from flasher.web.server import WizardServer, listen
from flasher.web.session import command_line

_SHUTDOWN_SECONDS = 15.0


def serve(*, practice: bool, port: int, console: Console) -> int:
    """Serve the wizard to one browser of this computer, until interrupted; the exit status.

    Args:
        practice: write cards that are files instead of real ones.
        port: where; 0 for any that is free.
        console: tells the address.

    Raises:
        EnvironmentLacks: ``port-taken``.
    """
    with listen(port) as listener:
        guard = Guard(listener.getsockname()[1])
        server = WizardServer(guard, command_line(["--practice"] if practice else []))
        console.say(f"The wizard is at {guard.entrance}")
        console.say(
            "The address opens once, in a browser of this computer. Ctrl-C ends the wizard."
        )
        with _pointer(guard.entrance) as pointer:
            if pointer:
                webbrowser.open(pointer.as_uri())
            application = server.application()
            web.run_app(application, sock=listener, print=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    return ExitCode.DONE


@contextmanager
def _pointer(address: str) -> Iterator[Path | None]:
    """A page that leads a browser to an address without telling all users, as arguments would.

    None where no browser can be opened: without a desktop, or for root, whose browser is nobody's.
    """
    place = os.environ.get("XDG_RUNTIME_DIR")
    has_desktop = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    if not (place and has_desktop) or os.geteuid() == 0:
        yield None
        return
    with NamedTemporaryFile("w", dir=place, prefix="flasher-", suffix=".html") as page:
        page.write(f'<meta http-equiv="refresh" content="0; url={address}">')
        page.flush()
        yield Path(page.name)
