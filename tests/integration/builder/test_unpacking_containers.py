"""Containers unpacked into layers, and what is no container, image or archive at all."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from flasher.errors import BadInput
from flasher.process import run
from tests.integration.builder.conftest import Unpack


def pack_layer(entries: dict[str, str | None]) -> bytes:
    """A layer: files with their text, folders where there is none."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, text in entries.items():
            member = tarfile.TarInfo(name)
            member.mode = 0o755
            if text is None:
                member.type = tarfile.DIRTYPE
            else:
                member.size = len(text)
            archive.addfile(member, io.BytesIO((text or "").encode()))
    return raw.getvalue()


LAYERS = (
    {
        "top": "1",
        "etc": None,
        "etc/a": "1",
        "etc/b": "1",
        "old": None,
        "old/x": "1",
        "swap": None,
        "swap/y": "1",
    },
    {
        ".wh.top": "",
        "etc/.wh.b": "",
        "etc/.wh.never-there": "",
        "old": None,
        "old/new": "2",
        "old/.wh..wh..opq": "",  # after its neighbours: it is about layers below all the same
        "swap": "2",
        "wh.not": "2",
    },
)
WANTED = {"etc", "etc/a", "old", "old/new", "swap", "wh.not"}
PACK: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda raw: raw,
    "gzip": lambda raw: run(["gzip", "-c"], stdin=raw).output,
    "zstd": lambda raw: run(["zstd", "-c"], stdin=raw).output,
}


def save_as_docker(file: Path, layers: tuple[bytes, ...]) -> None:
    with tarfile.open(file, "w") as archive:
        names = [f"{number}/layer.tar" for number in range(len(layers))]
        for name, raw in zip(names, layers, strict=True):
            add(archive, name, raw)
        add(archive, "manifest.json", json.dumps([{"Config": "c.json", "Layers": names}]).encode())


def save_as_oci(file: Path, layers: tuple[bytes, ...]) -> None:
    def blob(archive: tarfile.TarFile, name: str, raw: bytes) -> dict[str, str]:
        add(archive, f"blobs/sha256/{name}", raw)
        return {"digest": f"sha256:{name}"}

    with tarfile.open(file, "w") as archive:
        told = [blob(archive, f"layer{number}", raw) for number, raw in enumerate(layers)]
        own = blob(archive, "own", json.dumps({"layers": told}).encode())
        other = blob(archive, "other", json.dumps({"layers": []}).encode())
        platforms = [
            {**own, "platform": {"architecture": "amd64"}},
            {**other, "platform": {"architecture": "riscv64"}},
        ]
        inner = blob(archive, "inner", json.dumps({"manifests": platforms}).encode())
        add(archive, "index.json", json.dumps({"manifests": [inner]}).encode())


def add(archive: tarfile.TarFile, name: str, raw: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(raw)
    archive.addfile(member, io.BytesIO(raw))


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize("save", [save_as_docker, save_as_oci])
def test_whiteouts_of_a_layer_take_away_what_is_below_before_its_own_files_come(
    tmp_path: Path, unpack: Unpack, save: Callable[..., None], packing: str
):
    file = tmp_path / "image.tar"
    save(file, tuple(PACK[packing](pack_layer(dict(layer))) for layer in LAYERS))
    tree = unpack("oci", file)
    assert {str(path.relative_to(tree)) for path in tree.rglob("*")} == WANTED
    assert (tree / "swap").read_text() == "2"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    faulty = {
        "empty": b"",
        "text": b"no archive\n" * 999,
        "other": pack_layer({"a": "b"}),
    }
    for name, raw in faulty.items():
        (tmp_path / name).write_bytes(raw)
    return {name: tmp_path / name for name in faulty}


@pytest.mark.parametrize("form", ["image", "oci"])
@pytest.mark.parametrize("name", ["empty", "text", "other"])
def test_what_is_something_else_is_told_in_words(
    unpack: Unpack, files: dict[str, Path], form: str, name: str
):
    with pytest.raises(BadInput) as caught:
        unpack(form, files[name])
    assert caught.value.hint
