"""What a central node mirrors, by its own payload."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autosetup.journal import Journal
from autosetup.payload import NodeSettings, Secrets, pack
from autosetup.record import Record
from autosetup.settings import Update
from autosetup.status import Status
from autosetup.system import System
from flasher.errors import BadInput
from flasher.fleet.server.node_mirror import update_of, wanted_here

GENERATION = 1_795_000_000
UPDATE = Update(site="studio", source="https://releases.example/studio", every_minutes=30)


def node_with(root: Path, update: Update) -> System:
    settings = NodeSettings(name="central", role="central", position="", update=update)
    digests = {"profile_digest": "1" * 64, "site_digest": "2" * 64, "image_digest": "3" * 64}
    payload = pack(
        settings,
        Secrets(nonce=bytes(32)),
        {},
        generation=GENERATION,
        card_id="ab" * 16,
        flashed_at="2026-11-21T03:39:50Z",
        **digests,
    )
    folder = root / "var/lib/autosetup"
    folder.mkdir(parents=True)
    journal = Journal(folder)
    journal.keep(GENERATION, payload)
    journal.save(Record("4" * 64, Status("done", generation=GENERATION)))
    return System(root)


def test_it_mirrors_the_source_of_its_site(tmp_path: Path) -> None:
    wanted = wanted_here(node_with(tmp_path, UPDATE))
    assert (wanted.upstream, wanted.mirrored_for) == (UPDATE.source, "studio")
    assert wanted.on_lan
    assert wanted.site is None
    assert wanted.cache == tmp_path / "var/lib/autosetup/mirror"
    assert wanted.cache.stat().st_mode & 0o777 == 0o700
    assert wanted.cache_bytes > 0


def test_the_node_keeps_room_for_its_own_payloads_and_packages(tmp_path: Path) -> None:
    wanted = wanted_here(node_with(tmp_path, UPDATE))
    disk = shutil.disk_usage(tmp_path).total
    assert wanted.reserve_bytes == min(10**9, disk // 8)


@pytest.mark.parametrize("update", [Update(), Update(site="studio"), Update(source="http://x/")])
def test_without_a_site_and_its_source_there_is_nothing_to_mirror(
    tmp_path: Path, update: Update
) -> None:
    with pytest.raises(BadInput) as caught:
        wanted_here(node_with(tmp_path, update))
    assert caught.value.code == "nothing-to-mirror"


def test_a_node_that_was_never_set_up_mirrors_nothing(tmp_path: Path) -> None:
    assert update_of(System(tmp_path)) == Update()
