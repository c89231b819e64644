"""What is made of what was heard and seen on the local network."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from flasher.errors import BadInput
from flasher.fleet.discovery.blocks import blocks, is_raspberry_pi
from flasher.fleet.discovery.devices import Device, devices, missing
from flasher.fleet.discovery.links import Link, Neighbour, asked_through, links, neighbours
from flasher.fleet.discovery.mdns import NODE, WORKSTATION, Announced
from flasher.rig.entry import Entry

PI, PC = "b8:27:eb:00:00:01", "52:54:00:00:00:01"


def card(node: str, address: str = "", site: str = "studio") -> Entry:
    card_id = hashlib.md5(f"{site} {node}".encode(), usedforsecurity=False).hexdigest()
    return Entry(
        *("2026-11-21T03:39:50+00:00", "body-16x7", site, node, "SEG1-CAM1", 7, card_id),
        *("/dev/sdx", "", "", 0, 0.0, "verified", ""),
        role="camera",
        address=address,
    )


def told(name: str, state: str, kind: str = "inet", address: str = "10.0.0.1", prefix: int = 24):
    infos = [{"family": kind, "local": address, "prefixlen": prefix}]
    return {"ifname": name, "flags": state.split(), "addr_info": infos}


def one(found: tuple[Device, ...]) -> Device:
    (device,) = found
    return device


def test_raspberry_pis_blocks_are_all_that_the_registry_of_this_system_knows() -> None:
    """The package ieee-data has the registry as it was when the system came out."""
    with Path("/usr/share/ieee-data/oui.csv").open(encoding="utf-8", newline="") as file:
        registry = {
            row["Assignment"].lower()
            for row in csv.DictReader(file)
            if "raspberry pi" in row["Organization Name"].lower()
        }
    assert registry
    assert registry <= {block.replace(":", "") for block in blocks()}
    assert is_raspberry_pi(PI.upper())
    assert not is_raspberry_pi(PC)


def test_what_a_node_says_its_name_and_its_hardware_are_one_line() -> None:
    heard = [
        Announced(NODE, "cam-0101", "cam-0101.local", ("10.0.0.7",), {"node": "cam-0101"}),
        Announced("_ssh._tcp.local.", "cam-0101", "cam-0101.local", ("fe80::7",)),
        Announced(WORKSTATION, f"cam-0101 [{PI}]", "cam-0101.local", ()),
    ]
    seen = [Neighbour("10.0.0.7", PI, "eth0"), Neighbour("fe80::7", PI, "eth0")]
    found = one(devices(heard, seen, [card("cam-0101")]))
    assert (found.name, found.addresses, found.macs) == (
        "cam-0101",
        ("10.0.0.7", "fe80::7"),
        (PI,),
    )
    assert found.is_pi
    assert found.card
    assert (found.card.node, found.card.known_by) == ("cam-0101", "what it says")


@pytest.mark.parametrize(
    ("heard", "known_by"),
    [
        ([], "its address"),
        ([Announced("_ssh._tcp.local.", "x", "cam-0101.local", ("10.0.0.7",))], "its name"),
        ([Announced(NODE, "x", "x.local", ("10.0.0.7",), {"node": "cam-0101"})], "what it says"),
        ([Announced(NODE, "x", "x.local", ("10.0.0.7",), {"node": "other"})], None),
        ([Announced("_ssh._tcp.local.", "x", "other.local", ("10.0.0.7",))], None),
    ],
)
def test_a_node_is_known_by_what_it_says_before_its_name_and_that_before_its_place(
    heard: list[Announced], known_by: str | None
) -> None:
    found = one(devices(heard, [Neighbour("10.0.0.7", PI, "eth0")], [card("cam-0101", "10.0.0.7")]))
    assert (found.card and found.card.known_by) == known_by


def test_other_computers_and_this_one_are_not_shown() -> None:
    heard = [Announced("_ssh._tcp.local.", "nas", "nas.local", ("10.0.0.3",))]
    seen = [Neighbour("10.0.0.3", PC, "eth0"), Neighbour("10.0.0.1", PI, "eth0")]
    assert devices(heard, seen, [], own=["10.0.0.1"]) == ()


def test_a_pi_of_somebody_else_is_shown_after_ours() -> None:
    seen = [Neighbour("10.0.0.3", PI, "eth0"), Neighbour("10.0.0.7", PC, "eth0")]
    found = devices([], seen, [card("cam-0101", "10.0.0.7")])
    assert [bool(device.card) for device in found] == [True, False]
    assert [device.is_pi for device in found] == [False, True]


def test_nodes_are_missing_of_rigs_that_are_here() -> None:
    cards = [card("cam-0101", "10.0.0.7"), card("cam-0102"), card("cam-0101", site="elsewhere")]
    found = devices([], [Neighbour("10.0.0.7", PI, "eth0")], cards)
    assert [gone.node for gone in missing(found, cards)] == ["cam-0102"]
    assert [gone.site for gone in missing(found, cards, "elsewhere")] == ["elsewhere"]
    assert missing((), cards) == ()


def test_only_interfaces_with_neighbours_are_looked_at() -> None:
    listed = [
        told("lo", "LOOPBACK UP", address="127.0.0.1", prefix=8),
        told("eth0", "UP"),
        told("wlan0", "", address="10.1.0.1"),
        told("docker0", "UP", address="172.17.0.1", prefix=16),
        told("wg0", "UP NOARP", address="10.2.0.1"),
        {"ifname": "odd"},
        {"ifname": "odder", "flags": ["UP"], "addr_info": [{"local": "nonsense"}, 7]},
    ]
    assert [link.name for link in links(listed)] == ["eth0", "odder"]
    assert [link.name for link in links(listed, ["docker0"])] == ["docker0"]
    with pytest.raises(BadInput, match="wlan0 is no network interface that is up"):
        links(listed, ["wlan0"])


@pytest.mark.parametrize(
    ("address", "prefix", "count", "is_whole"),
    [("10.0.0.1", 24, 253, True), ("10.0.5.1", 22, 1021, True), ("10.9.9.9", 8, 1021, False)],
)
def test_a_large_network_is_asked_through_around_the_own_address(
    address: str, prefix: int, count: int, *, is_whole: bool
) -> None:
    (link,) = links([told("eth0", "UP", address=address, prefix=prefix)])
    asked, left_out = asked_through(link)
    assert len(asked) == count
    assert address not in asked
    assert bool(left_out) != is_whole


def test_a_line_between_two_is_no_network() -> None:
    (link,) = links(
        [
            told("ppp0", "UP", prefix=32),
        ]
    )
    assert asked_through(link) == ((), ())
    assert link == Link("ppp0", (), has_ipv6=False, addresses=("10.0.0.1",))


def test_neighbours_are_those_that_answered_there() -> None:
    listed = [
        {"dst": "10.0.0.7", "dev": "eth0", "lladdr": PI.upper(), "state": ["REACHABLE"]},
        {"dst": "10.0.0.8", "dev": "eth0", "state": ["FAILED"]},
        {"dst": "10.0.0.9", "dev": "eth0", "lladdr": PI, "state": ["INCOMPLETE"]},
        {"dst": "10.0.0.7", "dev": "eth1", "lladdr": PI, "state": ["STALE"]},
        {"dst": "nonsense", "dev": "eth0", "lladdr": PI, "state": ["STALE"]},
        {},
    ]
    assert list(neighbours(listed, {"eth0"})) == [Neighbour("10.0.0.7", PI, "eth0")]


def test_two_addresses_of_one_interface_are_one_pi() -> None:
    seen = [Neighbour(address, PI, "eth0") for address in ("fe80::1", "10.0.0.9", "10.0.0.7")]
    assert one(devices([], seen, [])).addresses == ("10.0.0.7", "10.0.0.9", "fe80::1")


def test_a_card_that_was_made_anew_counts_once() -> None:
    cards = [replace(card("cam-0101"), card_id="cd" * 16)]
    heard = [Announced(NODE, "a", "a.local", ("10.0.0.7",), {"node": "cam-0101"})]
    found = one(devices(heard, [], cards))
    assert found.card
    assert found.card.card_id == "cd" * 16
