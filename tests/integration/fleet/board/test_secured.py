"""On a network the board comes only from a server that the site vouches for."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web

from flasher.errors import FlasherError
from flasher.fleet.board.feed import Reach, ServedBoard
from flasher.fleet.server.app import RigDesk, application
from flasher.fleet.server.desk import Cards, Desk
from flasher.fleet.server.guard import Guard, origins
from flasher.fleet.server.run import listen
from flasher.fleet.server.tls import papers
from flasher.pages import LOOPBACK
from flasher.rig.signing import new_key, read_signer
from tests.tui.board_rig import quiet


async def test_the_sites_certificate_opens_it_and_no_other() -> None:
    ours, others = (read_signer(new_key(), Path("signing.key"), name) for name in ("a", "b"))
    shown, foreign = (papers(each, [], [LOOPBACK]) for each in (ours, others))
    with listen(LOOPBACK, 0) as listener:
        port = listener.getsockname()[1]
        guard = Guard(origins([LOOPBACK], port, tls=True))
        rig = RigDesk(Desk(quiet(), Cards({}, {})), guard)
        runner = web.AppRunner(application(None, rig), shutdown_timeout=1)
        await runner.setup()
        await web.SockSite(runner, listener, ssl_context=shown.context).start()
        url = f"https://{LOOPBACK}:{port}"
        assert await ServedBoard(Reach(url, guard.token, shown.authority)).once() == quiet().view()
        for authority in (foreign.authority, ""):
            with pytest.raises(FlasherError) as caught:
                await ServedBoard(Reach(url, guard.token, authority)).once()
            assert caught.value.code == "unknown-authority"
        await runner.cleanup()
