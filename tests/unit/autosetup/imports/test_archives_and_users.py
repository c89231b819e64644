"""The seed project's archives and `userconf.txt`: taken over safely, or told why not."""

from __future__ import annotations

import io
import stat
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autosetup.faults import Fault, Faulty
from autosetup.imports.seed_zip import SeedZip, read_seed_zip
from autosetup.imports.userconf import read_userconf
from tests.unit.autosetup.imports.samples import (
    CAMNODE,
    CENTRALNODE,
    PRIVATE,
    USERCONF,
    zipped,
)
from tests.unit.autosetup.sample_payloads import HASH, public_key

CAM, CENTRAL = "autosetup_camnode.zip", "autosetup_centralnode.zip"


def faults_of(raw: bytes, file: str = CAM) -> tuple[Fault, ...]:
    with pytest.raises(Faulty) as caught:
        read_seed_zip(file, raw)
    return caught.value.faults


def read_cam(raw: bytes) -> SeedZip | None:
    try:
        return read_seed_zip(CAM, raw)
    except Faulty:
        return None


def test_a_camera_nodes_archive_brings_its_key_and_script() -> None:
    seed = read_seed_zip(CAM, zipped(CAMNODE))
    assert (seed.role, seed.authorized_key, seed.private_key) == ("camnode", public_key(), None)
    assert seed.files == CAMNODE


def test_the_central_nodes_archive_brings_the_key_to_the_others_apart() -> None:
    seed = read_seed_zip(CENTRAL, zipped(CENTRALNODE))
    assert (seed.role, seed.private_key) == ("centralnode", PRIVATE)
    assert PRIVATE not in seed.files.values()
    assert "BEGIN" not in repr(seed)


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({**CAMNODE, "NODETYPE": b"CENTRALNODE\n"}, "is not CAMNODE"),
        ({k: v for k, v in CAMNODE.items() if k != "NODETYPE"}, "no NODETYPE"),
        ({k: v for k, v in CAMNODE.items() if k != "camnode.pub"}, "nobody could log in"),
        ({**CAMNODE, "camnode.pub": PRIVATE}, "private key"),
        ({**CAMNODE, "camnode.pub": b"\xff"}, "one line"),
        ({**CAMNODE, "../../etc/passwd": b""}, "without a folder"),
        ({**CAMNODE, "/etc/passwd": b""}, "without a folder"),
        ({**CAMNODE, "folder/x": b""}, "without a folder"),
        ({**CAMNODE, "folder/": b""}, "without a folder"),
        ({**CAMNODE, "a\\b": b""}, "without a folder"),
        ({**CAMNODE, ".hidden": b""}, "without a folder"),
        ({**CAMNODE, "nodetype": b""}, "twice"),
        ({**CAMNODE, **{f"f{n}": b"" for n in range(40)}}, "At most"),
        ({**CAMNODE, "bomb": bytes(64 << 20)}, "larger than 1 MiB"),
    ],
)
def test_what_an_archive_must_not_hold_is_told(members: dict[str, bytes], told: str) -> None:
    assert any(told in str(fault) for fault in faults_of(zipped(members)))


@pytest.mark.parametrize("count", [0, 2])
def test_the_central_node_has_one_key_to_the_others(count: int) -> None:
    keys = {f"{n}.priv": PRIVATE for n in range(count)}
    members = {k: v for k, v in CENTRALNODE.items() if k != "camnode.priv"}
    assert any("private keys" in f.what for f in faults_of(zipped({**members, **keys}), CENTRAL))


def test_a_private_key_that_is_none_is_told_without_a_part_of_it() -> None:
    (fault,) = faults_of(zipped({**CENTRALNODE, "camnode.priv": b"hunter2"}), CENTRAL)
    assert fault.file == f"{CENTRAL}/camnode.priv"
    assert "hunter2" not in str(fault)


def test_a_link_is_refused() -> None:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        link = zipfile.ZipInfo("autosetup.sh")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/shadow")
    assert any("no plain file" in fault.what for fault in faults_of(raw.getvalue()))


def test_an_encrypted_archive_is_refused() -> None:
    raw = bytearray(zipped(CAMNODE))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for start in [n for n in range(len(raw)) if raw.startswith(mark, n)]:
            raw[start + at] |= 1
    assert any("packed in a way" in fault.what for fault in faults_of(bytes(raw)))


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_the_two_usual_ways_of_packing_are_known(kind: int) -> None:
    assert any("packed in a way" in f.what for f in faults_of(zipped(CAMNODE, kind)))


def test_a_member_that_lies_about_its_size_is_cut_short() -> None:
    raw = zipped({**CAMNODE, "bomb": bytes(64 << 20)})
    size = (64 << 20).to_bytes(4, "little")
    assert size in raw
    assert faults_of(raw.replace(size, (9).to_bytes(4, "little")))


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_no_change_of_an_archive_crashes_the_reader(data: st.DataObject) -> None:
    raw = zipped(CAMNODE)
    at = data.draw(st.integers(0, len(raw) - 1))
    changed = raw[:at] + data.draw(st.binary(max_size=4)) + raw[at + data.draw(st.integers(0, 4)) :]
    found = read_cam(changed)
    assert found is None or found.authorized_key == public_key()


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\n\n"])
def test_the_first_line_names_the_user(end: bytes) -> None:
    raw = b"\xef\xbb\xbf" + USERCONF.rstrip() + end
    assert read_userconf("userconf.txt", raw) == ("maker", HASH)


@pytest.mark.parametrize(
    ("raw", "line", "column"),
    [
        (b"", 1, 1),
        (b"maker", 1, 1),
        (f"root:{HASH}".encode(), 1, 1),
        (f"Maker:{HASH}".encode(), 1, 1),
        (f"{'m' * 33}:{HASH}".encode(), 1, 1),
        (f"_m:{HASH}".encode(), 1, 1),
        (b"maker:hunter2", 1, 7),
        (b"maker:", 1, 7),
        (USERCONF + USERCONF, 2, 1),
        (b"\xff\xfem\0", 1, 3),
    ],
)
def test_another_line_is_refused_with_its_place(raw: bytes, line: int, column: int) -> None:
    with pytest.raises(Faulty) as caught:
        read_userconf("userconf.txt", raw)
    (fault,) = caught.value.faults
    assert (fault.line, fault.column) == (line, column)
    assert "hunter2" not in str(fault)
