"""``flasher serve`` as people and nodes meet it."""

from __future__ import annotations

import gzip
import json
import os
import pty
import resource
import signal
import ssl
import subprocess
import sys
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

import aiohttp
import pytest

from autosetup.answer import read_answer
from autosetup.post import Post, Unanswered
from flasher.cli import main
from flasher.events import ignore
from flasher.fleet.board.feed import Reach, ServedBoard
from flasher.fleet.board.keeping import folder_of
from flasher.fleet.board.view import BoardView
from flasher.fleet.server.desk import BLINK_SECONDS
from flasher.fleet.server.door import MOST
from flasher.fleet.server.keeping import running
from flasher.fleet.server.offer import Wanted, offer
from flasher.fleet.server.run import served
from flasher.rig.rigmap import RigMap
from flasher.rig.signing import make_signer
from flasher.rig.site_authority import authority_pem
from tests.integration.command_line import flasher
from tests.integration.fleet.server.program import serving
from tests.integration.fleet.server.rigged import card_of, posted, word_of
from tests.integration.fleet.server.served import METADATA, get, put


async def test_a_repository_and_the_board_are_served(rig: RigMap, tmp_path: Path) -> None:
    put(tmp_path / "repository", "metadata/timestamp.json", METADATA)
    card = card_of(rig, "cam-101")
    with serving("--site", "field", "--repository", tmp_path / "repository") as server:
        timestamp = f"{server.repository}/metadata/timestamp.json"
        assert await get(timestamp) == (200, METADATA)
        post = Post(server.url)
        assert post.send("reports", word_of(card, "cam-101"))[0] == 200
        assert post.send("reports", word_of(card, "cam-101"))[0] == 409
        assert post.send("reports", b"{}")[0] == 400
        assert post.send("reports", b" " * 100_000)[0] == 413
        post.close()
        view = await ServedBoard(Reach(server.url, server.token)).once()
        node = view.node("cam-101")
        assert node is not None
        assert (node.state, node.address) == ("done", "127.0.0.1")


def test_on_a_network_the_boards_address_has_a_line_of_its_own_and_is_drawn_for_phones(
    rig: RigMap,
) -> None:
    del rig
    screen, inside = pty.openpty()
    argv = [sys.executable, "-m", "flasher", "serve", "--site", "field", "--address", "127.0.0.2"]
    with subprocess.Popen([*argv, "--port", "0"], stdout=inside) as process:
        os.close(inside)
        try:
            shown = b""
            while b"Ctrl-C ends it." not in shown:
                shown += os.read(screen, 4096)
        finally:
            process.kill()
    os.close(screen)
    lines = shown.decode().splitlines()
    (entrance,) = (line for line in lines if "token" in line)
    assert entrance.startswith("https://127.0.0.2:")
    assert len(entrance.replace("127.0.0.2", "255.255.255.255")) <= 80
    assert sum("█" in line for line in lines) > 10


def test_a_server_may_open_as_many_files_as_it_lets_connections_in(rig: RigMap) -> None:
    del rig
    with serving("--site", "field") as server:
        soft, hard = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        assert soft == hard or soft >= 2 * MOST


async def test_nothing_that_a_stranger_packed_is_unpacked(rig: RigMap) -> None:
    raw = gzip.compress(word_of(card_of(rig, "cam-101"), "cam-101"))
    headers = {"Content-Encoding": "gzip"}
    with serving("--site", "field") as server:
        async with (
            aiohttp.ClientSession() as client,
            client.post(f"{server.url}/reports", data=raw, headers=headers) as answer,
        ):
            assert answer.status == 400


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_it_and_what_it_knows_is_there_the_next_time(
    rig: RigMap, number: signal.Signals
) -> None:
    card = card_of(rig, "cam-101")
    with serving("--site", "field") as server:
        known = running("field")
        assert known is not None
        assert (known.url, known.token) == (server.url, server.token)
        post = Post(server.url)
        post.send("reports", word_of(card, "cam-101"))
        async with aiohttp.ClientSession() as client:
            headers = {"Authorization": f"Bearer {server.token}"}
            async with client.get(f"{server.url}/events", headers=headers) as events:
                await events.content.readline()
                os.kill(server.process.pid, number)
                assert server.process.wait(timeout=20) == 0
        post.close()
    assert running("field") is None
    assert (folder_of("field") / "board.json").stat().st_mode & 0o777 == 0o600
    with serving("--site", "field") as server:
        post = Post(server.url)
        assert post.send("reports", word_of(card, "cam-101"))[0] == 409
        post.close()
        view = await ServedBoard(Reach(server.url, server.token)).once()
        node = view.node("cam-101")
        assert node is not None
        assert node.state == "done"


def test_a_killed_server_is_not_taken_for_one_that_runs(rig: RigMap) -> None:
    assert rig.site.name == "field"
    with serving("--site", "field") as server:
        server.process.kill()
        server.process.wait()
        assert running("field") is None


def test_another_process_with_the_number_of_a_killed_server_is_not_taken_for_it(
    rig: RigMap,
) -> None:
    del rig
    with serving("--site", "field"):
        path = folder_of("field") / "server.json"
        told = json.loads(path.read_bytes())
        path.write_text(json.dumps({**told, "process": os.getpid()}))
        assert running("field") is None
        path.write_text(json.dumps(told))
        assert running("field") is not None


