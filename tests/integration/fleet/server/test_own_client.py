"""`flasher serve` and the client that nodes have: together, and with a mirror between."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from autosetup.settings import Update
from autosetup.update.look import looking
from tests.integration.autosetup.released import MOTD, Card, asked, payload, release
from tests.integration.autosetup.releases import SITE, Repository
from tests.integration.fleet.server.served import mirroring, serving_folder


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repository")
    made.begin()
    release(made, payload())
    return made


def fetched(card: Card) -> dict[str, bytes]:
    """What the node gets."""
    with looking(card.ground, asked) as found:
        return found.payload()


async def of(card: Card, url: str) -> dict[str, bytes]:
    """What the node gets from there."""
    card.update = Update(site=SITE, source=url)
    return await asyncio.to_thread(fetched, card)


@pytest.fixture
def card(tmp_path: Path, repository: Repository) -> Card:
    return Card(tmp_path / "update", repository.root, Update(site=SITE))


async def test_a_node_gets_its_release_and_goes_on_with_what_it_had(
    repository: Repository, card: Card
) -> None:
    digest = hashlib.sha256(MOTD).hexdigest()
    (card.folder / "blobs").mkdir(parents=True)
    (card.folder / f"blobs/{digest}.part").write_bytes(MOTD[:30_000])
    async with serving_folder(repository.folder) as url:
        assert await of(card, url) == payload()
        assert await of(card, url.removesuffix("/repository")) == payload()


async def test_a_mirror_has_it_too_and_keeps_it_when_its_own_source_is_gone(
    repository: Repository, card: Card, tmp_path: Path
) -> None:
    async with (
        serving_folder(repository.folder) as url,
        mirroring(url, tmp_path / "cache") as near,
    ):
        assert await of(card, near) == payload()
    other = Card(tmp_path / "another", repository.root, card.update)
    async with mirroring(url, tmp_path / "cache") as near:
        assert await of(other, near) == payload()
