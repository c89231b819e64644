"""Which servers on the network are the site's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autosetup.browse import Offered, read_offered
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


def test_of_a_hundred_servers_a_few_are_asked_and_none_is_crowded_out_for_ever() -> None:
    crowd = [Offered(f"10.0.1.{last}", 8080, {"site": "studio", "tls": "0"}) for last in range(100)]
    asked: set[str] = set()
    while len(asked) < len(crowd):
        some = addresses(crowd, "studio")
        assert len(set(some)) == len(some) == 8
        asked.update(some)


@given(st.text())
def test_whatever_the_network_says_is_read(listed: str) -> None:
    assert addresses(read_offered(f"=;e;IPv4;n;t;local;h;{listed}"), "studio") == []