def test_who_serves_this_computer_alone_is_told_how_the_rig_reaches_it(rig: RigMap) -> None:
    del rig
    argv = [sys.executable, "-m", "flasher", "serve", "--site", "field", "--port", "0"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        told = list(takewhile(lambda line: "Ctrl-C" not in line, process.stdout))
        process.kill()
    assert "Only this computer reaches it; for the rig: --lan\n" in told


def test_a_port_that_is_taken_is_told() -> None:
    with serving("--upstream", "http://127.0.0.1:1") as server:
        port = server.url.rpartition(":")[2]
        status, told = flasher("serve", "--upstream", "http://127.0.0.1:1", "--port", port)
        assert (status, told["code"]) == (5, "port-taken")


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        ([], "usage"),
        (["--repository", "a", "--upstream", "http://b"], "usage"),
        (["--repository", "nowhere"], "no-repository"),
        (["--upstream", "file:///etc"], "bad-url"),
        (["--upstream", "http://b", "--address", "192.0.2.77"], "address-unknown"),
        (["--upstream", "http://b", "--port", "99999"], "usage"),
        (["--upstream", "http://b", "--address", "nonsense"], "address-unknown"),
        (["--upstream", "http://b", "--limit-rate", "0"], "bad-value"),
        (["--site", "demo", "--lan"], "no-site-key"),
    ],
)
def test_what_cannot_be_served_is_said_with_what_to_do(
    argv: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["serve", *argv, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["code"] == code
    assert status in (2, 5)
    assert told["hint"]


async def test_only_the_token_lets_people_in(rig: RigMap) -> None:
    assert rig.site.name == "field"
    with serving("--site", "field") as server:
        own = {"Authorization": f"Bearer {server.token}"}
        for path in ("/", "/board.json", "/events", "/board.css", "/board.js", "/nothing"):
            assert (await get(f"{server.url}{path}"))[0] == 403
            wrong = {"Authorization": f"Bearer {server.token[:-1]}"}
            assert (await get(f"{server.url}{path}", **wrong))[0] == 403
        assert (await get(f"{server.url}/?token=wrong"))[0] == 403
        assert (await get(f"{server.url}/board.json", **own))[0] == 200
        for headers in (
            {"Host": "evil.example"},
            {"Origin": "https://evil.example"},
            {"Sec-Fetch-Site": "cross-site"},
        ):
            assert (await get(f"{server.url}/board.json", **own, **headers))[0] == 403


async def test_a_browser_that_showed_the_token_is_known_by_its_cookie(rig: RigMap) -> None:
    assert rig.site.name == "field"
    with serving("--site", "field") as server:
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as browser:
            async with browser.get(server.entrance) as answer:
                assert answer.status == 200
                assert server.token not in await answer.text()
            for path in ("/", "/board.json", "/board.css", "/board.js"):
                async with browser.get(f"{server.url}{path}") as answer:
                    assert answer.status == 200
                    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            async with browser.post(f"{server.url}/blink/{'0' * 32}") as answer:
                assert answer.status == 404


async def test_on_a_network_nodes_know_the_server_by_their_site_and_strangers_do_not(
    rig: RigMap, tmp_path: Path
) -> None:
    card = card_of(rig, "cam-101")
    wanted = Wanted(site=rig.site, signer=rig.secrets.signer, address="127.0.0.1", on_lan=True)
    with offer(wanted) as found:
        quiet = replace(found.serving, whereabouts=None)
        authority = Path(found.authority).read_text()
        async with served(quiet, found.listener, ignore):
            assert await posted(found.url, authority, word_of(card, "cam-101")) == 200
            another = authority_pem(make_signer(tmp_path, "other"))
            for url, known in ((found.url, another), (found.url.replace("https", "http"), "")):
                with pytest.raises(Unanswered):
                    await posted(url, known, b"{}")
            token = found.entrance.partition("token=")[2]
            view = await ServedBoard(Reach(found.url, token, authority)).once()
            assert view.site == "field"
            context = ssl.create_default_context(cadata=authority)
            async with (
                aiohttp.ClientSession() as client,
                client.get(found.entrance, ssl=context) as answer,
            ):
                assert "secure" in answer.headers["Set-Cookie"].lower()


async def test_a_card_that_is_replaced_while_the_server_runs_is_heard_no_more(rig: RigMap) -> None:
    old = card_of(rig, "cam-101")
    with serving("--site", "field") as server:
        assert await posted(server.url, "", word_of(old, "cam-101")) == 200
        new = card_of(rig, "cam-101")
        async for view in ServedBoard(Reach(server.url, server.token)).follow():
            assert isinstance(view, BoardView)
            if view.node(new.card_id):
                break
        assert await posted(server.url, "", word_of(new, "cam-101")) == 200
        assert await posted(server.url, "", word_of(old, "cam-101", 99)) == 403


async def test_whoever_looks_is_told_what_changes(rig: RigMap) -> None:
    card = card_of(rig, "cam-101")
    with serving("--site", "field") as server:
        states = []
        async for view in ServedBoard(Reach(server.url, server.token)).follow():
            assert isinstance(view, BoardView)
            node = view.node("cam-101")
            assert node is not None
            states.append(node.state)
            if len(states) == 1:
                assert await posted(server.url, "", word_of(card, "cam-101")) == 200
            if node.state == "done":
                break
        assert states[0] == "unheard"


async def test_a_node_that_shall_blink_is_told_so_with_its_next_report(rig: RigMap) -> None:
    card = card_of(rig, "cam-101")
    with serving("--site", "field") as server:
        await ServedBoard(Reach(server.url, server.token)).blink(card.card_id)
        post = Post(server.url)
        status, raw = post.send("reports", word_of(card, "cam-101"))
        post.close()
        assert (status, read_answer(raw).blink_seconds) == (200, BLINK_SECONDS)
