"""`autosetup update` on a real agent: what is released comes into force, or it says why not."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import autosetup
from autosetup.boards import HEARD_BY
from autosetup.counting import begin
from autosetup.rollout_plan import RolloutPlan
from autosetup.update.turns import Asking
from tests.integration.autosetup.conftest import Node, make_node
from tests.integration.autosetup.launching import NEWER, agents_on, with_launcher
from tests.integration.autosetup.releases import serving
from tests.integration.autosetup.updating import (
    AGENT,
    BAD_SCRIPT,
    LIBRARIES,
    NEXT,
    Rig,
    giving_turns,
    make_rig,
    motd,
    payload,
    run,
)
from tests.unit.autosetup.sample_payloads import GENERATION

CAPTURE = """
mkdir -p "$root/run/lock"
(flock {how} 9; sleep 1; echo over > "$root/etc/captured") 9> "$root/run/lock/autosetup-capture" &
while flock --nonblock "$root/run/lock/autosetup-capture" true; do :; done
"""

TAKEN_OVER = """
import sys
sys.path = ["/mnt", *sys.path, sys.argv[1]]
from autosetup.this_node import tools_here
from autosetup.update.apply import Updater
from autosetup.update.sources import sources

def asked(system, update):
    for store in sources(system, update):
        try:
            yield store
        finally:
            print("let go")

