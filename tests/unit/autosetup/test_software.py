"""A tree of software is read as it is, or refused: nothing of it lies or leads elsewhere."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable

import pytest

from autosetup.software import Entry, read_tree
from tests.unit.autosetup.sample_trees import tree

Change = Callable[[tarfile.TarInfo], None]


def test_files_links_and_what_may_be_run_are_read() -> None:
    found = read_tree(tree({"bin/run": b"#!/bin/sh\n", "README": b"hello"}, {"start": "bin/run"}))
    assert found == {
        "bin/run": Entry(b"#!/bin/sh\n", 0o755),
        "README": Entry(b"hello"),
        "start": Entry(None, target="bin/run"),
    }


@pytest.mark.parametrize(
    "target", ["/etc/shadow", "../x", "a/../../x", "..", "./../x"], ids=lambda text: text
)
def test_a_link_that_leads_out_is_refused(target: str) -> None:
    with pytest.raises(ValueError, match="leads out"):
        read_tree(tree({}, {"link": target}))


def test_a_link_that_leads_out_over_another_one_is_refused() -> None:
    with pytest.raises(ValueError, match="leads out"):
        read_tree(tree({"a/b/x": b""}, {"a/b/up": "../..", "out": "a/b/up/../../etc"}))


def test_a_link_within_is_taken() -> None:
    assert read_tree(tree({"a": b""}, {"b/c/link": "../../a"}))["b/c/link"].target == "../../a"


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/../../x", "a//b", "a/./b"])
def test_a_name_that_leads_out_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="lie elsewhere"):
        read_tree(tree({name: b""}))


def test_what_lies_below_a_link_or_a_file_is_refused() -> None:
    for above in ({"a": "b"}, {}):
        with pytest.raises(ValueError, match="no folder"):
            read_tree(tree({**({} if above else {"a": b""}), "a/x": b""}, above))


@pytest.mark.parametrize("kind", [tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_what_is_neither_file_folder_nor_link_is_refused(kind: bytes) -> None:
    entry = tarfile.TarInfo("x")
    entry.type, entry.linkname = kind, "/etc/shadow"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(entry)
    with pytest.raises(ValueError, match="neither file, folder nor link"):
        read_tree(buffer.getvalue())


def test_a_file_that_claims_more_than_any_software_is_refused() -> None:
    entry = tarfile.TarInfo("x")
    entry.size = 1 << 40
    with pytest.raises(ValueError, match=r"larger|whole"):
        read_tree(entry.tobuf() + bytes(1024))


@pytest.mark.parametrize("raw", [b"", b"no tar", tree({"a": b"x" * 2000})[:700]])
def test_what_is_no_whole_tar_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="no whole tar"):
        read_tree(raw)


def test_a_name_twice_is_refused() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for _ in range(2):
            archive.addfile(tarfile.TarInfo("a"))
    with pytest.raises(ValueError, match="twice"):
        read_tree(buffer.getvalue())
