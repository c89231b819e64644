"""Payloads from folders and archives: read whole, or refused for what no payload holds."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from autosetup import archive
from autosetup.archive import read_payload
from autosetup.faults import Faulty
from autosetup.payload import read_folder


def zipped(files: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as made_of:
        for name, data in files.items():
            made_of.writestr(name, data)
    return made.getvalue()


def tarred(files: Mapping[str, bytes], kind: str = "") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=f"w:{kind}") as made_of:  # type: ignore[call-overload]
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            made_of.addfile(entry, io.BytesIO(data))
    return made.getvalue()


def saved(folder: Path, raw: bytes) -> Path:
    path = folder / "payload"
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize("prefix", ["", "autosetup/", "./autosetup/"])
@pytest.mark.parametrize(
    "pack",
    [
        zipped,
        tarred,
        lambda files: tarred(files, "gz"),
        lambda files: tarred(files, "bz2"),
        lambda files: tarred(files, "xz"),
    ],
    ids=["zip", "tar", "gz", "bz2", "xz"],
)
def test_an_archive_of_the_folder_or_of_what_is_in_it_is_read(
    tmp_path: Path, raw: dict[str, bytes], pack: Callable[[Mapping[str, bytes]], bytes], prefix: str
) -> None:
    packed = {f"{prefix}{name}": data for name, data in raw.items()}
    litter = {f"{prefix}.DS_Store": b"", f"{prefix}status.json": b"{}", f"{prefix}log.txt": b""}
    assert read_payload(saved(tmp_path, pack(packed | litter))) == raw


def test_a_folder_is_read(tmp_path: Path, raw: dict[str, bytes]) -> None:
    for name, data in raw.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    assert read_payload(tmp_path) == raw
    (tmp_path / "files/link").symlink_to("/etc/shadow")
    with pytest.raises(Faulty, match="files/link is a link"):
        read_payload(tmp_path)


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "a\\x", "./../x", "a/./x"])
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_file_that_would_lie_elsewhere_is_refused(
    tmp_path: Path, pack: Callable[[Mapping[str, bytes]], bytes], name: str
) -> None:
    # A name with a hidden part is litter, and is not even looked at.
    try:
        assert read_payload(saved(tmp_path, pack({"manifest.json": b"", name: b""}))) == {
            "manifest.json": b""
        }
    except Faulty as faulty:
        assert "would lie elsewhere" in str(faulty)  # noqa: PT017


def test_a_pipe_in_a_folder_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Faulty, match="pipe is no plain file"):
        read_payload(tmp_path)
    with pytest.raises(OSError, match="No plain file"):
        read_folder(tmp_path)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as made_of:
        entry = tarfile.TarInfo("files/x")
        entry.type, entry.linkname = kind, "/etc/shadow"
        made_of.addfile(entry)
    with pytest.raises(Faulty, match="no plain file"):
        read_payload(saved(tmp_path, made.getvalue()))


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as made_of:
        entry = zipfile.ZipInfo("files/x")
        entry.external_attr = 0o120777 << 16
        made_of.writestr(entry, "/etc/shadow")
    with pytest.raises(Faulty, match="no plain file"):
        read_payload(saved(tmp_path, made.getvalue()))


@pytest.mark.parametrize(
    "pack", [zipped, lambda files: tarred(files, "gz"), lambda files: tarred(files, "xz")]
)
def test_a_small_archive_of_huge_files_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pack: Callable[[Mapping[str, bytes]], bytes],
) -> None:
    monkeypatch.setattr(archive, "_MOST_BYTES", 1 << 20)
    bomb = {name: bytes(400 << 10) for name in ("a", "b", "c")}
    with pytest.raises(Faulty, match="larger than any payload"):
        read_payload(saved(tmp_path, pack(bomb)))


def test_a_zip_that_lies_about_a_size_is_refused(tmp_path: Path) -> None:
    honest = zipped({"a": bytes(4096)})
    size = (4096).to_bytes(4, "little")
    with pytest.raises(Faulty):
        read_payload(saved(tmp_path, honest.replace(size, (1).to_bytes(4, "little"))))


def test_a_tar_whose_headers_are_huge_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_MOST_BYTES", 1 << 20)
    entry = tarfile.TarInfo("a")
    entry.pax_headers = {"comment": "x" * (4 << 20)}
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz", format=tarfile.PAX_FORMAT) as made_of:
        made_of.addfile(entry)
    with pytest.raises(Faulty):
        read_payload(saved(tmp_path, made.getvalue()))


def test_a_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    twice = tarred({"a": b"1"})[:1024] + tarred({"a": b"2"})
    with pytest.raises(Faulty, match="twice"):
        read_payload(saved(tmp_path, twice))


@pytest.mark.parametrize("raw", [b"", b"no archive", b"PK\x03\x04", b"\x1f\x8b\x08\x00"])
def test_what_is_no_archive_is_said(tmp_path: Path, raw: bytes) -> None:
    with pytest.raises(Faulty, match="no whole zip or tar"):
        read_payload(saved(tmp_path, raw))


@pytest.mark.parametrize("pack", [zipped, lambda files: tarred(files, "gz")])
def test_no_cut_of_an_archive_is_half_accepted(
    tmp_path: Path, raw: dict[str, bytes], pack: Callable[[Mapping[str, bytes]], bytes]
) -> None:
    whole = pack(raw)
    step = max(1, len(whole) // 40)
    for length in (*range(0, len(whole) - 1, step), *range(len(whole) - 20, len(whole))):
        with pytest.raises(Faulty):
            read_payload(saved(tmp_path, whole[:length]))
