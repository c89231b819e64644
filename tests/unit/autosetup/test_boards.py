"""Which of those that announce a board a node goes to."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from autosetup.answer import Answer, read_answer
from autosetup.boards import boards, of_site
from autosetup.browse import Offered
from autosetup.settings import Update
from autosetup.system import System

UPDATE = Update(site="studio")
GUARDED = replace(UPDATE, authority="-----BEGIN CERTIFICATE-----\n…")


def one(address: str, port: int = 8443, site: str = "studio", tls: str = "1") -> Offered:
    return Offered(address, port, {"site": site, "tls": tls})


def test_the_address_that_a_node_was_told_is_the_only_one(tmp_path: Path) -> None:
    told = replace(UPDATE, board="https://central.local:8443/b")
    assert boards(System(tmp_path), told) == ("https://central.local:8443/b",)


def test_only_boards_of_the_own_site_count_and_each_once() -> None:
    heard = [
        one("fd00::7"),
        one("10.0.0.7"),
        one("10.0.0.7"),
        one("10.0.0.8", site="other"),
        one("fe80::1"),
        one("nonsense"),
        one("10.0.0.9", port=0),
        Offered("10.0.0.6", 8443, {"site": "studio", "tls": "1", "board": "0"}),
    ]
    assert of_site(heard, UPDATE) == ("https://10.0.0.7:8443", "https://[fd00::7]:8443")


def test_all_nodes_that_find_two_boards_go_to_the_same_one() -> None:
    heard = [one("10.0.0.7"), one("10.0.0.8"), one("fd00::7"), one("10.0.0.7", port=8444)]
    assert len({of_site(order, UPDATE) for order in permutations(heard)}) == 1


def test_of_a_hundred_boards_a_few_are_asked_and_none_is_crowded_out_for_ever() -> None:
    crowd = [one(f"10.0.1.{last}") for last in range(100)]
    asked: set[str] = set()
    while len(asked) < len(crowd):
        some = of_site(crowd, UPDATE)
        assert len(set(some)) == len(some) == 8
        asked.update(some)


def test_a_node_that_knows_its_sites_certificate_speaks_to_nobody_without_one() -> None:
    heard = [one("10.0.0.7", tls="0"), one("10.0.0.8")]
    assert of_site(heard, UPDATE) == ("http://10.0.0.7:8443", "https://10.0.0.8:8443")
    assert of_site(heard, GUARDED) == ("https://10.0.0.8:8443",)


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        (b'{"blink_seconds": 30, "server_time": 1.5, "new": {}}', Answer(30, 0, 1.5)),
        (b'{"blink_seconds": 99999, "again_seconds": 1}', Answer(600, 1)),
        (b'{"blink_seconds": -1, "again_seconds": "1", "server_time": null}', Answer()),
        (b'{"blink_seconds": true, "server_time": Infinity}', Answer(1)),
        (b'{"blink_seconds": 1%s}' % (b"0" * 400), Answer(600)),
        (b"[]", Answer()),
        (b"<html>", Answer()),
        (b"[" * 4000, Answer()),
        (b"\xff", Answer()),
    ],
)
def test_an_answer_of_any_kind_is_taken_for_what_can_be_known(raw: bytes, answer: Answer) -> None:
    assert read_answer(raw) == answer