Updater(tools_here(), asked, restart=lambda: sys.exit(print("taken over"))).run()
"""


@pytest.fixture
def rig(ground: Path, tmp_path: Path) -> Iterator[Rig]:
    with serving(tmp_path) as server:
        (ground / tmp_path.name).mkdir()
        yield make_rig(ground / tmp_path.name, tmp_path, server)


@pytest.fixture
def node(rig: Rig) -> Iterator[Node]:
    with rig.node() as node:
        yield node


def test_what_is_released_comes_into_force_and_nothing_is_fetched_twice(
    rig: Rig, node: Node
) -> None:
    rig.release()
    ended = run(node)
    assert ended.returncode == 0, ended.stderr
    assert (node.status.state, node.status.generation, motd(node)) == ("done", NEXT, "next\n")
    rig.server.forget()
    assert run(node).stdout == "There is nothing new.\n"
    assert not [path for path in rig.server.asked if "blobs/" in path]


def test_a_bad_one_is_taken_back_and_not_tried_again(rig: Rig, node: Node) -> None:
    rig.release(rig.payload(script=BAD_SCRIPT))
    assert run(node).returncode == 1
    assert (node.status.state, node.status.failed_generation) == ("rolled-back", NEXT)
    assert motd(node) == "first\n"
    assert run(node).stdout == "There is nothing new.\n"
    rig.release(rig.payload(NEXT + 1, b"mended\n"))
    assert run(node).returncode == 0
    assert (node.status.state, motd(node)) == ("done", "mended\n")


def test_one_that_is_withdrawn_is_gone_back_from_and_not_taken_again(rig: Rig, node: Node) -> None:
    rig.release()
    run(node)
    rig.release(withdrawn=(NEXT,))
    run(node)
    assert (node.status.state, node.status.generation) == ("rolled-back", GENERATION)
    assert "by the site" in (node.status.reason or "")
    assert motd(node) == "first\n"
    assert run(node).stdout == "There is nothing new.\n"


def test_a_node_on_which_nothing_was_ever_good_takes_what_follows_a_release_taken_back(
    rig: Rig,
) -> None:
    node = with_launcher(make_node(rig.ground / "never-good"))
    rig.trusted_by(node)
    node.insert(payload(rig.update, GENERATION, b"first\n", script=BAD_SCRIPT))
    assert run(node, "run").returncode == 1
    rig.release(rig.payload(script=BAD_SCRIPT))
    run(node)
    assert (node.status.state, node.status.generation) == ("failed", NEXT)
    rig.release(withdrawn=(NEXT,))
    assert "no good generation" in run(node).stderr
    rig.release(rig.payload(NEXT + 1, b"mended\n"), withdrawn=(NEXT,))
    ended = run(node)
    assert ended.returncode == 0, ended.stderr
    assert (node.status.state, motd(node)) == ("done", "mended\n")


def test_while_the_rollout_is_paused_nothing_is_fetched(rig: Rig, node: Node) -> None:
    rig.release(paused=True)
    assert run(node).stdout == "waiting: The rollout is paused.\n"
    assert not [path for path in rig.server.asked if "blobs/" in path]
    assert motd(node) == "first\n"


def test_before_its_time_a_node_waits(rig: Rig, node: Node) -> None:
    rig.release(released_at="2026-11-21T05:00:00Z", cards=(), spacing_seconds=7 * 86400)
    assert run(node).stdout.startswith("waiting: It is this node's turn at ")


@pytest.mark.parametrize("how", ["--shared", "--exclusive"])
def test_a_capture_is_waited_for(rig: Rig, node: Node, how: str) -> None:
    rig.release(rig.payload(script=b"#!/bin/sh\ncat /etc/captured > /etc/seen\n"))
    (node.folder / "trouble").write_text(CAPTURE.format(how=how))
    assert run(node).returncode == 0
    assert node.read("/etc/seen") == "over\n"


def test_a_node_asks_for_its_turn_until_it_gets_it(ground: Path, tmp_path: Path) -> None:
    later: dict[str, object] = {"granted": False, "wait_seconds": 0, "why": "Others first."}
    granted: dict[str, object] = {"granted": True, "lease_seconds": 900}
    with giving_turns(later, later, granted) as turns, serving(tmp_path) as server:
        (ground / "turns").mkdir()
        rig = make_rig(ground / "turns", tmp_path, server, turns.address)
        rig.release()
        with rig.node() as node:
            assert run(node).returncode == 0
            assert motd(node) == "next\n"
    assert [said["generation"] for said in turns.asked] == [NEXT] * 3
    numbers = [int(str(said["sequence"])) for said in turns.asked]
    assert numbers == sorted(set(numbers))


def test_the_board_that_hears_a_node_gives_its_turn_and_asking_costs_the_card_one_write(
    ground: Path, tmp_path: Path
) -> None:
    later: dict[str, object] = {"granted": False, "wait_seconds": 0, "why": "Others first."}
    granted: dict[str, object] = {"granted": True}
    with (
        giving_turns(granted) as other,
        giving_turns(later, granted) as turns,
        serving(tmp_path) as server,
    ):
        (ground / "heard").mkdir()
        rig = make_rig(ground / "heard", tmp_path, server, other.address)
        rig.release()
        with rig.node() as node:
            told = f'mkdir -p "$root/run/autosetup"; echo {turns.address} > "$root{HEARD_BY}"\n'
            (node.folder / "trouble").write_text(told)
            assert run(node).returncode == 0
            assert motd(node) == "next\n"
    assert not other.asked
    starts = [int(str(said["sequence"])) >> 32 for said in turns.asked]
    assert starts == [1, 1]


def test_a_server_that_is_busy_is_asked_again_later(tmp_path: Path) -> None:
    plan = RolloutPlan("studio", NEXT, "2026-11-22T03:39:50Z")
    key = base64.b64encode(bytes(range(32))).decode()
    with giving_turns({}) as turns:
        asking = Asking("ab" * 16, key, [turns.address], "", lambda: begin(tmp_path, "turns"))
        turn = asking.ask(NEXT, plan)
    assert not turn.granted
    assert turn.seconds > 0


def test_a_newer_agent_comes_first(rig: Rig, node: Node) -> None:
    rig.release_agent()
    ended = run(node)
    assert ended.returncode == 0, ended.stderr
    assert not agents_on(node).is_on_trial(NEWER)
    assert run(node, "--version").stdout == f"autosetup {NEWER}\n"
    assert (node.status.generation, motd(node)) == (NEXT, "next\n")


@pytest.mark.parametrize("module", ["__main__", "run"])
def test_without_an_agent_that_is_bad_the_payload_comes_all_the_same(
    rig: Rig, node: Node, module: str
) -> None:
    rig.release_agent(**{module: "raise RuntimeError('as it loads')"})
    assert run(node).returncode == 0
    assert run(node, "--version").stdout == f"autosetup {autosetup.__version__}\n"
    assert (node.status.state, motd(node)) == ("done", "next\n")
    assert [warned.code for warned in node.status.warnings] == ["agent-refused"]
    assert run(node).stdout == "There is nothing new.\n"


def test_an_agent_that_is_no_package_is_told_and_the_payload_comes(rig: Rig, node: Node) -> None:
    rig.repository.targets["targets"][f"agent/autosetup_{NEWER}_all.deb"] = b"no package"
    rig.release(agent=f"agent/autosetup_{NEWER}_all.deb")
    ended = run(node)
    assert "It is no whole Debian package" in ended.stdout
    assert (ended.returncode, motd(node)) == (0, "next\n")


def test_without_an_agent_that_the_repository_lacks_the_payload_comes_all_the_same(
    rig: Rig, node: Node
) -> None:
    rig.release(agent=AGENT)
    ended = run(node)
    assert ended.returncode == 0, ended.stderr
    assert (node.status.state, motd(node)) == ("done", "next\n")
    assert run(node).stdout == "There is nothing new.\n"


def test_the_agent_of_a_release_that_was_taken_back_goes_to_no_further_node(
    rig: Rig, node: Node
) -> None:
    rig.release_agent(withdrawn=(NEXT,))
    assert run(node).stdout == "There is nothing new.\n"
    assert agents_on(node).current() is None
    # A later one may bring it all the same, also to a node that has no part in that.
    rig.release(agent=AGENT, withdrawn=(NEXT,), generation=NEXT + 1)
    run(node)
    assert agents_on(node).current() == NEWER


def test_whatever_a_source_holds_is_let_go_of_before_the_new_agent_takes_over(
    rig: Rig, node: Node
) -> None:
    rig.release_agent()
    argv = [sys.executable, "-I", "-S", "-B", "-c", TAKEN_OVER, str(LIBRARIES)]
    ended = node.execute(*argv)
    assert ended.stdout.splitlines()[-2:] == ["let go", "taken over"], ended.stderr


def test_where_nothing_answers_the_node_says_so_and_stays_as_it_is(rig: Rig, node: Node) -> None:
    rig.server.faults.word = ""
    rig.server.faults.breaks_off = 0
    ended = run(node)
    assert ended.returncode == 1
    assert "gives no update" in ended.stderr
    assert motd(node) == "first\n"


def test_a_node_whose_root_is_sealed_is_opened_for_what_came_and_its_agent_is_not_lost(
    ground: Path, tmp_path: Path
) -> None:
    (ground / "sealed").mkdir()
    with serving(tmp_path) as server:
        rig = make_rig(ground / "sealed", tmp_path, server, has_data=True)
        rig.release_agent()
        with rig.node() as node:
            (node.folder / "sealed").touch()
            assert "is opened for changes" in run(node).stdout
            assert motd(node) == "first\n"
            assert (node.folder / "data/autosetup/open").exists()
            (node.folder / "sealed").unlink()  # as the initramfs does then
            assert run(node, "run").returncode == 0
            assert (node.status.generation, motd(node)) == (NEXT, "next\n")
            assert run(node, "--version").stdout == f"autosetup {NEWER}\n"
