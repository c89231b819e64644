"""Nodes on one cable, each with a real avahi on a bus of its own; what one tells, others hear."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import IO

import pytest

from autosetup.browse import read_offered
from autosetup.presence import Neighbour, neighbours
from tests.integration.autosetup.conftest import DRIVER, PROJECT, Node, put_into_board
from tests.unit.autosetup.sample_payloads import packed

_BROWSE = "avahi-browse --resolve --parsable --terminate _autosetup._tcp"
_AVAHI = "org.freedesktop.Avahi / org.freedesktop.Avahi.Server"
# A bus and avahi, then commands as they come; a line of dots ends the answer to each.
_HOUSE = """
exec 2>&1
hostname "$1"
mkdir -p /run/dbus && dbus-daemon --system --fork >/dev/null
avahi-daemon >/run/avahi.log 2>&1 &
until avahi-browse --all --terminate >/dev/null 2>&1; do kill -0 $!; done
while echo ...... && read -r command; do eval "$command"; done
"""


class House:
    """A node that runs, with its end of the cable."""

    def __init__(self, node: Node, name: str, address: str, stack: ExitStack) -> None:
        self.node = node
        inside = node.inside("sh", "-c", _HOUSE, "sh", name)
        wire = 'echo ......; read -r _; ip link set lo up; ip addr add "$1/24" dev wire'
        wire += '; ip link set wire up; shift; exec "$@"'
        self._process = stack.enter_context(
            subprocess.Popen(
                ["unshare", "--net", "--uts", "--", "sh", "-c", wire, "sh", address, *inside],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        stack.callback(self._process.kill)
        self.pid = self._process.pid
        self._answer()

    def start(self) -> None:
        print(file=self._input, flush=True)
        self._answer()

    def do(self, command: str) -> str:
        """Run a command of the shell there; gives what it prints."""
        print(command, file=self._input, flush=True)
        return self._answer()

    def agent(self, *arguments: str) -> str:
        return self.do(self.driving(*arguments))

    def driving(self, *arguments: str) -> str:
        """The command that calls the agent there."""
        (self.node.upper / "driver.py").write_text(DRIVER)
        argv = (sys.executable, "-I", "-S", "-B", "/driver.py", "/mnt", "0", *arguments)
        return " ".join(argv)

    @property
    def _input(self) -> IO[str]:
        assert self._process.stdin
        return self._process.stdin

    def _answer(self) -> str:
        assert self._process.stdout
        lines = list(iter(self._process.stdout.readline, "......\n"))
        assert "" not in lines, "".join(lines)
        return "".join(lines)


@pytest.fixture
def cable(
    fresh: Callable[[], Node],
) -> Iterator[tuple[House, House]]:
    """Two boards with the same payload, at the ends of one cable."""
    with ExitStack() as stack:
        houses = []
        for number, serial in enumerate(("1000aaaa", "1000bbbb"), 1):
            node = fresh()
            node.insert(packed())
            put_into_board(node.upper, serial)
            houses.append(House(node, f"board-{number}", f"192.168.7.{number}", stack))
        one, other = houses
        link = f"ip link add wire netns {one.pid} type veth peer name wire netns {other.pid}"
        subprocess.run(link.split(), check=True)
        one.start()
        other.start()
        yield one, other


def heard(house: House, serial: str) -> list[Neighbour]:
    """Who is in reach, as soon as the board of this serial number says there that it is done."""
    wanted = {f'"serial={serial}"', '"state=done"'}
    while True:
        listed = house.do(_BROWSE)
        if any(wanted <= set(line.replace(";", " ").split()) for line in listed.splitlines()):
            return neighbours(read_offered(listed))


def test_a_node_is_heard_with_its_state_on_the_network(cable: tuple[House, House]) -> None:
    node, laptop = cable
    assert "done" in node.agent("run")
    assert Neighbour("cam-0101", "1000aaaa", "192.168.7.1") in heard(laptop, "1000aaaa")


# avahi 0.8 answers for a record no more if a network goes while it asks whether the name is free.
_RECORD = "/etc/avahi/services/autosetup.service"
# Another avahi may say it in other words: nothing here is waited for without end.
_FORGET = f"""
count() {{ grep -c "$1" /run/avahi.log; }};
until_more() {{
for try in $(seq 500); do if [ $(count "$1") -gt $2 ]; then return; fi; sleep 0.02; done;
}};
joined=$(count "New relevant");
ip link add late type veth peer name end; ip link set late addrgenmode none;
ip address add 10.0.0.1/24 dev late; ip link set end up; ip link set late up;
until_more "New relevant" $joined;
changed=$(count "service changed"); touch -d @$(($(stat -c %Y {_RECORD}) + 1)) {_RECORD};
until_more "service changed" $changed;
ip link delete late; {_BROWSE}
""".replace("\n", " ")
# The network may go too late, or too early.
_TRIES = 30


def test_a_node_that_avahi_answers_for_no_more_is_heard_again(cable: tuple[House, House]) -> None:
    node, laptop = cable
    assert "done" in node.agent("run")
    heard(laptop, "1000aaaa")
    # An avahi that forgets nothing keeps the promise by itself.
    any("=;wire;IPv4" not in node.do(_FORGET) for _ in range(_TRIES))
    node.agent("neighbours")
    heard(laptop, "1000aaaa")
    told = node.do("cat /run/avahi.log")
    node.agent("neighbours")  # it is heard: nothing is told anew
    assert node.do("cat /run/avahi.log") == told


# Looks around while an agent is at work, which alone may tell the record until it ends.
_AT_WORK = """
ip link add deaf type veth peer name end; ip link set deaf multicast off;
ip address add 10.0.0.1/24 dev deaf; ip link set end up; ip link set deaf up;
place=":$(stat -c %i /run/autosetup/lock) ";
flock --no-fork /run/autosetup/lock sleep infinity & agent=$!;
until grep -q "$place" /proc/locks; do kill -0 $agent || break; sleep 0.02; done;
{command} >/dev/null & look=$!;
until grep -e "-> FLOCK" /proc/locks | grep -q "$place"; do kill -0 $look || break; sleep 0.02; done
"""


def test_a_node_that_looks_around_undoes_no_word_of_an_agent_at_work(
    cable: tuple[House, House],
) -> None:
    node, laptop = cable
    assert "done" in node.agent("run")
    heard(laptop, "1000aaaa")
    which, command = f"stat -c %i {_RECORD}", node.driving("neighbours")
    told = node.do(which)
    node.do(_AT_WORK.format(command=command).replace("\n", " "))
    assert node.do(which) == told
    said = node.do(f"sed -i s/state=done/state=failed/ {_RECORD}; {which}")
    node.do("kill $agent; wait $look")
    assert node.do(which) != said
    assert "state=failed" in node.node.read(_RECORD)


def called(house: House, name: str) -> None:
    """Have avahi answer for a name, and wait until it does."""
    house.do(f"busctl call {_AVAHI} SetHostName s {name}")
    house.do(f"until busctl call {_AVAHI} GetState | grep -q 2; do sleep 0.02; done")


def test_a_name_that_another_has_is_said_and_taken_back_once_it_is_free(
    cable: tuple[House, House],
) -> None:
    node, other = cable
    assert "done" in node.agent("run")
    called(node, "board-1-2")  # as avahi does by itself
    called(other, "board-1")
    node.agent("neighbours")
    assert [w.code for w in node.node.status.warnings] == ["name-taken"]
    called(other, "board-2")
    node.agent("neighbours")
    assert not node.node.status.warnings
    assert "192.168.7.1" in other.do("avahi-resolve -4 --name board-1.local")


_RENAME = """
import sys
sys.path.insert(0, sys.argv[1])
from autosetup.presence import rename
from autosetup.system import System
rename(System(), "board-2")
"""
# There is no systemd to start the timer again; what is asked of it is written down.
_WITNESS = """
mkdir -p /run/systemd/system;
printf '#!/bin/sh\\necho "$*" >>/run/asked\\n' >/usr/local/sbin/systemctl;
chmod +x /usr/local/sbin/systemctl
""".replace("\n", " ")


def test_a_new_name_that_the_other_node_still_has_is_looked_for_again_soon(
    cable: tuple[House, House],
) -> None:
    node, other = cable
    node.do(_WITNESS)
    (node.node.upper / "rename.py").write_text(_RENAME)
    told = node.do(f"{sys.executable} -I -S -B /rename.py {PROJECT}; cat /run/asked")
    assert told == "--no-block try-restart autosetup-neighbours.timer\n"
    called(other, "board-1")
    node.do("hostname board-2")
    node.agent("neighbours")  # as the timer does
    assert "192.168.7.1" in other.do("avahi-resolve -4 --name board-2.local")


def test_two_nodes_with_one_name_both_say_so_and_go_on(cable: tuple[House, House]) -> None:
    for house in cable:
        assert "done" in house.agent("run")
    for house, other in zip(cable, ("1000bbbb", "1000aaaa"), strict=True):
        heard(house, other)
        house.agent("neighbours")
        status = json.loads(house.agent("status", "--json"))
        assert (status["state"], status["node"]) == ("done", "cam-0101")
        assert [warned["code"] for warned in status["warnings"]] == ["name-taken"]
        assert other in status["warnings"][0]["reason"]
        assert house.node.status.warnings
