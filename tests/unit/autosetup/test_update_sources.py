"""Which servers on the network are the site's, and the floor of the clock."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosetup.browse import read_offered
from autosetup.update import floor
from autosetup.update.sources import addresses

LISTED = (
    '=;eth0;IPv4;laptop;_flasher._tcp;local;laptop.local;10.0.0.2;8443;"site=studio" "tls=1"'
    '\n=;eth0;IPv6;laptop;_flasher._tcp;local;laptop.local;fd00::2;8443;"site=studio" "tls=1"'
    '\n=;eth0;IPv6;laptop;_flasher._tcp;local;laptop.local;fe80::2;8443;"site=studio" "tls=1"'
    '\n=;eth0;IPv4;central;_flasher._tcp;local;central.local;10.0.0.1;8080;"tls=0" "site=studio"'
    '\n=;wlan0;IPv4;central;_flasher._tcp;local;central.local;10.0.0.1;8080;"tls=0" "site=studio"'
    '\n=;eth0;IPv4;other;_flasher._tcp;local;other.local;10.0.0.3;8080;"tls=0" "site=attic"'
    '\n=;eth0;IPv4;odd;_flasher._tcp;local;odd.local;evil.example/x;80;"site=studio"'
    '\n=;eth0;IPv4;odd;_flasher._tcp;local;odd.local;10.0.0.4;port;"site=studio"\n'
)


def test_the_servers_of_the_site_are_asked_each_once() -> None:
    assert addresses(read_offered(LISTED), "studio") == [
        "https://10.0.0.2:8443/repository/",
        "https://[fd00::2]:8443/repository/",
        "http://10.0.0.1:8080/repository/",
    ]


@given(st.text())
def test_whatever_the_network_says_is_read(listed: str) -> None:
    assert addresses(read_offered(f"=;e;IPv4;n;t;local;h;{listed}"), "studio") == []


def test_the_floor_rises_and_is_not_written_for_less_than_an_hour(tmp_path: Path) -> None:
    assert floor.known(tmp_path / "update") is None
    floor.raise_to(tmp_path / "update", 1_795_000_000)
    assert floor.known(tmp_path / "update") == "2026-11-18T11:06:40Z"
    floor.raise_to(tmp_path / "update", 1_795_000_000 + 3599)
    assert floor.known(tmp_path / "update") == "2026-11-18T11:06:40Z"
    floor.raise_to(tmp_path / "update", 1_795_000_000 + 3600)
    assert floor.known(tmp_path / "update") == "2026-11-18T12:06:40Z"
    floor.raise_to(tmp_path / "update", 0)
    assert floor.known(tmp_path / "update") == "2026-11-18T12:06:40Z"


@pytest.mark.parametrize("spoiled", [b"", b"\xff", b"yesterday\n", bytes(21)])
def test_a_floor_that_is_spoiled_is_none(tmp_path: Path, spoiled: bytes) -> None:
    (tmp_path / "verified-at").write_bytes(spoiled)
    assert floor.known(tmp_path) is None
    floor.raise_to(tmp_path, 1_795_000_000)
    assert floor.known(tmp_path) == "2026-11-18T11:06:40Z"
