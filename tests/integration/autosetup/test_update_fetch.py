"""The bytes of an update: fetched once, gone on with after a cut, never more than was promised."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from autosetup.errors import AgentError
from autosetup.update.fetch import Fetched, Wanted
from autosetup.update.look import looking
from autosetup.update.store import NotThere, Store
from autosetup.update.web import web_at
from tests.integration.autosetup.released import (
    MOTD,
    NEXT,
    Card,
    asked,
    payload,
    release,
)
from tests.integration.autosetup.releases import SITE, Faults, Repository, Server, serving
from tests.unit.autosetup.sample_payloads import packed

BIG = random.Random(8).randbytes(3 << 20)  # noqa: S311  (the same bytes every time)
DIGEST = hashlib.sha256(BIG).hexdigest()
WANTED = Wanted("big", len(BIG), DIGEST)
# What an answer may carry beyond what is read: buffers of both sides, on their way.
ON_THE_WAY = 8 << 20


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "big").write_bytes(BIG)
    with serving(folder) as served:
        yield served


@pytest.fixture
def store(server: Server) -> Iterator[Store]:
    made = web_at(server.address)
    yield made
    made.close()


@pytest.fixture
def fetched(tmp_path: Path) -> Fetched:
    return Fetched(tmp_path / "fetched", pause=lambda _: None)


def left_over(fetched: Fetched, data: bytes) -> None:
    """Have this be what an earlier try left of the file."""
    fetched.folder.mkdir()
    (fetched.folder / f"{DIGEST}.part").write_bytes(data)


def test_a_file_is_fetched_once(server: Server, store: Store, fetched: Fetched) -> None:
    came: list[int] = []
    assert fetched.fetch(store, WANTED, came.append).read_bytes() == BIG
    assert sum(came) == len(BIG)
    assert fetched.fetch(store, WANTED).read_bytes() == BIG
    assert server.asked == ["big"]


def test_a_connection_that_breaks_off_again_and_again_costs_no_byte_twice(
    server: Server, store: Store, fetched: Fetched
) -> None:
    server.faults = Faults(breaks_off=300_000)
    assert fetched.fetch(store, WANTED).read_bytes() == BIG
    assert server.sent["big"] == len(BIG)
    assert len(server.asked) > 10


def test_what_gets_on_no_more_ends_and_goes_on_later(
    server: Server, store: Store, fetched: Fetched
) -> None:
    server.faults = Faults(breaks_off=1000)
    with pytest.raises(AgentError) as raised:
        fetched.fetch(store, WANTED)
    assert raised.value.code == "source-failed"
    had = fetched.has_of(WANTED)
    assert had == 5 * 1000
    server.faults = Faults()
    server.forget()
    assert fetched.fetch(store, WANTED).read_bytes() == BIG
    assert server.sent["big"] == len(BIG) - had


def test_a_server_that_knows_no_parts_will_do(
    server: Server, store: Store, fetched: Fetched
) -> None:
    left_over(fetched, BIG[:1_000_000])
    server.faults = Faults(deaf=True)
    assert fetched.fetch(store, WANTED).read_bytes() == BIG


@pytest.mark.parametrize("part", [bytes(1_000_000), BIG + b"more", bytes(len(BIG))])
def test_what_a_cut_spoiled_is_thrown_away_once(
    server: Server, store: Store, fetched: Fetched, part: bytes
) -> None:
    left_over(fetched, part)
    assert fetched.fetch(store, WANTED).read_bytes() == BIG
    assert server.sent["big"] <= 2 * len(BIG)


def test_another_file_than_was_promised_is_refused_and_not_kept(
    server: Server, store: Store, fetched: Fetched
) -> None:
    (server.folder / "big").write_bytes(bytes(len(BIG)))
    with pytest.raises(AgentError) as raised:
        fetched.fetch(store, WANTED)
    assert raised.value.code == "update-refused"
    assert server.sent["big"] == len(BIG)
    assert not list(fetched.folder.iterdir())


def test_a_file_without_end_ends_where_it_should(
    server: Server, store: Store, fetched: Fetched
) -> None:
    server.faults = Faults(endless=True)
    with pytest.raises(AgentError) as raised:
        fetched.fetch(store, WANTED)
    assert raised.value.code == "update-refused"
    assert server.sent["big"] < len(BIG) + ON_THE_WAY


def test_a_shorter_file_than_was_promised_is_not_waited_for(
    server: Server, store: Store, fetched: Fetched
) -> None:
    (server.folder / "big").write_bytes(BIG[:-1])
    with pytest.raises(AgentError) as raised:
        fetched.fetch(store, WANTED)
    assert raised.value.code == "source-failed"


@pytest.mark.parametrize("said", [b"\x1b[2J no HTTP", b"HTTP/1.1 500 \x1b]0;mine\x07\x9b2J"])
def test_no_terminal_obeys_what_a_server_says(said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(said + b"\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        rogue = web_at(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        with pytest.raises(AgentError) as caught:
            list(rogue.read("metadata/timestamp.json"))
        rogue.close()
        thread.join()
    assert caught.value.code == "source-failed"
    assert f"{caught.value}".isprintable()


def test_a_file_that_is_not_there_is_asked_for_once(
    server: Server, store: Store, fetched: Fetched
) -> None:
    with pytest.raises(AgentError, match=r"not there \(404\)"):
        fetched.fetch(store, Wanted("none", 1, DIGEST))
    assert server.asked == ["none"]
    with pytest.raises(NotThere):
        list(store.read("none"))


def test_only_what_the_node_lacks_travels_and_each_byte_once(card: Card, mirror: Server) -> None:
    card.holds(packed())
    told: list[tuple[int, int]] = []
    with looking(card.ground, asked) as found:
        raw = found.payload(lambda number, count: told.append((number, count)))
    assert raw == payload()
    blobs = {path: count for path, count in mirror.sent.items() if path.startswith("blobs/")}
    # The welcome and the settings that name the site are new; the rest is in force already.
    digests = {hashlib.sha256(raw[name]).hexdigest(): len(raw[name]) for name in new_names(raw)}
    assert blobs == {f"blobs/{digest[:2]}/{digest}": size for digest, size in digests.items()}
    assert told == [(1, 2), (2, 2)]
    assert len(mirror.asked) == len(set(mirror.asked))


def new_names(raw: dict[str, bytes]) -> list[str]:
    """The files of a release that are blobs and not as they were."""
    kept = packed()
    skipped = ("manifest.json", "manifest.sig", "site.pub", "secrets.toml")
    return [name for name, data in raw.items() if name not in skipped and data != kept.get(name)]


def test_looking_again_costs_the_timestamp_alone(card: Card, mirror: Server) -> None:
    with looking(card.ground, asked) as found:
        found.payload()
    mirror.forget()
    with looking(card.ground, asked) as found:
        assert found.payload() == payload()
    assert set(mirror.sent) == {"metadata/timestamp.json"}
    assert mirror.asked == ["metadata/2.root.json", "metadata/timestamp.json"]


def test_a_generation_that_another_one_replaced_leaves_nothing_behind(
    card: Card, repository: Repository
) -> None:
    card.holds(packed())
    with looking(card.ground, asked) as found:
        found.payload()
    newer = payload(NEXT + 1, b"another welcome\n")
    release(repository, newer)
    with looking(card.ground, asked) as found:
        assert found.payload() == newer
        names = {path.name for path in (card.folder / "blobs").iterdir()}
        assert names == {hashlib.sha256(newer[name]).hexdigest() for name in new_names(newer)}
        found.forget()
    assert not list((card.folder / "blobs").iterdir())
    assert len(list((card.folder / "targets").iterdir())) == 2


def test_a_blob_that_the_card_spoiled_is_fetched_again(card: Card) -> None:
    with looking(card.ground, asked) as found:
        found.payload()
    place = card.folder / "blobs" / hashlib.sha256(MOTD).hexdigest()
    place.write_bytes(bytes(len(MOTD)))
    with looking(card.ground, asked) as found:
        assert found.payload() == payload()


def test_a_letter_sealed_for_another_card_is_of_no_use(card: Card) -> None:
    card.key = "A" * 43 + "="
    with looking(card.ground, asked) as found, pytest.raises(AgentError) as raised:
        found.payload()
    assert raised.value.code == "not-sealed-for-us"
    card.key = ""
    with looking(card.ground, asked) as found, pytest.raises(AgentError) as raised:
        found.payload()
    assert raised.value.code == "not-sealed-for-us"


def test_a_name_that_leaves_the_payload_is_refused_before_a_byte_is_fetched(
    card: Card, repository: Repository, mirror: Server
) -> None:
    role = repository.targets[f"{SITE}.camnode"]
    (path,) = role
    letter = json.loads(role[path])
    manifest = json.loads(base64.b64decode(letter["manifest"]))
    manifest["files"]["../../etc/passwd"] = manifest["files"].pop("files/motd")
    letter["manifest"] = base64.b64encode(json.dumps(manifest).encode()).decode()
    role[path] = json.dumps(letter).encode()
    repository.publish()
    with pytest.raises(AgentError) as raised, looking(card.ground, asked):
        pass
    assert raised.value.code == "update-refused"
    assert not [path for path in mirror.asked if path.startswith("blobs/")]


def test_a_large_file_is_told_of_while_it_comes(card: Card, repository: Repository) -> None:
    card.holds(packed())
    release(repository, payload(motd=bytes(9 << 20)))
    told: list[tuple[int, int]] = []
    with looking(card.ground, asked) as found:
        found.payload(lambda number, count: told.append((number, count)))
    assert len(told) == 2 + 2
