"""A central node serves its rig, by dnsmasq and chrony; real clients of both are the judges."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from autosetup.payload import Time, Wired
from autosetup.settings import NodeSettings, Serves
from tests.integration.autosetup.conftest import Node, make_node
from tests.integration.autosetup.rig_network import RigNetwork, rig_network, unpacked
from tests.unit.autosetup.sample_payloads import GENERATION, SETTINGS, packed

CENTRAL: NodeSettings = replace(
    SETTINGS,
    name="central",
    wired=Wired(("10.40.0.1/16",), dns=("10.40.0.1",)),
    time=Time(("192.0.2.1",), serve=True),
    serves=Serves(
        ("10.40.250.1", "10.40.250.9"),
        hosts={"central": "10.40.0.1", "cam-0101": "10.40.1.1", "cam-0102": "10.40.1.2"},
    ),
)
DNSMASQ, CHRONY = "etc/dnsmasq.d/autosetup.conf", "etc/chrony/conf.d/autosetup.conf"
_UNIT = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
# Says what a DHCP client is given.
_GIVEN = """#!/bin/sh
[ $1 != bound ] || echo given $ip/$mask router=$router dns=$dns ntp=$ntpsrv $domain $lease
"""


def make_central(node: Node) -> Node:
    """The node of an image with the layer central-server."""
    unit = node.upper / "usr/lib/systemd/system/dnsmasq.service"
    unit.parent.mkdir(parents=True, exist_ok=True)
    unit.write_text(_UNIT)
    chronyd = node.upper / "usr/sbin/chronyd"
    chronyd.parent.mkdir(parents=True, exist_ok=True)
    chronyd.touch(mode=0o755)
    return node


@pytest.fixture(scope="module")
def central(ground: Path) -> Node:
    """A central node that is done."""
    node = make_central(make_node(ground / "central"))
    node.insert(packed(CENTRAL))
    told = node.run()
    assert told.returncode == 0, told.stdout
    return node


@pytest.fixture(scope="module")
def rig(central: Node, ground: Path) -> Iterator[RigNetwork]:
    """The rig's network, with what the agent made at work on its central node."""
    with ExitStack() as stack:
        network = stack.enter_context(rig_network())
        stack.enter_context(
            network.serving(
                *("central", "dnsmasq", "--keep-in-foreground", "--log-facility=-", "--user=root"),
                *("--no-ping", "--resolv-file=/dev/null", f"--conf-file={central.upper / DNSMASQ}"),
                *("--pid-file=", f"--dhcp-leasefile={ground / 'leases'}"),
                ready="DHCP",
            )
        )
        settings = (central.upper / CHRONY).read_text().splitlines()
        alone = [f"pidfile {ground / 'chronyd.pid'}", "cmdport 0", "bindcmdaddress /"]
        argv = [unpacked("chronyd"), "-d", "-x", "-u", "root", *settings, *alone]
        stack.enter_context(network.serving("central", *argv, ready="Disabled control"))
        yield network


def ask_for_address(rig: RigNetwork, place: str, link: str, folder: Path) -> list[str]:
    """What udhcpc is given; it sets nothing."""
    script = folder / "given.sh"
    script.write_text(_GIVEN)
    script.chmod(0o755)
    client = ["udhcpc", "-i", link, "-s", str(script), "-n", "-q", "-f", "-t", "3", "-T", "1"]
    told = rig.run(place, *client, "-x", "hostname:newcam", "-O", "ntpsrv").stdout
    return [line.removeprefix("given ") for line in told.splitlines() if line[:5] == "given"]


def address_of(rig: RigNetwork, place: str, name: str, server: str = "10.40.0.1") -> list[str]:
    """What a name stands for, as busybox is told."""
    told = rig.run(
        place, "busybox", "nslookup", "-timeout=1", "-retry=1", "-type=a", name, server
    ).stdout
    _, _, answer = told.partition("\n\n")
    return [line.split()[-1] for line in answer.splitlines() if line.startswith("Address")]


def clock_from(rig: RigNetwork, place: str, server: str, folder: Path) -> str:
    """What chrony says of another one's time; it sets nothing."""
    alone = [f"pidfile {folder / 'client.pid'}", "cmdport 0", "bindcmdaddress /"]
    source = f"server {server} iburst maxsamples 1"
    return rig.run(place, unpacked("chronyd"), "-Q", "-t", "2", "-u", "root", source, *alone).stdout


