"""What a rig costs its server: nodes that report once a second over TLS, while somebody looks.

    .venv/bin/python bench/board.py [NODES] [SECONDS]

The server is the program itself; its CPU time, by the reports that it answered meanwhile, and its
memory are what the kernel counts for it. The nodes are one other process with a connection each,
which signed their reports beforehand.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import psutil

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT))

if TYPE_CHECKING:
    from autosetup.report import Report

_SITE = "bench"
# Of loopback, and yet no address that counts as this computer alone: it has TLS.
_ADDRESS = "127.0.0.2"
_WARM_SECONDS = 5
_PROFILE = "body-16x7"


def prepare(nodes: int) -> list[tuple[str, str, str]]:
    """A site and the cards of its rig; card, name and private key of each."""
    from flasher.recording import NO_NODE, node_line
    from flasher.rig.ledger import Ledger
    from flasher.rig.node_payload import CardIdentity
    from flasher.rig.profile import load_profile
    from flasher.rig.rigmap import lay_out
    from flasher.rig.site import load_site, save_site

    site, secrets = load_site("demo")
    save_site(replace(site, name=_SITE), secrets)
    rig = lay_out(load_profile(_PROFILE), *load_site(_SITE))
    ledger, cards = Ledger(), []
    now = datetime.now(UTC)
    for number in range(nodes):
        # Rigs may be larger than the profile: further nodes have names of their own.
        node = rig.nodes[number] if number < len(rig.nodes) else None
        identity = CardIdentity.fresh(now)
        line = node_line(NO_NODE, rig, node or rig.nodes[-1], identity, "1" * 64)
        name = node.name if node else f"more-{number}"
        ledger.record(replace(line, node=name, result="verified", written_at=now.isoformat()))
        cards.append((identity.card_id, name, identity.report_key))
    return cards


def _report(card_id: str, name: str, second: int) -> Report:
    """What a node says of itself in a second while it is being set up."""
    from autosetup.report import Report

    return Report(
        card_id,
        name,
        (1 << 32) | second,
        "applying",
        step="packages",
        step_number=1 + second % 9,
        step_count=9,
        generation=1_795_000_000,
        agent_version="0.1.0",
        image_digest="2" * 64,
        serial="10000000abcdef01",
        model="Raspberry Pi 4 Model B Rev 1.4",
        uptime_seconds=second,
        time_ms=int(datetime.now(UTC).timestamp() * 1000),
        temperature_c=50 + second % 20,
        free_bytes=10**9 + second,
        addresses=("192.168.7.10",),
        update=f"fetching {second} of 99",
    )


class Node:
    """One node: its connection is kept, and its reports say what changes from second to second."""

    def __init__(self, card: tuple[str, str, str], seconds: int) -> None:
        from autosetup.report import write_envelope

        card_id, name, key = card
        self.answered = self.refused = 0
        self.longest = 0.0
        told = (_report(card_id, name, second) for second in range(seconds))
        self.envelopes = [write_envelope(report, key) for report in told]

    async def speak(self, url: str, context: ssl.SSLContext | None, delay: float) -> None:
        """Report once a second."""
        connector = aiohttp.TCPConnector(ssl=context or True, limit=1)
        loop = asyncio.get_running_loop()
        async with aiohttp.ClientSession(connector=connector) as session:
            begun = loop.time() + delay
            for second, envelope in enumerate(self.envelopes):
                await asyncio.sleep(max(0.0, begun + second - loop.time()))
                sent = loop.time()
                async with session.post(f"{url}/reports", data=envelope) as answer:
                    await answer.read()
                    self.refused += answer.status != 200
                self.answered += 1
                if second >= _WARM_SECONDS:
                    self.longest = max(self.longest, loop.time() - sent)


async def measure(server: psutil.Process, told: dict[str, str], nodes: list[Node]) -> None:
    """Have all speak for the time that they have reports for, and tell what it cost."""
    context = ssl.create_default_context(cafile=told["authority"])
    seconds = len(nodes[0].envelopes)
    before = server.memory_info().rss
    viewer = asyncio.create_task(_look(told, context))
    talk = asyncio.gather(
        *(node.speak(told["url"], context, i / len(nodes)) for i, node in enumerate(nodes))
    )
    await asyncio.sleep(_WARM_SECONDS)
    cpu, answered = sum(server.cpu_times()[:2]), sum(node.answered for node in nodes)
    await asyncio.sleep(seconds - _WARM_SECONDS - 1)
    used = sum(server.cpu_times()[:2]) - cpu
    reports, after = sum(node.answered for node in nodes) - answered, server.memory_info().rss
    await talk
    viewer.cancel()
    result = {
        "nodes": len(nodes),
        "ms_of_cpu_per_report": round(1000 * used / reports, 2),
        "percent_of_a_core_at_one_a_second": round(100 * used / reports * len(nodes), 1),
        "memory_before_mb": round(before / 1e6, 1),
        "memory_after_mb": round(after / 1e6, 1),
        "kb_per_node": round((after - before) / 1e3 / len(nodes), 1),
        "longest_answer_ms": round(1000 * max(node.longest for node in nodes)),
        "refused": sum(node.refused for node in nodes),
    }
    sys.stdout.write(json.dumps(result) + "\n")


async def _look(told: dict[str, str], context: ssl.SSLContext) -> None:
    token = told["entrance"].partition("token=")[2]
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{told['url']}/events", ssl=context) as answer,
    ):
        async for _ in answer.content.iter_any():
            pass


def main() -> None:
    """Measure one rig."""
    numbers = [int(word) for word in sys.argv[1:]]
    nodes, seconds = (numbers + [200, 40][len(numbers) :])[:2]
    with tempfile.TemporaryDirectory(prefix="bench-board-") as folder:
        os.environ |= {"FLASHER_DATA": f"{folder}/data", "FLASHER_CACHE": f"{folder}/cache"}
        cards = prepare(nodes)
        speakers = [Node(card, seconds) for card in cards]
        argv = [sys.executable, "-m", "flasher", "serve", "--site", _SITE, "--json"]
        argv += ["--address", _ADDRESS, "--port", "0"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as process:
            assert process.stdout is not None
            try:
                told = json.loads(process.stdout.readline())
                asyncio.run(measure(psutil.Process(process.pid), told, speakers))
            finally:
                process.terminate()


if __name__ == "__main__":
    main()
