"""Images from a real HTTP server that breaks off, changes its mind, and goes away."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from flasher import paths
from flasher.errors import BadInput, Cancelled, FlasherError
from flasher.events import CancelFlag, Event, Noted, StepAdvanced, ignore
from flasher.image import fetch
from flasher.image.blocks import FileBlocks
from flasher.image.bmap import map_blocks, write_bmap
from flasher.image.fetch import fetch_image
from flasher.image.source import open_image

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


LARGE = bytes(range(256)) * 400


@dataclass
class Shop:
    """What a server has, and how it behaves.

    Attributes:
        files: by name.
        etag: of all files; "" where it tells none.
        breaks: after how many bytes each coming answer breaks off.
        asked: what it was asked for: name, range, condition.
        says: the status of every answer; 0 for the right one.
        kind: of all files, as MIME calls it; "" where it tells none.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    etag: str = '"1"'
    breaks: list[int] = field(default_factory=list)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    says: int = 0
    kind: str = ""
    url: str = ""

    def about(self, name: str) -> list[tuple[str, str, str]]:
        return [each for each in self.asked if each[0] == name]


class Handler(BaseHTTPRequestHandler):
    """Answers as the shop behaves."""

    protocol_version = "HTTP/1.1"
    shop: ClassVar[Shop]

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        shop, name = self.shop, self.path.rpartition("/")[2]
        wanted = self.headers.get("Range", "")
        shop.asked.append((name, wanted, self.headers.get("If-None-Match", "")))
        data = shop.files.get(name)
        if data is None or shop.says:
            self.answer(shop.says or 404, b"nothing here")
        elif shop.etag and self.headers.get("If-None-Match") == shop.etag:
            self.answer(304, b"")
        elif wanted and self.headers.get("If-Range") == shop.etag:
            rest = data[int(re.findall(r"\d+", wanted)[0]) :]
            self.answer(206 if rest else 416, rest)
        else:
            self.answer(200, data)

    def answer(self, status: int, data: bytes) -> None:
        self.send_response(status)
        if self.shop.etag:
            self.send_header("ETag", self.shop.etag)
        if self.shop.kind:
            self.send_header("Content-Type", self.shop.kind)
        if status != 304:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        breaks = self.shop.breaks if len(data) > 1000 else []
        end = breaks.pop(0) if breaks else len(data)
        self.wfile.write(data[:end])
        self.close_connection = self.close_connection or end < len(data)


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    Handler.shop = shop
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        shop.url = f"http://127.0.0.1:{server.server_port}/images/"
        yield shop
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_PAUSES_SECONDS", (0.0, 0.0, 0.0))


@pytest.fixture
def set_of_files(base_image: Path) -> dict[str, bytes]:
    """An image as people hand it out, with all that lies beside it."""
    packed = zstd.compress(base_image.read_bytes(), 1)
    with FileBlocks(base_image) as blocks:
        bmap = write_bmap(map_blocks(blocks))
    files = {"base.img.zst": packed, "base.bmap": bmap}
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items())
    return {**files, "SHA256SUMS": sums.encode()}


def fetched(url: str, emit: Callable[[Event], None] = ignore) -> Path:
    return fetch_image(url, emit=emit, cancel=CancelFlag())


def test_an_image_is_fetched_with_its_papers_and_opened(
    shop: Shop, set_of_files: dict[str, bytes], base_image: Path
) -> None:
    shop.files = set_of_files
    path = fetched(f"{shop.url}base.img.zst")
    assert {p.name for p in path.parent.iterdir()} == {*set_of_files, "about.json"}
    image = open_image(path)
    image.prove()
    assert image.path.read_bytes() == base_image.read_bytes()


def test_an_image_that_is_not_what_its_papers_say_is_refused(
    shop: Shop, set_of_files: dict[str, bytes]
) -> None:
    spoiled = bytearray(set_of_files["base.img.zst"])
    spoiled[-1] ^= 1
    shop.files = {**set_of_files, "base.img.zst": bytes(spoiled)}
    with pytest.raises(BadInput):
        open_image(fetched(f"{shop.url}base.img.zst")).prove()


def test_where_it_breaks_off_it_goes_on(shop: Shop) -> None:
    shop.files, shop.breaks = {"base.img": LARGE * 40}, [600_000, 10, 300_000]
    assert fetched(f"{shop.url}base.img").read_bytes() == LARGE * 40
    first, second, third, fourth = (wanted for _, wanted, _ in shop.about("base.img"))
    assert (first, second) == ("", third)
    assert 0 < int(second[6:-1]) <= 600_000 < int(fourth[6:-1]) <= 900_000