def test_dnsmasq_accepts_its_file_and_starts_with_the_node(central: Node) -> None:
    argv = ["dnsmasq", "--test", f"--conf-file={central.upper / DNSMASQ}"]
    assert subprocess.run(argv, capture_output=True, check=False).returncode == 0
    wants = central.upper / "etc/systemd/system/multi-user.target.wants/dnsmasq.service"
    assert wants.is_symlink()


def test_chrony_accepts_its_files(central: Node) -> None:
    sources = central.upper / "etc/chrony/sources.d/autosetup.sources"
    for path in (central.upper / CHRONY, sources):
        argv = [unpacked("chronyd"), "-p", "-f", str(path)]
        told = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        assert told == path.read_text()
    assert sources.read_text() == "server 192.0.2.1 iburst\n"


def test_whoever_asks_gets_an_address_the_server_of_names_and_time_and_no_router(
    rig: RigNetwork, tmp_path: Path
) -> None:
    (given,) = ask_for_address(rig, "camera", "rig0", tmp_path)
    address, *others = given.split()
    assert address.startswith("10.40.250.")
    assert address.endswith("/16")
    others_expected = ["router=", "dns=10.40.0.1", "ntp=10.40.0.1", "rig.example", "43200"]
    assert others == others_expected
    again = ask_for_address(rig, "camera", "rig0", tmp_path)
    assert again == [given]
    ip = address.removesuffix("/16")
    assert address_of(rig, "camera", "newcam") == [ip]
    assert address_of(rig, "camera", "newcam.rig.example") == [ip]


def test_nobody_on_another_network_gets_an_address(rig: RigNetwork, tmp_path: Path) -> None:
    assert ask_for_address(rig, "office", "office0", tmp_path) == []


@pytest.mark.parametrize("name", ["cam-0102", "cam-0102.rig.example", "CAM-0102.rig.example"])
def test_names_of_fixed_addresses_are_known(rig: RigNetwork, name: str) -> None:
    assert address_of(rig, "camera", name) == ["10.40.1.2"]


def test_the_central_node_is_known_by_the_address_that_others_reach(rig: RigNetwork) -> None:
    assert address_of(rig, "camera", "central") == ["10.40.0.1"]


def test_nobody_on_another_network_is_told_names(rig: RigNetwork) -> None:
    assert address_of(rig, "office", "cam-0102", "192.168.7.1") == []


def test_the_others_get_the_time_though_nobody_knows_the_right_one(
    rig: RigNetwork, tmp_path: Path
) -> None:
    assert "System clock wrong by" in clock_from(rig, "camera", "10.40.0.1", tmp_path)


def test_nobody_on_another_network_is_told_the_time(rig: RigNetwork, tmp_path: Path) -> None:
    assert "System clock" not in clock_from(rig, "office", "192.168.7.1", tmp_path)


def test_an_image_without_the_programs_is_told_before_anything_is_changed(
    fresh: Callable[[], Node],
) -> None:
    node = fresh()
    node.insert(packed(CENTRAL))
    assert node.run().returncode == 1
    assert "lacks dnsmasq" in (node.status.reason or "")
    assert "lacks chrony" in (node.status.reason or "")
    assert not {"etc/hostname", "etc/dnsmasq.d", "etc/chrony"} & node.tree().keys()


def test_a_node_that_serves_no_longer_gives_all_of_it_up(fresh: Callable[[], Node]) -> None:
    node = make_central(fresh())
    node.insert(packed(CENTRAL))
    assert node.run().returncode == 0
    shutil.rmtree(node.card)
    node.insert(packed(SETTINGS, generation=GENERATION + 1))
    assert node.run().returncode == 0
    assert not (node.upper / DNSMASQ).exists()
    assert not (node.upper / CHRONY).exists()
    wants = node.upper / "etc/systemd/system/multi-user.target.wants/dnsmasq.service"
    assert not wants.is_symlink()


def test_a_router_is_named_where_there_is_one_and_other_servers_are_respected(
    fresh: Callable[[], Node],
) -> None:
    node = make_central(fresh())
    wired = Wired(("10.40.0.1/16",), "10.40.0.254")
    serves = replace(CENTRAL.serves or Serves(), dns=("9.9.9.9",), lease_hours=96)
    node.insert(packed(replace(CENTRAL, wired=wired, serves=serves)))
    assert node.run().returncode == 0
    lines = node.read(DNSMASQ).splitlines()
    assert {"dhcp-option=option:router,10.40.0.254", "no-resolv", "server=9.9.9.9"} <= set(lines)
    assert "dhcp-authoritative" not in lines
    argv = ["dnsmasq", "--test", f"--conf-file={node.upper / DNSMASQ}"]
    assert subprocess.run(argv, capture_output=True, check=False).returncode == 0
