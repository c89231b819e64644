"""`flasher discover` on a network of its own: a switch, a laptop, and Pis."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import flasher
from flasher.rig.ledger import Ledger
from tests.unit.fleet.test_discovery import card

_PROJECT = Path(flasher.__file__).parent.parent
# Name, network address, and address of IPv4: the last one has IPv6 alone.
OTHERS = (
    ("pi1", "b8:27:eb:00:00:01", "10.77.0.11"),
    ("pi2", "dc:a6:32:00:00:02", "10.77.0.200"),
    ("pc", "52:54:00:00:00:03", "10.77.0.5"),
    ("pi3", "2c:cf:67:00:00:04", ""),
)
_LAN = """
set -e
mount -t tmpfs none /run
mkdir /run/netns
for name in switch laptop pi1 pi2 pc pi3; do
    ip netns add $name
    ip netns exec $name sysctl -qw net.ipv6.conf.default.accept_dad=0
    [ $name = switch ] || ip link add name lan0 netns $name type veth peer name $name netns switch
done
ip -n switch link add name lan type bridge
ip -n switch link set lan up
for name in laptop pi1 pi2 pc pi3; do
    ip -n switch link set $name master lan up
done
ip -n laptop address add 10.77.0.1/24 dev lan0
ip -n laptop link set lan0 up
while read -r name mac address; do
    ip -n $name link set lan0 address $mac up
    [ -z "$address" ] || ip -n $name address add $address/24 dev lan0
done
for name in laptop pi3; do
    until ip -n $name -6 address show dev lan0 -tentative scope link | grep -q inet6; do
        sleep 0.02
    done
done
echo ready
exec sleep infinity
"""


class Lan:
    """The namespaces that a process holds."""

    def __init__(self, holder: int, data: Path) -> None:
        self._holder, self._data = holder, data

    def discover(self, *words: str, capable: bool = True) -> dict[str, Any]:
        """What the command tells there; without any of root's rights where not `capable`."""
        network = f"/proc/{self._holder}/root/run/netns/laptop"
        argv = ["nsenter", f"--net={network}"]
        if not capable:
            argv += ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
        argv += [sys.executable, "-m", "flasher", "discover", "--json", "--seconds", "1", *words]
        found = subprocess.run(
            argv,
            cwd=_PROJECT,
            env={"FLASHER_DATA": str(self._data), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert found.returncode == 0, found.stdout + found.stderr
        answer: dict[str, Any] = json.loads(found.stdout)
        return answer


@contextmanager
def network(data: Path) -> Iterator[Lan]:
    argv = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _LAN]
    lines = "".join(" ".join(filter(None, other)) + "\n" for other in OTHERS)
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as outside:
        try:
            assert outside.stdin
            assert outside.stdout
            outside.stdin.write(lines)
            outside.stdin.close()
            assert outside.stdout.readline() == "ready\n"
            children = Path(f"/proc/{outside.pid}/task/{outside.pid}/children").read_text()
            yield Lan(int(children.split()[0]), data)
        finally:
            outside.kill()


@pytest.fixture(scope="module")
def lan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lan]:
    data = tmp_path_factory.mktemp("data")
    ledger = Ledger(data / "ledger.sqlite")
    ledger.record(card("cam-0101", "10.77.0.11"))
    ledger.record(card("cam-0102", "10.77.0.12"))
    with network(data) as found:
        yield found
    shutil.rmtree(data)


def by_mac(answer: dict[str, Any]) -> dict[str, Any]:
    return {mac: device for device in answer["devices"] for mac in device["macs"]}


def test_every_pi_is_found_by_its_network_address_ours_first(lan: Lan) -> None:
    answer = lan.discover()
    found = by_mac(answer)
    assert set(found) == {mac for name, mac, _ in OTHERS if name != "pc"}
    assert found["b8:27:eb:00:00:01"]["card"]["node"] == "cam-0101"
    assert answer["devices"][0]["addresses"][0] == "10.77.0.11"
    assert "10.77.0.200" in found["dc:a6:32:00:00:02"]["addresses"]
    assert found["2c:cf:67:00:00:04"]["addresses"][0].startswith("fe80:")
    assert [node["node"] for node in answer["missing"]] == ["cam-0102"]
    assert (answer["networks"], answer["could_not"]) == (["10.77.0.0/24"], [])


def test_without_any_right_what_could_not_be_done_is_said(lan: Lan) -> None:
    answer = lan.discover(capable=False)
    assert {"b8:27:eb:00:00:01", "dc:a6:32:00:00:02"} <= set(by_mac(answer))
    assert ["IPv6" in line for line in answer["could_not"]] == [True]