def test_what_was_stopped_goes_on_in_the_next_run(shop: Shop) -> None:
    shop.files = {"base.img": LARGE * 20}
    cancel = CancelFlag()

    def stop(event: Event) -> None:
        if isinstance(event, StepAdvanced):
            cancel.set()

    with pytest.raises(Cancelled):
        fetch_image(f"{shop.url}base.img", emit=stop, cancel=cancel)
    shop.asked.clear()
    assert fetched(f"{shop.url}base.img").read_bytes() == shop.files["base.img"]
    assert shop.about("base.img")[0][1].startswith("bytes=")


def test_a_part_of_another_version_is_not_gone_on_with(shop: Shop) -> None:
    shop.files, shop.breaks = {"base.img": LARGE}, [5000, 0, 0, 0, 0]
    with pytest.raises(FlasherError, match="cannot be fetched") as caught:
        fetched(f"{shop.url}base.img")
    assert caught.value.code == "network-down"
    shop.etag = '"2"'
    shop.breaks.clear()
    shop.files = {"base.img": b"new" * 5000}
    assert fetched(f"{shop.url}base.img").read_bytes() == b"new" * 5000


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_without_a_name_for_its_version_a_part_is_fetched_anew(etag: str, shop: Shop) -> None:
    shop.etag, shop.files, shop.breaks = etag, {"base.img": LARGE}, [5000]
    assert fetched(f"{shop.url}base.img").read_bytes() == LARGE
    assert [wanted for _, wanted, _ in shop.about("base.img")] == ["", ""]


def test_what_is_here_is_not_fetched_again_until_it_changes(
    shop: Shop, set_of_files: dict[str, bytes]
) -> None:
    shop.files = set_of_files
    path = fetched(f"{shop.url}base.img.zst")
    shop.asked.clear()
    assert fetched(f"{shop.url}base.img.zst") == path
    assert shop.asked == [("base.img.zst", "", '"1"')]
    shop.etag, shop.files = '"2"', {"base.img.zst": b"new" * 5000}
    assert fetched(f"{shop.url}base.img.zst").read_bytes() == b"new" * 5000
    assert {p.name for p in path.parent.iterdir()} == {"base.img.zst", "about.json"}


def test_several_programs_that_want_the_same_fetch_it_once(shop: Shop) -> None:
    shop.files = {"base.img": LARGE * 40}
    with ThreadPoolExecutor(4) as programs:
        found = list(programs.map(fetched, [f"{shop.url}base.img"] * 4))
    assert {path.read_bytes() for path in found} == {LARGE * 40}
    assert sorted(condition for _, _, condition in shop.about("base.img")) == ["", *['"1"'] * 3]


def test_a_page_that_a_network_shows_instead_is_no_newer_image(shop: Shop) -> None:
    shop.files = {"base.img": LARGE}
    path = fetched(f"{shop.url}base.img")
    shop.etag, shop.kind = '"2"', "text/html; charset=utf-8"
    shop.files = {"base.img": b"<html>Log in, please</html>"}
    with pytest.raises(FlasherError) as caught:
        fetched(f"{shop.url}base.img")
    assert caught.value.code == "download-failed"
    assert path.read_bytes() == LARGE


def test_without_a_network_what_was_fetched_before_is_used_and_that_is_told(
    shop: Shop, set_of_files: dict[str, bytes]
) -> None:
    shop.files = set_of_files
    path = fetched(f"{shop.url}base.img.zst")
    shop.says = 503
    told: list[Event] = []
    assert fetched(f"{shop.url}base.img.zst", told.append) == path
    assert any(isinstance(event, Noted) and event.warning for event in told)


@pytest.mark.parametrize("status", [404, 403])
def test_a_password_in_an_address_is_told_to_the_server_alone(shop: Shop, status: int) -> None:
    shop.says = status
    with pytest.raises(FlasherError) as caught:
        fetched(f"{shop.url}base.img".replace("//", "//ada:pass@word@"))
    assert f"{shop.url}base.img" in caught.value.message
    assert not re.search("ada|pass|word", f"{caught.value.message} {caught.value.hint}")


@pytest.mark.parametrize(
    ("says", "code"),
    [(404, "image-gone"), (403, "download-failed"), (500, "network-down")],
)
def test_what_cannot_be_fetched_says_why(says: int, code: str, shop: Shop) -> None:
    shop.says = says
    with pytest.raises(FlasherError) as caught:
        fetched(f"{shop.url}base.img.zst")
    assert caught.value.code == code


def test_nobody_there_is_told_as_no_network() -> None:
    with pytest.raises(FlasherError) as caught:
        fetched("http://127.0.0.1:9/base.img")
    assert caught.value.code == "network-down"
    assert not list((paths.cache() / "images/fetched").rglob("*.img"))
