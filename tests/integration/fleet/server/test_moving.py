"""A server whose computer goes from one network to another."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from flasher.events import Event, Noted, ignore
from flasher.fleet.server.offer import Wanted, offer
from flasher.fleet.server.run import served
from flasher.fleet.server.whereabouts import Whereabouts, followed
from flasher.rig.rigmap import RigMap
from tests.integration.fleet.server.rigged import card_of, posted, word_of
from tests.integration.fleet.server.served import get

OLD, NEW = "10.91.1.1", "10.92.1.1"
_PLACE = """
set -e
ip link set lo up
ip link add at-home type veth peer name around
ip link set at-home up
ip link set around up
[ -z "$0" ] || ip address add $0/24 dev at-home
exec "$@"
"""
# Waits until somebody on the network is told of the server at an address.
_HEARD = """
import sys
from zeroconf import IPVersion, ServiceBrowser, Zeroconf
import threading
wanted, heard = sys.argv[1], threading.Event()
def note(zeroconf, service_type, name, state_change):
    info = zeroconf.get_service_info(service_type, name)
    if info and wanted in info.parsed_addresses():
        heard.set()
with Zeroconf(interfaces=[wanted], ip_version=IPVersion.V4Only) as zeroconf:
    ServiceBrowser(zeroconf, "_flasher._tcp.local.", handlers=[note])
    assert heard.wait(30)
"""
_POSTED = """
import sys
from autosetup.post import Post
print(Post(sys.argv[1], open(sys.argv[2]).read()).send("reports", sys.stdin.buffer.read())[0])
"""
_LOOKED = """
import asyncio, sys
from flasher.fleet.board.feed import Reach, ServedBoard
print(asyncio.run(ServedBoard(Reach(*sys.argv[1:3], open(sys.argv[3]).read())).once()).site)
"""


@dataclass(frozen=True, slots=True)
class Laptop:
    """`flasher serve` in a network of its own."""

    process: subprocess.Popen[str]

    def told(self) -> dict[str, str]:
        """Where it says that it is; waits for it to say so."""
        assert self.process.stdout
        told: dict[str, str] = json.loads(self.process.stdout.readline())
        return told

    def run(self, *argv: str, given: bytes = b"") -> str:
        """What a program in the same network prints."""
        door = ["nsenter", f"--net=/proc/{self.process.pid}/ns/net"]
        done = subprocess.run([*door, *argv], input=given, stdout=subprocess.PIPE, check=True)
        return done.stdout.decode().strip()

    def python(self, code: str, *words: str, given: bytes = b"") -> str:
        return self.run(sys.executable, "-c", code, *words, given=given)


@contextmanager
def laptop(*words: str, address: str = OLD) -> Iterator[Laptop]:
    argv = ["unshare", "--net", "sh", "-c", _PLACE, address]
    argv += [sys.executable, "-m", "flasher", "serve", "--lan", "--port", "0", *words, "--json"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Laptop(process)
        finally:
            process.kill()


def test_after_the_laptop_joins_another_network_nodes_and_people_find_it_there(
    rig: RigMap,
) -> None:
    card = card_of(rig, "cam-101")
    with laptop("--site", "field") as here:
        before = here.told()
        assert before["url"].startswith(f"https://{OLD}:")
        here.python(_HEARD, OLD)
        here.run("ip", "address", "add", f"{NEW}/24", "dev", "at-home")
        here.run("ip", "address", "del", f"{OLD}/24", "dev", "at-home")
        after = here.told()
        while OLD in after["entrance"]:  # both addresses were there for a moment
            after = here.told()
        assert after["entrance"] == before["entrance"].replace(OLD, NEW)
        here.python(_HEARD, NEW)
        url, authority = after["url"], after["authority"]
        token = after["entrance"].partition("token=")[2]
        assert here.python(_POSTED, url, authority, given=word_of(card, "cam-101")) == "200"
        assert here.python(_LOOKED, url, token, authority) == "field"


async def test_a_new_address_of_the_computer_is_its_own_and_a_strangers_name_for_it_is_not(
    rig: RigMap,
) -> None:
    wanted = Wanted(site=rig.site, signer=rig.secrets.signer, on_lan=True)
    with offer(wanted) as found:
        plain = replace(found.serving, whereabouts=None, context=None)
        token = found.entrance.partition("token=")[2]
        async with served(plain, found.listener, ignore):
            port = found.listener.getsockname()[1]
            board, own = f"http://127.0.0.9:{port}/board.json", {"Authorization": f"Bearer {token}"}
            assert (await get(board, **own))[0] == 200
            for stranger in (
                "rebound.example",
                f"rebound.example:{port}",
                "127.0.0.9",
                "127.0.0.8",
            ):
                assert (await get(board, **own, Host=stranger))[0] == 403


async def test_the_certificate_and_what_people_are_told_follow_the_address(rig: RigMap) -> None:
    card, addresses = card_of(rig, "cam-101"), ["127.0.0.8"]
    wanted = Wanted(site=rig.site, signer=rig.secrets.signer, on_lan=True)
    with offer(wanted) as found:
        assert found.serving.whereabouts is not None
        told: asyncio.Queue[str] = asyncio.Queue()
        certify = found.serving.whereabouts.moved

        def moved(there: tuple[str, ...]) -> None:
            certify(there)
            told.put_nowait(found.at(there).url)

        followed = replace(
            found.serving.whereabouts,
            look=lambda: tuple(addresses),
            announcement=None,
            moved=moved,
            seconds=0.01,
        )
        authority = Path(found.authority).read_text()
        async with served(replace(found.serving, whereabouts=followed), found.listener, ignore):
            for sequence, address in enumerate(("127.0.0.8", "127.0.0.9"), 1):
                addresses[:] = [address]
                url = await told.get()
                assert address in url
                assert await posted(url, authority, word_of(card, "cam-101", sequence)) == 200


def test_a_server_that_began_without_a_network_is_found_on_the_first_one() -> None:
    with laptop("--upstream", "http://127.0.0.1:1", "--for", "field", address="") as here:
        assert "127.0.0.1" in here.told()["repository"]
        here.run("ip", "address", "add", f"{NEW}/24", "dev", "at-home")
        assert NEW in here.told()["repository"]
        here.python(_HEARD, NEW)


async def test_what_cannot_be_done_at_an_address_is_told_once_and_tried_again() -> None:
    told, gone, tries = list[Event](), asyncio.Event(), 0

    def moved(_: tuple[str, ...]) -> None:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise OSError("the disk is full")
        gone.set()

    whereabouts = Whereabouts(
        here=(OLD,), look=lambda: (NEW,), announcement=None, moved=moved, seconds=0.001
    )
    async with followed(whereabouts, told.append):
        await gone.wait()
    assert [event.text for event in told if isinstance(event, Noted)] == [
        "Nodes do not find this server by themselves: the disk is full"
    ]


async def test_a_look_that_fails_again_and_again_is_repeated_until_one_does_not() -> None:
    told, moved, looks = list[Event](), asyncio.Queue[tuple[str, ...]](), 0

    def look() -> tuple[str, ...]:
        nonlocal looks
        looks += 1
        if looks < 4:
            raise OSError("No such device")
        return (NEW,)

    whereabouts = Whereabouts((OLD,), look, moved=moved.put_nowait, seconds=0.001)
    async with asyncio.timeout(20), followed(whereabouts, told.append):
        assert await moved.get() == (NEW,)
    assert len(told) == 1
