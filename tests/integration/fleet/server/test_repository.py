"""A repository as it is served."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from tests.integration.fleet.server.served import MB, METADATA, blob_of, get, put, serving_folder

DATA = bytes(range(256)) * 4096  # 1 MiB
NAME = blob_of(DATA)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    put(folder, NAME, DATA)
    put(folder, "metadata/timestamp.json", METADATA)
    put(folder, "metadata/1.root.json", METADATA)
    return folder


async def test_a_file_comes_as_it_is(folder: Path) -> None:
    async with serving_folder(folder) as url:
        assert await get(f"{url}/{NAME}") == (200, DATA)


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-9", slice(0, 10)),
        ("bytes=1000000-", slice(1_000_000, None)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=-99999999", slice(0, None)),
        (f"bytes=5-{10 * MB}", slice(5, None)),
    ],
)
async def test_a_part_of_it_comes_alone(folder: Path, asked: str, part: slice) -> None:
    async with serving_folder(folder) as url:
        status, data = await get(f"{url}/{NAME}", Range=asked)
        assert data == DATA[part]
        assert status == (200 if len(data) == len(DATA) else 206)


async def test_what_lies_behind_its_end_cannot_be_had(folder: Path) -> None:
    async with serving_folder(folder) as url:
        assert (await get(f"{url}/{NAME}", Range=f"bytes={len(DATA)}-"))[0] == 416


@pytest.mark.parametrize("asked", ["bytes=x-y", "lines=1-2", "bytes=9-3", "bytes=0-1,5-6", ""])
async def test_whoever_asks_for_no_single_part_gets_the_whole(folder: Path, asked: str) -> None:
    async with serving_folder(folder) as url:
        assert await get(f"{url}/{NAME}", Range=asked) == (200, DATA)


async def test_a_part_of_another_file_than_is_there_now_is_not_mixed_in(folder: Path) -> None:
    async with serving_folder(folder) as url:
        headers = {"Range": "bytes=5-9", "If-Range": '"another"'}
        assert await get(f"{url}/{NAME}", **headers) == (200, DATA)


async def test_what_has_not_changed_is_not_sent_again(folder: Path) -> None:
    async with serving_folder(folder) as url, aiohttp.ClientSession() as client:
        async with client.get(f"{url}/metadata/timestamp.json") as answer:
            tag, keeps = answer.headers["ETag"], answer.headers["Cache-Control"]
        assert keeps == "no-cache"
        assert (await get(f"{url}/metadata/timestamp.json", **{"If-None-Match": tag}))[0] == 304
        put(folder, "metadata/timestamp.json", METADATA * 2)
        again = await get(f"{url}/metadata/timestamp.json", **{"If-None-Match": tag})
        assert again == (200, METADATA * 2)


async def test_what_never_changes_says_so(folder: Path) -> None:
    async with serving_folder(folder) as url, aiohttp.ClientSession() as client:
        for name in (NAME, "metadata/1.root.json"):
            async with client.head(f"{url}/{name}") as answer:
                assert "immutable" in answer.headers["Cache-Control"]
                assert await answer.read() == b""


@pytest.mark.parametrize(
    "name",
    [
        *("", "metadata", "metadata/", "keys/root.pem", "secret", "metadata/.hidden.json"),
        *("../secret", "metadata/../../secret", "..%2fsecret", "metadata/%2e%2e/%2e%2e/secret"),
        *("blobs/../secret", "blobs//etc/passwd", "targets/..%5c..%5csecret", "%00", "blobs/%ff"),
        *("targets/link", "targets/out/secret", "targets/pipe", f"{NAME}/", "/etc/passwd"),
    ],
)
async def test_nothing_but_files_of_the_repository_comes_out(folder: Path, name: str) -> None:
    put(folder.parent, "secret", b"secret")
    put(folder, "secret", b"secret")
    put(folder, "keys/root.pem", b"secret")
    put(folder, "metadata/.hidden.json", b"secret")
    (folder / "targets").mkdir()
    (folder / "targets/link").symlink_to(folder.parent / "secret")
    (folder / "targets/out").symlink_to(folder.parent)
    os.mkfifo(folder / "targets/pipe")
    async with serving_folder(folder) as url:
        status, data = await get(URL(f"{url}/{name}", encoded=True))  # type: ignore[arg-type]
        assert status in (400, 404)
        assert b"secret" not in data


async def test_a_raw_path_that_climbs_gets_nothing(folder: Path) -> None:
    put(folder.parent, "secret", b"secret")
    async with serving_folder(folder) as url:
        address = URL(url)
        reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(b"GET /repository/metadata/../../secret HTTP/1.1\r\nHost: a\r\n")
        writer.write(b"Connection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert b" 404 " in answer.splitlines()[0]


async def test_a_reader_in_the_middle_of_a_release_gets_the_old_file_or_the_new_one(
    folder: Path,
) -> None:
    name = "metadata/timestamp.json"
    async with serving_folder(folder) as url:
        for number in range(20):
            part = folder / ".part"
            part.write_bytes(METADATA * (number + 1))
            part.replace(folder / name)
            assert (await get(f"{url}/{name}"))[1] == METADATA * (number + 1)


async def test_downloads_together_take_no_more_than_they_may(folder: Path) -> None:
    rate = 4 * MB
    async with serving_folder(folder, rate) as url:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        answers = await asyncio.gather(*(get(f"{url}/{NAME}") for _ in range(4)))
        took = loop.time() - begun
    assert all(data == DATA for _, data in answers)
    sent = 4 * len(DATA)
    assert sent / took < rate * 1.4  # a quarter of a second's worth may go at once
