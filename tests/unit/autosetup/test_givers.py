"""Whom a node asks for its turn to update, and in which order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autosetup.boards import HEARD_BY, heard_by, keep_heard_by
from autosetup.settings import Update
from autosetup.system import System
from autosetup.update.givers import givers
from autosetup.update.store import Folder, Store
from autosetup.update.web import web_at

BOARD = "https://board.lan:8421"
UPDATE = Update("studio", board=BOARD)
GUARDED = replace(UPDATE, authority="-----BEGIN CERTIFICATE-----\n…")


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path / "node")


def asked(system: System, update: Update, store: Store | None = None) -> list[str]:
    return list(givers(system, update, store))


def test_the_board_that_hears_the_node_comes_first_and_each_once(system: System) -> None:
    store = web_at("https://10.0.0.7:8421/repository/")
    assert asked(system, UPDATE, store) == [BOARD, "https://10.0.0.7:8421"]
    keep_heard_by(system, "https://10.0.0.7:8421")
    assert asked(system, UPDATE, store) == ["https://10.0.0.7:8421", BOARD]
    keep_heard_by(system, "")
    assert asked(system, UPDATE, store) == [BOARD, "https://10.0.0.7:8421"]
    assert not system.path(HEARD_BY).exists()


def test_a_repository_that_no_flasher_serves_gives_no_turns(system: System, tmp_path: Path) -> None:
    for store in (web_at("https://cdn.example/releases/"), Folder(tmp_path, "the stick"), None):
        assert asked(system, UPDATE, store) == [BOARD]


def test_a_server_for_whom_nobody_vouches_gives_no_turns(system: System) -> None:
    stranger = web_at("http://10.9.9.9:8421/repository/")
    assert asked(system, GUARDED, stranger) == [BOARD]
    keep_heard_by(system, "http://10.9.9.9:8421")  # from before its payload had the certificate
    assert asked(system, GUARDED) == [BOARD]
    assert asked(system, UPDATE, stranger) == ["http://10.9.9.9:8421", BOARD]


@pytest.mark.parametrize("path", ["", "/", "/repository", "/repository/"])
def test_a_server_that_the_payload_names_gives_turns_without_a_certificate(
    system: System, path: str
) -> None:
    server = "http://central.lan:8421"
    told = replace(GUARDED, source=server + path, board="")
    assert asked(system, told, web_at(f"{server}/repository/")) == [server]
    assert asked(system, replace(GUARDED, board=server)) == [server]


@pytest.mark.parametrize("said", [b"", b"\xff\xfe", b"\n"])
def test_what_is_no_address_is_none(system: System, said: bytes) -> None:
    system.write(HEARD_BY, said)
    assert heard_by(system) == ""
