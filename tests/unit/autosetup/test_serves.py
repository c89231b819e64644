"""What a central node is told to serve, and what its programs read of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autosetup.faults import Faulty
from autosetup.payload import Wired, unpack
from autosetup.settings import Serves
from autosetup.steps.serve import write_dnsmasq
from tests.unit.autosetup.sample_payloads import SERVER, SERVES, SETTINGS, packed

CENTRAL = replace(SETTINGS, wired=SERVER, serves=SERVES)


def lines(settings: object = CENTRAL, serves: Serves = SERVES) -> list[str]:
    return write_dnsmasq(settings, serves).decode().splitlines()[1:]  # type: ignore[arg-type]


def test_dnsmasq_is_told_all_of_it_and_the_one_address_to_listen_on() -> None:
    assert lines() == [
        "bind-dynamic",
        "listen-address=10.0.0.1",
        "no-hosts",
        "domain-needed",
        "bogus-priv",
        "domain=rig.example",
        "local=/rig.example/",
        "no-resolv",
        "server=9.9.9.9",
        "host-record=cam-1.rig.example,cam-1,10.1.1.1",
        "host-record=b.rig.example,b,fd00::1",
        "dhcp-range=10.0.0.2,10.0.0.9,255.0.0.0,96h",
        "dhcp-option=option:router",
        "dhcp-authoritative",
    ]


def test_without_leases_names_are_all_that_it_gives() -> None:
    assert not [line for line in lines(serves=Serves()) if line.startswith("dhcp")]


def test_without_a_domain_short_names_are_known() -> None:
    told = lines(replace(CENTRAL, domain=""))
    assert "host-record=cam-1,10.1.1.1" in told
    assert not [line for line in told if line.startswith(("domain=", "local="))]


def test_of_several_addresses_the_one_in_the_network_of_the_leases_serves() -> None:
    wired = Wired(("192.168.7.2/24", "10.0.0.1/8", "fd00::1/64"))
    assert "listen-address=10.0.0.1" in lines(replace(CENTRAL, wired=wired))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('["10.0.0.2", "10.0.0.9"]', '["10.0.0.2"]', "first address to a last one"),
        ('["10.0.0.2", "10.0.0.9"]', '["10.0.0.1", "10.0.0.9"]', "belongs to the node itself"),
        ('["10.0.0.2", "10.0.0.9"]', '["10.1.1.0", "10.1.1.9"]', "belongs to cam-1"),
        ('["10.0.0.2", "10.0.0.9"]', '["11.0.0.2", "11.0.0.9"]', "Choose addresses in 10.0.0.0/8"),
        ("lease_hours = 96", "lease_hours = 9999", "from 1 to 8760"),
        ("9.9.9.9", "quad9", "Type an IP address"),
        ('cam-1 = "10.1.1.1"', 'cam-1 = "cam"', "Type its IP address"),
        ('cam-1 = "10.1.1.1"', 'cam_1 = "10.1.1.1"', "a host name"),
        ('addresses = ["10.0.0.1/8"]', 'addresses = ["fd00::9/64"]', "an IPv4 address of its own"),
    ],
)
def test_each_fault_has_its_line(old: str, new: str, told: str) -> None:
    raw = packed(CENTRAL)
    text = raw["node.toml"].decode()
    assert old in text
    raw["node.toml"] = text.replace(old, new).encode()
    with pytest.raises(Faulty) as caught:
        unpack(raw)
    (fault,) = (fault for fault in caught.value.faults if told in str(fault))
    assert (fault.file, fault.line > 0) == ("node.toml", True)


def test_a_users_key_that_is_none_is_told_without_a_word_of_it() -> None:
    raw = packed()
    raw["secrets.toml"] += b'[user_keys]\nscan = "hunter2"\nnobody = "hunter2"\n'
    with pytest.raises(Faulty) as caught:
        unpack(raw)
    told = str(caught.value)
    assert "This SSH key is no whole Ed25519 key" in told
    assert "node.toml has no user of this name" in told
    assert "hunter2" not in told
