"""Which addresses lie in some networks only."""

from __future__ import annotations

import pytest

from flasher.fleet.server.inner import is_inner


@pytest.mark.parametrize(
    "host",
    [
        "192.168.1.1",
        "169.254.1.1",
        "100.64.0.1",
        "239.0.0.1",
        "fe80::1%eth0",
        "fd00::1",
        "::1",
        "::ffff:192.168.1.1",
        "::192.168.1.1",
        "64:ff9b::192.168.1.1",
        "2002:c0a8:101::1",
    ],
)
def test_devices_of_a_building_are_told_however_their_address_is_wrapped(host: str) -> None:
    assert is_inner(host)


@pytest.mark.parametrize(
    "host", ["9.9.9.9", "2620:fe::9", "64:ff9b::9.9.9.9", "2002:909:909::1", "cdn.example"]
)
def test_addresses_of_the_whole_internet_and_names_are_none_of_them(host: str) -> None:
    assert not is_inner(host)
