"""A rig's own network: what its central node serves, whom the others ask, who joins which wifi."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from autosetup.payload import Time, Wifi, Wired
from autosetup.settings import Serves
from flasher.errors import BadDocument
from flasher.rig.networks import wifi_of
from flasher.rig.rigmap import lay_out
from flasher.rig.site import load_site
from tests.unit.rig.conftest import MakeRig, networks, payload


def test_the_central_node_serves_addresses_time_and_the_names_of_all_fixed_addresses(
    make_rig: MakeRig,
) -> None:
    settings = payload(make_rig(), "central").settings
    hosts = {f"cam-{c}{r}": f"10.40.{c}.{r}" for c in range(1, 6) for r in range(1, 4)}
    served = Serves(("10.40.250.1", "10.40.250.99"), hosts={"central": "10.40.0.1"} | hosts)
    assert settings.serves == served
    assert settings.time == Time(("192.0.2.1",), serve=True)
    assert settings.wired == Wired(("10.40.0.1/16",), dns=("10.40.0.1",))


def test_the_others_ask_it_for_names_and_time_and_nobody_else(make_rig: MakeRig) -> None:
    settings = payload(make_rig(), "cam-23").settings
    assert settings.serves is None
    assert settings.time == Time(("10.40.0.1",))
    assert settings.wired == Wired(("10.40.2.3/16",), dns=("10.40.0.1",))


def test_a_node_that_asks_for_its_address_asks_the_central_one_for_the_time(
    make_rig: MakeRig,
) -> None:
    rig = make_rig(('[role.wired]\naddresses = ["10.40.{column}.{row}/16"]', ""))
    settings = payload(rig, "cam-23").settings
    assert (settings.wired, settings.time) == (None, Time(("10.40.0.1",)))


def test_a_node_on_another_network_asks_the_servers_of_the_site(make_rig: MakeRig) -> None:
    rig = make_rig(("10.40.{column}.{row}/16", "10.41.{column}.{row}/16"))
    settings = payload(rig, "cam-23").settings
    assert settings.time == Time(("192.0.2.1",))
    assert settings.wired == Wired(("10.41.2.3/16",))


def test_without_a_node_that_serves_all_ask_the_servers_of_the_site(make_rig: MakeRig) -> None:
    rig = make_rig(('[role.serves]\nleases = ["10.40.250.1", "10.40.250.99"]', ""))
    assert payload(rig, "cam-23").settings.time == Time(("192.0.2.1",))
    assert payload(rig, "cam-23").settings.wired == Wired(("10.40.2.3/16",))


LEASES = 'leases = ["10.40.250.1", "10.40.250.99"]'


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (LEASES, 'leases = ["10.40.250.1"]', "first address to a last one"),
        (LEASES, 'leases = ["10.40.250.9", "10.40.250.1"]', "first address to a last one"),
        (LEASES, 'leases = ["10.40.250.1", "10.40.250"]', "first address to a last one"),
        (LEASES, 'leases = ["10.41.0.1", "10.41.0.9"]', "Choose addresses in 10.40.0.0/16"),
        (LEASES, 'leases = ["10.40.0.0", "10.40.0.9"]', "not in the node's network"),
        (LEASES, 'leases = ["10.40.0.1", "10.40.0.9"]', "belongs to the node itself"),
        (LEASES, 'leases = ["10.40.2.1", "10.40.2.9"]', "10.40.2.1, which belongs to cam-21"),
        (LEASES, f"{LEASES}\nlease_hours = 0", "from 1 to 8760"),
        (LEASES, f'{LEASES}\ndns = ["resolver"]', "Type an IP address"),
        (LEASES, f"{LEASES}\nlease = 1", "Did you mean leases?"),
        (
            'addresses = ["10.40.0.1/16"]',
            'addresses = ["fd00::1/64"]',
            "an IPv4 address of its own",
        ),
        (
            "columns = 5",
            "columns = 5\n[role.serves]\n[role.none]",
            "central serves the rig already",
        ),
        ('node = "central"', 'node = "central-{row}"\nrows = 2', "2 nodes would deal the same"),
        ("10.40.{column}.{row}", "10.40.1.{row}", "5 nodes would have the address 10.40.1.1"),
        ("10.40.{column}.{row}", "10.40.0.{row}", "6 nodes would have the address 10.40.0.1"),
        ('reached_from = "central"', 'reached_from = "camera"', "Choose one of: central"),
    ],
)
def test_what_does_not_fit_together_is_told_before_any_card_is_made(
    make_rig: MakeRig, old: str, new: str, told: str
) -> None:
    with pytest.raises(BadDocument) as caught:
        make_rig((old, new))
    assert told in caught.value.message
    assert "profile.toml" in caught.value.message


def test_each_node_joins_one_of_the_networks_that_are_dealt_out_and_all_others(
    make_rig: MakeRig,
) -> None:
    site = networks(2)
    office = Wifi("Office", "open")
    rig = make_rig(wifi=(*site["wifi"], office), dealt=site["dealt"])  # type: ignore[misc]
    first, second = (payload(rig, name) for name in ("cam-11", "cam-12"))
    assert [w.ssid for w in first.settings.wifi] == ["Field A", "Office"]
    assert [w.ssid for w in second.settings.wifi] == ["Field B", "Office"]
    assert list(first.secrets.wifi_passphrases) == ["Field A"]
    assert rig.site.dealt == ("Field A", "Field B")


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize(("columns", "rows"), [(15, 11), (5, 3), (1, 9), (9, 1), (16, 7)])
def test_networks_are_dealt_out_evenly(
    make_rig: MakeRig, count: int, columns: int, rows: int
) -> None:
    size = f"columns = {columns}\nrows = {rows}"
    rig = make_rig(
        ("columns = 5\nrows = 3", size), ("cam-{column}{row}", "cam-{number}"), **networks(count)
    )
    nodes = [node for node in rig.nodes if node.role == "camera"]
    dealt = Counter(wifi.ssid for node in nodes for wifi in wifi_of(rig, node))
    numbers = [dealt[wifi.ssid] for wifi in rig.site.wifi]
    assert sum(numbers) == columns * rows
    assert max(numbers) - min(numbers) <= max(count // 2, 1)


def test_a_node_keeps_its_network_when_columns_and_rows_are_added(make_rig: MakeRig) -> None:
    small = make_rig(**networks(4))
    grown = tuple(
        replace(role, columns=role.columns + 3, rows=role.rows + 2) if role.count > 1 else role
        for role in small.profile.roles
    )
    large = lay_out(replace(small.profile, roles=grown), small.site, small.secrets)
    for node in small.nodes:
        assert wifi_of(large, large.find(node.name)) == wifi_of(small, node)


def test_neighbours_join_different_networks(make_rig: MakeRig) -> None:
    rig = make_rig(**networks(4))
    places = {(node.column, node.row): node for node in rig.nodes if node.role == "camera"}
    for (column, row), node in places.items():
        for neighbour in (places.get((column + 1, row)), places.get((column, row + 1))):
            if neighbour:
                assert wifi_of(rig, node) != wifi_of(rig, neighbour)


def test_one_network_cannot_stand_twice_in_a_site(make_rig: MakeRig) -> None:
    with pytest.raises(BadDocument, match="stands twice"):
        make_rig(wifi=(Wifi("Field"), Wifi("Field")))


def test_a_site_that_lets_in_keys_only_needs_one(make_rig: MakeRig) -> None:
    rig = make_rig(keys_only=True)
    assert payload(rig, "central").settings.keys_only
    text = rig.site.path.read_text()
    rig.site.path.write_text(text.replace("authorized_keys", "# authorized_keys"))
    with pytest.raises(BadDocument, match="Nobody has a key"):
        load_site(str(rig.site.path))
