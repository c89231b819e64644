"""A newer agent on trial, by the real launcher: whatever it does, the node has an agent."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

import autosetup
from autosetup.agents import MOST_TRIES
from tests.integration.autosetup.conftest import Node
from tests.integration.autosetup.launching import NEWER, agent, agents_on, another, with_launcher
from tests.integration.autosetup.upgrades import done_node
from tests.unit.autosetup.sample_payloads import GENERATION, packed

OWN = f"autosetup {autosetup.__version__}\n"
BAD = {
    "raises": "raise RuntimeError('as it loads')",
    "ends at once": "import os; os._exit(0)",
    "fails": "import sys; sys.exit(1)",
    "dies": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "hangs": "import time; time.sleep(3600)",
}


@pytest.fixture(scope="module")
def first(ground: Path) -> Node:
    """A node that is done by its image's own agent."""
    return with_launcher(done_node(ground / "first"))


@pytest.fixture
def done(first: Node, ground: Path) -> Iterator[Node]:
    """One more of them."""
    with TemporaryDirectory(dir=ground) as folder:
        yield another(first, Path(folder))


def run(
    node: Node, *arguments: str, cut_at: int = 0, silent: float = 60
) -> subprocess.CompletedProcess[str]:
    """Call the launcher, as the service does."""
    told = (f"CUT_AT={cut_at}", f"SILENT_SECONDS={silent}")
    return node.execute("env", *told, "/usr/bin/autosetup", *(arguments or ["run"]))


def give(node: Node, version: str = NEWER, **changed: str) -> None:
    """Have the node want a newer agent."""
    agents_on(node).put(version, agent(version, **changed))
    agents_on(node).want(version)


def test_a_good_one_is_proven_by_a_run_and_stays(done: Node) -> None:
    give(done)
    assert run(done).returncode == 0
    assert not agents_on(done).is_on_trial(NEWER)
    assert run(done, "--version").stdout == f"autosetup {NEWER}\n"


@pytest.mark.parametrize("how", BAD)
def test_a_bad_one_is_given_up_in_the_same_run(done: Node, how: str) -> None:
    give(done, __main__=BAD[how])
    ended = run(done, silent=0.5 if how == "hangs" else 60)
    assert ended.returncode == 0, ended.stderr
    assert f"The agent {NEWER} is given up" in ended.stderr
    assert agents_on(done).current() is None
    assert agents_on(done).bad().keys() == {NEWER}
    assert run(done, "--version").stdout == OWN
    warned = {w.code: w.reason for w in done.status.warnings}
    assert NEWER in warned["agent-refused"]


def test_the_agent_before_takes_over_where_there_is_one(done: Node) -> None:
    give(done, "9.0")
    run(done)
    give(done, __main__=BAD["fails"])
    assert run(done).returncode == 0
    assert run(done, "--version").stdout == "autosetup 9.0\n"


def test_a_good_one_whose_files_are_spoiled_gives_way_to_the_images_own(done: Node) -> None:
    give(done)
    run(done)
    place = agents_on(done).place(NEWER) / "autosetup/run.py"
    place.write_bytes(bytes(place.stat().st_size))
    (place.parent / "agent.py").write_bytes(b"\0")
    assert run(done).returncode == 0
    assert run(done, "--version").stdout == OWN
    assert agents_on(done).bad() == {}


def test_people_get_an_answer_from_an_agent_that_does_not_load(done: Node) -> None:
    give(done, __main__=BAD["raises"])
    assert run(done, "status").returncode == 0


def test_one_that_brings_the_node_down_is_tried_thrice(done: Node) -> None:
    give(done, __main__="import os; os.kill(os.getppid(), 9)")
    for _ in range(MOST_TRIES):
        assert run(done).returncode == 128 + signal.SIGKILL
        assert agents_on(done).current() == NEWER
    assert run(done).returncode == 0
    assert agents_on(done).current() is None


def test_one_that_is_told_to_stop_goes_on_with_its_trial_at_the_next_start(done: Node) -> None:
    stopped = "import os, signal, time; os.kill(os.getppid(), signal.SIGTERM); time.sleep(3600)"
    give(done, __main__=stopped)
    for _ in range(MOST_TRIES + 1):
        assert run(done).returncode != 0
    assert agents_on(done).current() == NEWER
    assert agents_on(done).begin_try() == 1


def test_one_that_is_killed_from_outside_is_tried_again_but_not_for_ever(done: Node) -> None:
    give(done, __main__="import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    for _ in range(MOST_TRIES):
        assert run(done).returncode == 128 + signal.SIGKILL
    assert run(done).returncode == 0
    assert agents_on(done).bad().keys() == {NEWER}


def test_wrong_usage_is_not_held_against_a_good_agent(done: Node) -> None:
    give(done)
    run(done)
    assert run(done, "run", "--nonsense").returncode == 2
    assert agents_on(done).current() == NEWER


def test_an_image_that_is_as_new_starts_its_own(done: Node) -> None:
    give(done, "0.0.1")
    assert run(done, "--version").stdout == OWN


def test_a_newer_payload_is_applied_by_the_newer_agent(done: Node) -> None:
    give(done)
    done.insert(packed(generation=GENERATION + 1))
    assert run(done).returncode == 0
    assert (done.status.state, done.status.generation) == ("done", GENERATION + 1)


@pytest.mark.parametrize("moment", range(1, 9))
@pytest.mark.parametrize("how", ["good", "fails"])
def test_a_power_cut_at_any_moment_of_the_trial_ends_the_same(
    done: Node, how: str, moment: int
) -> None:
    give(done, **({} if how == "good" else {"__main__": BAD[how]}))
    was_cut = run(done, cut_at=moment).returncode == 128 + signal.SIGKILL
    assert was_cut or moment > 4
    assert run(done).returncode == 0
    agents = agents_on(done)
    wanted = (NEWER, set()) if how == "good" else (None, {NEWER})
    assert (agents.current(), agents.bad().keys()) == wanted
