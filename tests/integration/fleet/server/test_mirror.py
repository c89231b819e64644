"""A repository that lies elsewhere, mirrored."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from flasher.fleet.server.mirror import Manners
from flasher.process import run
from tests.integration.fleet.server.served import MB, METADATA, Upstream, get, mirroring, put

DATA = os.urandom(2 * MB)


@dataclass
class Place:
    """An upstream, a mirror of it, and where the mirror keeps its files."""

    upstream: Upstream
    url: str
    folder: Path

    def parts(self) -> list[Path]:
        return list((self.folder / ".parts").glob("*"))


@asynccontextmanager
async def placed(folder: Path, manners: Manners | None = None) -> AsyncIterator[Place]:
    upstream = Upstream()
    async with upstream.served() as source, mirroring(source, folder, manners=manners) as url:
        yield Place(upstream, url, folder)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with placed(tmp_path / "mirror") as made:
        yield made


@pytest.fixture
async def eager(tmp_path: Path) -> AsyncIterator[Place]:
    """A mirror that asks anew each time."""
    async with placed(tmp_path / "mirror", Manners(fresh=0)) as made:
        yield made


async def test_a_file_is_fetched_once_however_many_ask(place: Place) -> None:
    name = place.upstream.add(DATA)
    answers = await asyncio.gather(*(get(f"{place.url}/{name}") for _ in range(50)))
    assert all(answer == (200, DATA) for answer in answers)
    assert place.upstream.asked[name] == 1
    assert (place.folder / name).read_bytes() == DATA
    assert not place.parts()


async def test_what_is_on_its_way_is_handed_on_but_for_its_end(place: Place) -> None:
    name = place.upstream.add(DATA)
    place.upstream.gate = asyncio.Event()
    async with aiohttp.ClientSession() as client, client.get(f"{place.url}/{name}") as answer:
        assert answer.content_length == len(DATA)
        first = await answer.content.readexactly(len(DATA) // 4)
        place.upstream.gate.set()
        assert first + await answer.read() == DATA


async def test_a_part_of_what_is_on_its_way_can_be_had(place: Place) -> None:
    name = place.upstream.add(DATA)
    assert await get(f"{place.url}/{name}", Range="bytes=1500000-") == (206, DATA[1_500_000:])


async def test_a_download_that_breaks_off_is_gone_on_with(place: Place) -> None:
    name = place.upstream.add(DATA)
    place.upstream.cut_at[name], place.upstream.gate = MB, asyncio.Event()
    async with aiohttp.ClientSession() as client, client.get(f"{place.url}/{name}") as answer:
        first = await answer.content.readexactly(MB)
        place.upstream.gate.set()
        assert first + await answer.read() == DATA
    assert place.upstream.asked[name] == 2
    assert place.upstream.sent[name] == len(DATA)


async def test_what_is_not_what_its_name_says_never_comes_whole_and_is_not_kept(
    place: Place,
) -> None:
    name = place.upstream.add(DATA)
    place.upstream.files[name] = DATA[:-1] + b"!"
    with pytest.raises(aiohttp.ClientError):
        await get(f"{place.url}/{name}")
    assert not (place.folder / name).exists()
    assert not place.parts()
    place.upstream.files[name] = DATA
    assert await get(f"{place.url}/{name}") == (200, DATA)


async def test_targets_are_checked_by_their_names_too(place: Place) -> None:
    digest = hashlib.sha256(DATA).hexdigest()
    name = f"targets/agent/{digest}.autosetup_1.0+a~b_all.deb"
    place.upstream.files[name] = DATA
    assert await get(f"{place.url}/{name}") == (200, DATA)
    wrong = f"targets/agent/{'0' * 64}.autosetup_1.0_all.deb"
    place.upstream.files[wrong] = DATA
    with pytest.raises(aiohttp.ClientError):
        await get(f"{place.url}/{wrong}")


async def test_a_source_that_has_a_page_for_everything_puts_none_where_files_belong(
    tmp_path: Path,
) -> None:
    page, plan = b"<html>Index of /</html>", b'{"a plan": 1}'
    name = f"targets/studio/{hashlib.sha256(plan).hexdigest()}.rollout.json"
    below = f"{name}/{hashlib.sha256(page).hexdigest()}.html"
    put(tmp_path / "mirror", "targets/studio", page)  # as a mirror kept it before
    async with placed(tmp_path / "mirror") as place:
        place.upstream.files |= {name: plan, "targets/studio": page, below: page}
        for odd in ("targets/studio", below):
            assert (await get(f"{place.url}/{odd}"))[0] == 404
        assert await get(f"{place.url}/{name}") == (200, plan)
        assert (place.folder / name).read_bytes() == plan
        assert place.upstream.asked == {name: 1}


async def test_what_changes_is_asked_for_again_and_what_does_not_is_not(eager: Place) -> None:
    names = ("metadata/timestamp.json", "metadata/3.snapshot.json")
    for content in (METADATA, METADATA * 1 + b" "):
        eager.upstream.files |= dict.fromkeys(names, content)
        for name in names:
            await get(f"{eager.url}/{name}")
    assert eager.upstream.asked == {names[0]: 2, names[1]: 1}
    assert (await get(f"{eager.url}/{names[0]}"))[1] == METADATA + b" "


async def test_two_hundred_that_ask_for_news_ask_the_source_once(place: Place) -> None:
    name = "metadata/timestamp.json"
    place.upstream.files[name] = METADATA
    await asyncio.gather(*(get(f"{place.url}/{name}") for _ in range(200)))
    await asyncio.gather(*(get(f"{place.url}/metadata/2.root.json") for _ in range(200)))
    assert place.upstream.asked == {name: 1, "metadata/2.root.json": 1}


async def test_metadata_that_is_none_is_not_kept(place: Place) -> None:
    name = "metadata/timestamp.json"
    for rubbish in (b"<html>Log in to the hotel's network</html>", b"[]", b"{}", b"[" * 100_000):
        place.upstream.files[name] = rubbish
        assert (await get(f"{place.url}/{name}"))[0] == 503
    assert not (place.folder / name).exists()


async def test_a_root_that_nobody_signed_does_not_stay(tmp_path: Path) -> None:
    name = "metadata/2.root.json"
    async with placed(tmp_path / "mirror", Manners(fresh=0, versioned=0)) as place:
        place.upstream.files[name] = METADATA
        assert (await get(f"{place.url}/{name}"))[0] == 200
        del place.upstream.files[name]
        assert (await get(f"{place.url}/{name}"))[0] == 404
        assert not (place.folder / name).exists()


async def test_while_the_source_is_away_what_is_here_is_served(eager: Place) -> None:
    name, timestamp = eager.upstream.add(DATA), "metadata/timestamp.json"
    eager.upstream.files[timestamp] = METADATA
    for each in (name, timestamp):
        await get(f"{eager.url}/{each}")
    eager.upstream.away = True
    assert await get(f"{eager.url}/{name}") == (200, DATA)
    assert await get(f"{eager.url}/{timestamp}") == (200, METADATA)
    assert (await get(f"{eager.url}/metadata/9.snapshot.json"))[0] == 503
    # Which nodes ask for each time, and take for the end of the roots.
    assert (await get(f"{eager.url}/metadata/9.root.json"))[0] == 404


async def test_a_source_that_is_away_is_not_waited_for_by_each_that_asks(
    tmp_path: Path,
) -> None:
    timestamp = "metadata/timestamp.json"
    async with placed(tmp_path / "mirror", Manners(fresh=0, away=1000)) as place:
        place.upstream.files[timestamp] = METADATA
        await get(f"{place.url}/{timestamp}")
        place.upstream.away = True
        for _ in range(3):
            assert await get(f"{place.url}/{timestamp}") == (200, METADATA)
            assert (await get(f"{place.url}/metadata/2.root.json"))[0] == 404
        assert place.upstream.asked == {timestamp: 2}


async def test_a_source_that_nobody_listens_at_is_told_as_away(tmp_path: Path) -> None:
    async with mirroring("http://127.0.0.1:1", tmp_path / "mirror") as url:
        assert (await get(f"{url}/metadata/timestamp.json"))[0] == 503


async def test_what_is_here_is_served_after_a_restart_and_what_was_torn_is_gone(
    tmp_path: Path,
) -> None:
    upstream, folder = Upstream(), tmp_path / "mirror"
    name, torn = upstream.add(DATA), upstream.add(DATA[::-1])
    async with upstream.served() as source:
        async with mirroring(source, folder) as url:
            await get(f"{url}/{name}")
            upstream.gate = asyncio.Event()
            upstream.half_way.clear()
            asking = asyncio.create_task(get(f"{url}/{torn}"))
            await upstream.half_way.wait()
            left = folder / ".parts/of-a-killed-one"
            left.write_bytes(b"torn")
        with pytest.raises(aiohttp.ClientError):
            await asking
        upstream.gate.set()
        async with mirroring(source, folder) as url:
            assert not left.exists()
            assert await get(f"{url}/{name}") == (200, DATA)
            assert await get(f"{url}/{torn}") == (200, DATA[::-1])
    assert upstream.asked == {name: 1, torn: 2}


async def test_what_was_used_longest_ago_goes_first_and_metadata_stays(tmp_path: Path) -> None:
    upstream, folder = Upstream(), tmp_path / "mirror"
    names = [upstream.add(bytes([number]) * MB) for number in range(4)]
    upstream.files["metadata/1.root.json"] = METADATA
    async with upstream.served() as source, mirroring(source, folder, most=3 * MB) as url:
        for name in ("metadata/1.root.json", *names[:3], names[0], names[3]):
            assert (await get(f"{url}/{name}"))[0] == 200
    kept = [(folder / name).exists() for name in names]
    assert kept == [True, False, True, True]
    assert (folder / "metadata/1.root.json").exists()


async def test_of_metadata_the_newest_versions_stay_and_all_roots(place: Place) -> None:
    roles, versions = ("snapshot", "field", "field.camera", "root"), range(1, 26)
    for version in versions:
        for role in roles:
            name = f"metadata/{version}.{role}.json"
            place.upstream.files[name] = METADATA
            assert (await get(f"{place.url}/{name}"))[0] == 200
    kept = {path.name for path in (place.folder / "metadata").iterdir()}
    assert kept == {
        f"{version}.{role}.json"
        for role in roles
        for version in versions
        if version > 5 or role == "root"
    }


async def test_a_full_disk_keeps_nobody_from_their_files(tmp_path: Path) -> None:
    folder, upstream = tmp_path / "small", Upstream()
    folder.mkdir()
    name = upstream.add(DATA)
    run(["mount", "-t", "tmpfs", "-o", "size=33m", "small", str(folder)])
    try:
        async with upstream.served() as source, mirroring(source, folder / "mirror") as url:
            assert await get(f"{url}/{name}") == (200, DATA)
            assert await get(f"{url}/{name}", Range="bytes=1999990-") == (206, DATA[1_999_990:])
            assert not list((folder / "mirror/.parts").glob("*"))
    finally:
        run(["umount", str(folder)])


async def test_on_a_full_disk_what_is_used_longest_ago_goes_for_what_is_wanted(
    tmp_path: Path,
) -> None:
    folder, upstream = tmp_path / "small", Upstream()
    folder.mkdir()
    names = [upstream.add(bytes([number]) + DATA) for number in range(3)]
    too_large = upstream.add(DATA * 4)
    run(["mount", "-t", "tmpfs", "-o", "size=37m", "small", str(folder)])
    try:
        async with upstream.served() as source, mirroring(source, folder / "mirror") as url:
            for name in (names[0], names[1], names[0], names[2], names[2], names[0]):
                assert (await get(f"{url}/{name}"))[0] == 200
            assert upstream.asked == dict.fromkeys(names, 1)
            kept = [(folder / "mirror" / name).exists() for name in names]
            assert kept == [True, False, True]
            assert await get(f"{url}/{too_large}") == (200, DATA * 4)
            assert (folder / "mirror" / names[0]).exists()  # nothing goes in vain
    finally:
        run(["umount", str(folder)])


async def test_a_disk_that_fills_up_meanwhile_keeps_nobody_from_their_files(tmp_path: Path) -> None:
    folder, upstream = tmp_path / "small", Upstream()
    folder.mkdir()
    name, upstream.gate = upstream.add(DATA), asyncio.Event()
    run(["mount", "-t", "tmpfs", "-o", "size=35m", "small", str(folder)])
    try:
        async with upstream.served() as source, mirroring(source, folder / "mirror") as url:
            asking = asyncio.create_task(get(f"{url}/{name}"))
            await upstream.half_way.wait()
            with suppress(OSError), (folder / "others").open("wb") as others:
                while True:
                    others.write(bytes(MB))
            upstream.gate.set()
            with suppress(aiohttp.ClientError):  # a part of it went out before
                assert await asking == (200, DATA)
            assert await get(f"{url}/{name}") == (200, DATA)
    finally:
        run(["umount", str(folder)])
