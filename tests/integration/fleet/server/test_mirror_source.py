"""Which source a mirror has: a repository, the server that has it, and never itself."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from autosetup.settings import Update
from flasher.errors import BadInput
from flasher.events import ignore
from flasher.fleet.server.asking import Asking
from flasher.fleet.server.inner import OnceOutside
from flasher.fleet.server.mirror import Manners, Mirror
from flasher.fleet.server.offer import Wanted, offer
from flasher.fleet.server.run import Serving, listen, served
from flasher.fleet.server.source import a_mark, marks_in
from flasher.fleet.server.tls import papers
from flasher.pages import LOOPBACK
from flasher.rig.rigmap import RigMap
from tests.integration.fleet.server.served import METADATA, Upstream, get, mirroring

TIMESTAMP = "metadata/timestamp.json"
OURS = "127.0.0.77"  # where no other test listens
PATIENCE = aiohttp.ClientTimeout(total=25)


async def test_the_address_of_a_server_leads_to_its_repository_too(tmp_path: Path) -> None:
    upstream = Upstream()
    lies_at = f"repository/{TIMESTAMP}"
    upstream.files[lies_at] = METADATA
    async with (
        upstream.served() as source,
        mirroring(source, tmp_path / "mirror", manners=Manners(fresh=0)) as url,
    ):
        for _ in range(2):
            assert await get(f"{url}/{TIMESTAMP}") == (200, METADATA)
        assert upstream.asked == {TIMESTAMP: 1, lies_at: 2}  # once it is known, it is asked there
        upstream.files = {TIMESTAMP: METADATA}
        assert (await get(f"{url}/{TIMESTAMP}"))[0] == 404
        assert await get(f"{url}/{TIMESTAMP}") == (200, METADATA)


@pytest.mark.parametrize("instead", ["refusal", "page"])
async def test_a_server_that_has_more_than_a_repository_leads_to_it_too(
    tmp_path: Path, instead: str
) -> None:
    upstream = Upstream()
    upstream.files = {TIMESTAMP: b"<html>Welcome</html>", f"repository/{TIMESTAMP}": METADATA}
    upstream.refused = {TIMESTAMP} if instead == "refusal" else set()
    async with (
        upstream.served() as source,
        mirroring(source, tmp_path / "mirror", manners=Manners(fresh=0)) as url,
    ):
        await get(f"{url}/{TIMESTAMP}")  # of a page it is known only now that it is one
        for _ in range(2):
            assert await get(f"{url}/{TIMESTAMP}") == (200, METADATA)
        assert upstream.asked[TIMESTAMP] == 1


async def test_a_mirror_that_shall_mirror_itself_says_so_and_holds_nobody(tmp_path: Path) -> None:
    with listen(LOOPBACK, 0) as listener:
        url = f"http://{LOOPBACK}:{listener.getsockname()[1]}/repository"
        wanted = Serving(lambda: Mirror(tmp_path / "mirror", url, 10**6))
        async with (
            served(wanted, listener, ignore),
            aiohttp.ClientSession(timeout=PATIENCE) as client,
            client.get(f"{url}/{TIMESTAMP}") as answer,
        ):
            assert answer.status == 503


async def test_two_mirrors_of_each_other_say_so_and_hold_nobody(tmp_path: Path) -> None:
    with listen(LOOPBACK, 0) as listener:
        laptop = f"http://{LOOPBACK}:{listener.getsockname()[1]}/repository"
        async with mirroring(laptop, tmp_path / "central") as central:
            wanted = Serving(lambda: Mirror(tmp_path / "laptop", central, 10**6))
            async with (
                served(wanted, listener, ignore),
                aiohttp.ClientSession(timeout=PATIENCE) as client,
                client.get(f"{laptop}/{TIMESTAMP}") as answer,
            ):
                assert answer.status == 503


def test_what_others_say_of_loops_goes_no_further() -> None:
    marks = f"{a_mark()}, {a_mark()}"
    assert marks_in(["cloudflare; loops=50", f"{marks}, {'x' * 9000}"]) == marks


async def test_a_file_that_lies_elsewhere_at_the_source_s_own_host_is_found(
    tmp_path: Path,
) -> None:
    upstream = Upstream()
    upstream.files["kept/elsewhere.json"] = METADATA
    async with upstream.served() as source:
        upstream.leads = {TIMESTAMP: "/there", "there": f"{source}/kept/elsewhere.json"}
        async with mirroring(source, tmp_path / "mirror") as url:
            assert await get(f"{url}/{TIMESTAMP}") == (200, METADATA)


@pytest.mark.parametrize(
    "host", [LOOPBACK, "localhost", "127.0.0.1.", "2130706433", "[::ffff:127.0.0.1]"]
)
async def test_no_source_leads_a_mirror_to_the_devices_around_it(tmp_path: Path, host: str) -> None:
    upstream, device = Upstream(), Upstream()
    device.files["reboot"] = METADATA
    async with upstream.served() as source, device.served() as found:
        upstream.leads = {TIMESTAMP: f"http://{host}:{found.rpartition(':')[2]}/reboot"}
        async with mirroring(source, tmp_path / "mirror") as url:
            assert (await get(f"{url}/{TIMESTAMP}"))[0] == 503
    assert not device.asked


async def test_the_name_of_a_source_on_the_internet_never_comes_to_mean_a_device_next_door(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    addresses = {
        "source.example": "9.9.9.9",
        "central.example": "10.0.0.2",
        "central.local": "9.9.9.8",
    }

    def look_up(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (addresses[host], port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    resolver = OnceOutside()
    for name, address in addresses.items():
        assert [each["host"] for each in await resolver.resolve(name, 80)] == [address]
    addresses |= dict.fromkeys(addresses, "192.168.1.1")
    with pytest.raises(OSError, match="whole internet"):
        await resolver.resolve("source.example", 80)
    for name in ("central.example", "central.local"):
        assert [each["host"] for each in await resolver.resolve(name, 80)] == ["192.168.1.1"]


async def test_a_source_that_leads_to_silence_is_not_silent_itself() -> None:
    upstream = Upstream()
    upstream.held = asyncio.Event()
    async with upstream.served() as source:
        upstream.leads = {TIMESTAMP: "/there"}
        asking = Asking(source, patience=aiohttp.ClientTimeout(sock_read=0.2))
        with pytest.raises(aiohttp.ClientConnectionError) as caught:
            await asking.get(f"{source}/{TIMESTAMP}", {})
        assert not isinstance(caught.value, TimeoutError | aiohttp.ClientConnectorError)
        await asking.close()


async def test_an_answer_that_leads_round_and_round_ends(tmp_path: Path) -> None:
    upstream = Upstream()
    upstream.leads = {TIMESTAMP: f"/{TIMESTAMP}"}
    async with upstream.served() as source, mirroring(source, tmp_path / "mirror") as url:
        assert (await get(f"{url}/{TIMESTAMP}"))[0] == 503


async def test_what_was_asked_for_with_tls_comes_with_tls(rig: RigMap, tmp_path: Path) -> None:
    assert rig.secrets.signer
    proof = papers(rig.secrets.signer, [], [LOOPBACK])
    context = ssl.create_default_context(cadata=proof.authority)
    upstream, open_one = Upstream(), Upstream()
    open_one.files[TIMESTAMP] = upstream.files["there"] = METADATA
    async with upstream.served(proof.context) as source, open_one.served() as other:
        upstream.leads = {TIMESTAMP: f"{other}/{TIMESTAMP}", "metadata/1.root.json": "/there"}
        async with mirroring(source, tmp_path / "mirror", context=context) as url:
            assert await get(f"{url}/metadata/1.root.json") == (200, METADATA)
            assert (await get(f"{url}/{TIMESTAMP}"))[0] == 503
    assert not open_one.asked


def test_a_server_that_is_the_source_of_its_own_site_serves_what_repository_says(
    rig: RigMap,
) -> None:
    port = free_port()
    update = Update(site="field", source=f"http://localhost:{port}")
    with offer(Wanted(site=replace(rig.site, update=update), address=OURS, port=port)) as found:
        assert (found.repository, found.source, found.serving.shelf) == ("", "", None)
    with offer(Wanted(site=replace(rig.site, update=update), address=OURS)) as found:
        assert found.serving.shelf


def test_a_mirror_of_itself_is_refused_with_what_to_do() -> None:
    port = free_port()
    with (
        pytest.raises(BadInput) as caught,
        offer(Wanted(upstream=f"http://{OURS}:{port}/repository", address=OURS, port=port)),
    ):
        pass
    assert caught.value.code == "mirrors-itself"
    assert "--repository" in caught.value.hint


def free_port() -> int:
    with socket.create_server((OURS, 0)) as taken:
        return int(taken.getsockname()[1])
