"""A node finds its site's board by itself: agent, avahi and server, all real, on one cable."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cryptography
import pytest

from autosetup.payload import Secrets
from autosetup.settings import NodeSettings, Update
from flasher.recording import NO_NODE, node_line
from flasher.rig.ledger import Ledger
from flasher.rig.node_payload import CardIdentity
from flasher.rig.rigmap import RigMap
from flasher.rig.site import load_site, save_site
from flasher.rig.site_authority import authority_pem
from tests.integration.autosetup.conftest import DRIVER, PROJECT, Node, put_into_board
from tests.integration.autosetup.test_presence import House
from tests.unit.autosetup.sample_payloads import packed
from tests.unit.rig.whole_rig import load_rig, make_whole_rig

NAME, SERVER = "cam-101", "192.168.7.2"
# On a node it is Debian's package.
_LIBRARIES = Path(cryptography.__file__).parent.parent


@pytest.fixture
def rig(tmp_path: Path) -> RigMap:
    """A rig whose site is this computer's."""
    make_whole_rig(tmp_path / "whole")
    made = load_rig(tmp_path / "whole")
    save_site(made.site, made.secrets)
    site, secrets = load_site("field")
    return replace(made, site=site, secrets=secrets)


def put_card(node: Node, rig: RigMap, authority: str) -> CardIdentity:
    """A card for a node, with the keys that it brings; the ledger has their public halves."""
    identity = CardIdentity.fresh(datetime.now(UTC))
    line = node_line(NO_NODE, rig, rig.find(NAME), identity, "1" * 64)
    Ledger().record(replace(line, result="verified", written_at=datetime.now(UTC).isoformat()))
    settings = NodeSettings(NAME, "camera", update=Update("field", authority=authority))
    secrets = Secrets(bytes(range(32)), report_key=identity.report_key)
    node.insert(packed(settings, secrets, {}, identity.generation, identity.card_id))
    return identity


def beside(house: House, *words: str) -> list[str]:
    """What runs our own program on this computer, with that end of the cable as its network."""
    network = f"--net=/proc/{house.pid}/ns/net"
    return ["nsenter", network, sys.executable, "-m", "flasher", *words, "--json"]


@contextmanager
def serving(house: House) -> Iterator[None]:
    argv = beside(house, "serve", "--site", "field", "--address", SERVER)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as process:
        try:
            assert process.stdout
            assert json.loads(process.stdout.readline())["kind"] == "serving"
            yield
        finally:
            process.terminate()


def told(house: House, *words: str) -> dict[str, Any]:
    """What a command tells a person there."""
    argv = beside(house, *words)
    ended = subprocess.run(argv, capture_output=True, text=True, cwd=PROJECT, check=True)
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


def discovered(house: House, node: House) -> Any:
    """The node as it is found from there; in between its own timer sees to it that it is heard."""
    while not (found := told(house, "discover", "--seconds", "2")["devices"]):
        node.agent("neighbours")
    return found[0]


def test_a_node_tells_the_board_that_it_found_and_is_found_itself(
    fresh: Callable[[], Node], rig: RigMap
) -> None:
    assert rig.secrets.signer
    with ExitStack() as stack:
        node, laptop = (House(fresh(), f"board-{n}", f"192.168.7.{n}", stack) for n in (1, 2))
        identity = put_card(node.node, rig, authority_pem(rig.secrets.signer))
        put_into_board(node.node.upper, "1000aaaa")
        link = f"ip link add wire netns {node.pid} type veth peer name wire netns {laptop.pid}"
        subprocess.run(link.split(), check=True)
        node.start()
        laptop.start()
        assert "done" in node.agent("run")
        stack.enter_context(serving(laptop))
        (node.node.upper / "driver.py").write_text(DRIVER)
        argv = f"{sys.executable} -I -S -B /driver.py /mnt:{_LIBRARIES} 0 report"
        node.do(f"{argv} >/run/said 2>&1 & reporter=$!")
        said = node.do(
            "until grep -q hears /run/said; do kill -0 $reporter; sleep 0.1; done; cat /run/said"
        )
        assert f"The board at https://{SERVER}:" in said
        shown = next(n for n in told(laptop, "board")["nodes"] if n["name"] == NAME)
        assert (shown["state"], shown["generation"]) == ("done", identity.generation)
        assert (shown["card_id"], shown["address"]) == (identity.card_id, "192.168.7.1")
        found = discovered(laptop, node)
        assert (found["told"]["node"], found["told"]["state"]) == (NAME, "done")
        assert found["addresses"][0] == "192.168.7.1"
        assert (found["card"]["card_id"], found["card"]["known_by"]) == (
            identity.card_id,
            "what it says",
        )
