"""Where a node finds updates: at an address, over TLS that the site vouches for, on a stick."""

from __future__ import annotations

import os
import shutil
import ssl
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from autosetup.errors import AgentError
from autosetup.settings import Update
from autosetup.system import System
from autosetup.update.look import looking
from autosetup.update.sources import sources
from autosetup.update.stick import FOLDER, Partition, sticks
from autosetup.update.store import Folder, NotThere, Store
from flasher.process import run
from flasher.rig.signing import SiteSigner
from flasher.rig.site_authority import authority_pem, issue
from tests.integration.autosetup.released import NEXT, Card, asked, payload, release
from tests.integration.autosetup.releases import SITE, Repository, Server, serving
from tests.integration.conftest import loop_over

OURS = SiteSigner(Ed25519PrivateKey.from_private_bytes(bytes(range(32))), SITE)
OTHER = SiteSigner(Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))), SITE)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "server/repository")
    made.begin()
    release(made, payload())
    return made


@pytest.fixture
def card(tmp_path: Path, repository: Repository) -> Card:
    return Card(tmp_path / "update", repository.root, Update(site=SITE))


@pytest.fixture
def guarded(tmp_path: Path, repository: Repository) -> Iterator[Server]:
    """A server of the site, with a certificate of it."""
    certificate, key = issue(OURS, ("localhost",), ("127.0.0.1",))
    (tmp_path / "server.pem").write_text(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    with serving(repository.folder.parent, context) as served:
        yield served


def told(card: Card) -> str:
    """From whom the release came."""
    with looking(card.ground, asked) as found:
        assert found.payload() == payload()
        return found.store.name


@pytest.mark.parametrize("path", ["", "/repository", "/repository/"])
def test_the_address_may_be_the_servers_or_the_repositorys(
    card: Card, repository: Repository, path: str
) -> None:
    with serving(repository.folder.parent) as served:
        card.update = Update(site=SITE, source=served.address.rstrip("/") + path)
        assert told(card).startswith(served.address)


def test_the_site_vouches_for_a_server_by_its_certificate(card: Card, guarded: Server) -> None:
    card.update = Update(site=SITE, source=guarded.address, authority=authority_pem(OURS))
    assert told(card).startswith("https://127.0.0.1:")


@pytest.mark.parametrize("authority", ["", authority_pem(OTHER)])
def test_a_server_for_whom_nobody_vouches_is_not_asked(
    card: Card, guarded: Server, authority: str
) -> None:
    card.update = Update(site=SITE, source=guarded.address, authority=authority)
    with pytest.raises(AgentError, match=r"(?i)certificate") as raised:
        told(card)
    assert raised.value.code == "source-failed"
    assert not guarded.asked


def test_nobody_sends_a_node_from_a_guarded_server_to_an_open_one_or_a_file(
    card: Card, repository: Repository
) -> None:
    with serving(repository.folder) as served:
        served.moved = "file:///etc/"
        card.update = Update(site=SITE, source=served.address)
        with pytest.raises(AgentError) as raised:
            told(card)
        assert raised.value.code == "source-failed"
        served.moved = "/"
        with pytest.raises(AgentError, match="one place to the next"):
            told(card)


def test_a_node_that_finds_nobody_says_so(card: Card) -> None:
    with pytest.raises(AgentError) as raised:
        told(card)
    assert raised.value.code == "no-source"


@pytest.fixture
def stick(tmp_path: Path, repository: Repository) -> Iterator[Partition]:
    """A partition with the repository, as it is plugged in: not mounted."""
    content, image = tmp_path / "content", tmp_path / "stick.img"
    content.mkdir()
    run(["cp", "--recursive", str(repository.folder), str(content / FOLDER)])
    run(["mke2fs", "-q", "-t", "ext4", "-d", str(content), str(image), "16M"])
    with loop_over(image, "--read-only") as device:
        yield Partition(str(device), "ext4")


def test_a_stick_that_is_plugged_in_will_do_where_no_server_is(
    card: Card, stick: Partition
) -> None:
    def without_network(_: System, update: Update) -> Iterator[object]:
        return sources(System(), update, partitions=lambda _: [stick])

    with looking(card.ground, without_network) as found:
        assert found.store.name == f"the stick {Path(stick.device).name}"
        assert stick.device in Path("/proc/mounts").read_text()
        assert found.payload() == payload()
    assert stick.device not in Path("/proc/mounts").read_text()


def test_a_stick_with_something_newer_is_taken_though_a_server_answers(
    card: Card, stick: Partition, tmp_path: Path, repository: Repository
) -> None:
    """Whoever plugs it in wants it; the server may know nothing of what is new."""
    card.generation = NEXT

    def both(_: System, update: Update) -> Iterator[object]:
        return sources(System(), update, partitions=lambda _: [stick])

    with serving(repository.folder) as served:
        card.update = Update(site=SITE, source=served.address)
        with looking(card.ground, both) as found:
            assert not found.has_news
            assert found.store.name == served.address
        for path in sorted(repository.folder.glob("targets/**/*.json")):
            path.unlink()
        card.generation = 1
        (card.folder / "targets").rename(tmp_path / "away")
        with looking(card.ground, both) as found:
            assert found.store.name.startswith("the stick")


def has_no_blobs(copy: Path) -> None:
    shutil.rmtree(copy / "blobs")


def has_spoiled_blobs(copy: Path) -> None:
    for path in filter(Path.is_file, copy.glob("blobs/**/*")):
        path.write_bytes(bytes(path.stat().st_size))


@pytest.mark.parametrize("spoil", [has_no_blobs, has_spoiled_blobs])
def test_what_a_source_tells_of_and_cannot_give_comes_from_the_next_one(
    card: Card, repository: Repository, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(repository.folder, copy)
    spoil(copy)
    stores = [Folder(copy, "a mirror"), Folder(repository.folder, "the stick")]

    def alone(_: System, __: Update) -> Generator[Store, None, None]:
        yield stores[0]

    def both(_: System, __: Update) -> Generator[Store, None, None]:
        yield from stores

    with looking(card.ground, alone) as found, pytest.raises(AgentError, match="a mirror"):
        found.payload()
    with looking(card.ground, both) as found:
        assert found.store.name == "a mirror"
        assert found.payload() == payload()


def test_a_stick_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    spoiled = Partition("/dev/null", "vfat")
    other = Partition("/dev/null", "ext4", (str(tmp_path),))
    assert list(sticks(System(), lambda _: [spoiled, other])) == []


def test_links_and_pipes_on_a_stick_lead_nowhere(tmp_path: Path) -> None:
    inside = tmp_path / "repository"
    (inside / "metadata").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (inside / "metadata/timestamp.json").symlink_to(tmp_path / "secret")
    (inside / "blobs").symlink_to(tmp_path)
    os.mkfifo(inside / "metadata/snapshot.json")
    store = Folder(inside, "the stick")
    for path in ("metadata/timestamp.json", "blobs/secret", "../secret", "metadata", "none"):
        with pytest.raises((NotThere, AgentError)):
            list(store.read(path))
    with pytest.raises(NotThere):
        list(store.read("metadata/snapshot.json"))
