"""A rollout to many nodes: the agents that ship, one mirror with a limit, and trouble on the way.

    sudo .venv/bin/python bench/rollout.py [--nodes 200] [--size 50] [--rate 100] [--json]

Each node is a system of its own in namespaces (see `simulated_rig`), set up by its card; then it
reports by `autosetup report` and comes to a release by `autosetup update`, as its services have it.
The release is made by `flasher release`; its plain files lie on a server that knows nothing of
them, and `flasher serve` mirrors that one over a link of a limited rate. One node in ten sits
behind a link that loses, delays and reorders frames. On the way the server is killed and comes
back, some nodes lose their cable for a while, and two for good.

Told are bytes for each node, the time to the last one against what the link's limit allows, memory
and processor of the server, and who is missing, as the board names them. The command fails unless
every node has the release or is named.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from program import flasher
from simulated_network import LEASH, SERVER, BadLink, network_of
from simulated_rig import SimulatedNode, make_nodes, write_profile, write_site
from simulated_rollout import Course, Rollout
from simulated_server import Server, file_server
from simulated_trouble import Troubles

from flasher.rig.ledger import Ledger
from flasher.rig.profile import load_profile
from flasher.rig.rigmap import lay_out
from flasher.rig.site import add_key, load_site

MIB = 1 << 20
PORT, ORIGIN_PORT = 8421, 8422
_MEMORY = Path("/dev/shm")  # noqa: S108  (a folder of our own below it)
_DATA = "opt/scanner/data.bin"
_ROOT = "etc/autosetup/update/root.json"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is measured.

    Attributes:
        size: of what a release brings to each node, in bytes.
        rate: of the server's link, as tc(8) has it, in Mbit/s.
        at_once: nodes that the rollout allows together.
        trouble: whether anything goes wrong.
        seconds: at most, from the release on.
        pause: at most, between two passes of a node's timer, in seconds; the server is away for
            half of it, and cables are for twice as long.
    """

    nodes: int
    size: int
    rate: int
    at_once: int
    seed: int
    trouble: bool
    seconds: float
    pause: float

    @property
    def far(self) -> range:
        """Those behind the bad link: one in ten."""
        return range(-(-self.nodes // 10) if self.trouble else 0)

    @property
    def least_seconds(self) -> float:
        """What the link's limit allows, were nothing but the files sent."""
        return self.nodes * self.size / (self.rate * 1e6 / 8)


def main() -> int:
    """Measure, tell, and say by the exit code whether each node has it or is named."""
    wanted, as_json = _wanted()
    place = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="rollout-", dir=place) as folder, ExitStack() as stack:
        os.environ["FLASHER_DATA"] = f"{folder}/data"
        bench = Bench(Path(folder), wanted, stack)
        bench.set_up()
        result = bench.measure()
    text = json.dumps(result, indent=1)
    print(text if as_json else _for_people(result))  # noqa: T201
    return 0 if result["all_accounted_for"] else 1


class Bench:
    """The whole of it, in a folder."""

    def __init__(self, folder: Path, wanted: Wanted, stack: ExitStack) -> None:
        self.folder, self.wanted, self.stack = folder, wanted, stack
        self.site = folder / "site"
        self.nodes: list[SimulatedNode] = []
        self.first = 0

    def set_up(self) -> None:
        """Site, repository, and nodes that are done with what their cards brought."""
        profile = write_profile(self.folder / "scanner", self.wanted.nodes, 1024, 1)
        base = f"https://{SERVER}:{PORT}/"
        write_site(self.site, "bench", f"{base}repository/", base)
        add_key(str(self.site))
        flasher("release", "init", self.folder / "repository")
        root = Path(self._root_file()).read_bytes()
        rig = lay_out(load_profile(str(profile)), *load_site(str(self.site)))
        link = BadLink(seed=self.wanted.seed) if self.wanted.trouble else None
        rate = f"{self.wanted.rate}mbit"
        made = network_of(self.wanted.nodes, self.wanted.far, rate=rate, link=link)
        self.network = self.stack.enter_context(made)
        self.nodes = make_nodes(self.folder / "nodes", rig, self.network, Ledger(), {_ROOT: root})
        begun = time.monotonic()
        for node in self.nodes:
            node.switch_on()
            self.stack.callback(node.switch_off)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            ends = pool.map(lambda node: node.run("run")[1], self.nodes)
            for node, told in zip(self.nodes, ends, strict=True):
                assert node.status is not None, told
                assert node.status.state == "done", told
        say(f"{len(self.nodes)} nodes are set up in {time.monotonic() - begun:.0f} s")

    def measure(self) -> dict[str, object]:
        """Release, and watch."""
        origin, server = self._origin(), self._server()
        for each in (origin, server):
            each.start()
            self.stack.callback(each.kill)
        self.stack.enter_context(_reporting(self.nodes))
        write_profile(self.folder / "scanner", self.wanted.nodes, self.wanted.size, 2)
        generation = self._release()
        rollout = Rollout(self.nodes, generation, seed=self.wanted.seed, pause=self.wanted.pause)
        rollout.at_once, rollout.settled = self.wanted.at_once + 20, self._judge
        troubles = Troubles(self.network, server, self.wanted.pause, say)

        def look(rollout: Rollout) -> bool:
            server.look()
            return not self.wanted.trouble or troubles.look(rollout)

        say(f"generation {generation} is published")
        rollout.run(self.wanted.seconds, look, lambda node: node in troubles.lost)
        troubles.end(rollout)
        lost = {node.node.name for node in troubles.lost}
        done = {course.node.node.name for course in rollout.done}
        named = self._named(generation, done - lost)
        asked = origin.log.read_text().count('" 200 -')
        return _result(self.wanted, rollout, server, troubles, named) | {"origin_answers": asked}

    def _judge(self, course: Course) -> None:
        """Compare what is installed; then make room, for there are many nodes in this memory."""
        installed = course.node.upper / _DATA
        with installed.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").digest()
        with (self.folder / "scanner/data.bin").open("rb") as file:
            assert found == hashlib.file_digest(file, "sha256").digest(), course.node.node.name
        for path in course.node.upper.rglob("*"):
            if path.is_file() and not path.is_symlink() and path.stat().st_size >= self.wanted.size:
                path.unlink()

    def _named(self, generation: int, done: set[str]) -> list[str]:
        """Nodes that the board tells not to have it, once it has heard of all that do.

        One that has it, but was cut off before it could say so, is named too.
        """
        path = self.folder / "data/fleet/bench/board.json"
        until = time.monotonic() + 120
        while True:
            nodes = json.loads(path.read_bytes())["nodes"] if path.exists() else []
            lacking = [n["name"] for n in nodes if n.get("generation", 0) != generation]
            if (nodes and not done.intersection(lacking)) or time.monotonic() > until:
                return lacking
            time.sleep(1)

    def _release(self) -> int:
        words = ["--scanner", str(self.folder / "scanner"), "--site", str(self.site)]
        words += ["--at-once", str(self.wanted.at_once), "--spacing", "0", "--publish"]
        told = flasher("release", "new", *words)
        flasher("release", "publish", "--to", self.folder / "origin")
        return int(str(told["generation"]))

    def _origin(self) -> Server:
        (self.folder / "origin").mkdir()
        argv = file_server(self.folder / "origin", ORIGIN_PORT)
        argv = [*LEASH, *self.network.argv("server", *argv)]
        return Server(argv, self.folder / "origin.log")

    def _server(self) -> Server:
        words = ["serve", "--site", str(self.site), "--scanner", str(self.folder / "scanner")]
        words += ["--upstream", f"http://127.0.0.1:{ORIGIN_PORT}", "--address", SERVER]
        argv = [sys.executable, "-m", "flasher", *words, "--port", str(PORT), "--json"]
        argv = [*LEASH, *self.network.argv("server", *argv)]
        return Server(argv, self.folder / "server.log")

    def _root_file(self) -> str:
        return str(flasher("release", "show")["root_file"])


@contextmanager
def _reporting(nodes: Sequence[SimulatedNode]) -> Iterator[None]:
    """Each node's service that reports."""
    running = []
    try:
        running += [node.start("report", quiet=True) for node in nodes]
        yield
    finally:
        for child in running:
            child.kill()
        for child in running:
            child.wait()


def _result(
    wanted: Wanted, rollout: Rollout, server: Server, troubles: Troubles, named: list[str]
) -> dict[str, object]:
    done = rollout.done
    received = [course.received for course in done]
    lacking = {c.node.node.name for c in rollout.courses if c.seconds is None}
    lost = {node.node.name for node in troubles.lost}
    last = max((course.seconds or 0 for course in done), default=0)
    return {
        "nodes": wanted.nodes,
        "done": len(done),
        "named": named,
        "lost": sorted(lost),
        "all_accounted_for": bool(done) and lacking <= {*named} <= lacking | lost,
        "size": wanted.size,
        "bytes_median": round(statistics.median(received)) if done else 0,
        "bytes_most": max(received, default=0),
        "seconds_to_last": round(last, 1),
        "seconds_of_the_limit": round(wanted.least_seconds, 1),
        "ratio": round(last / wanted.least_seconds, 2),
        "passes": sum(course.passes for course in rollout.courses),
        "server_peak_mib": round(server.peak / MIB, 1),
        "server_cpu_seconds": round(server.cpu, 1),
        "server_cpu_of_a_core": round(server.cpu / rollout.took, 3),
        "troubles": troubles.told,
        "last_words": {
            c.node.node.name: c.last for c in rollout.courses if c.node.node.name in lacking
        },
    }


def _for_people(result: dict[str, object]) -> str:
    return "\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in result.items())


def _wanted() -> tuple[Wanted, bool]:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--nodes", type=int, default=200)
    parser.add_argument("--size", type=float, default=50, help="MB of a release (%(default)s)")
    parser.add_argument("--rate", type=int, default=100, help="Mbit/s of the server's link")
    parser.add_argument("--at-once", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-trouble", action="store_true")
    parser.add_argument("--seconds", type=float, default=3600, help="at most, from the release on")
    parser.add_argument("--pause", type=float, default=10, help="seconds of a node's timer")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    wanted = Wanted(
        nodes=args.nodes,
        size=round(args.size * 1e6),
        rate=args.rate,
        at_once=args.at_once,
        seed=args.seed,
        trouble=not args.no_trouble,
        seconds=args.seconds,
        pause=args.pause,
    )
    return wanted, args.json


def say(text: str) -> None:
    """A line about how it goes, beside the result."""
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
