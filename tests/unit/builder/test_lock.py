import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builder.lock import format_lock, parse_lock, read_lock
from flasher.errors import BadInput
from tests.unit.builder.sample_lock import BASH, LOCK


def test_a_lock_read_again_is_the_same():
    assert parse_lock(format_lock(LOCK).encode()) == LOCK


def test_every_package_has_a_line_of_its_own():
    lines = format_lock(LOCK).splitlines()
    assert [json.loads(line.strip(" ,"))["name"] for line in lines if '"sha256"' in line] == [
        "bash",
        "zsh",
    ]


def test_the_name_of_the_file_is_the_last_part_of_its_address_as_people_write_it():
    assert BASH.filename == "bash_5.2.37-2_arm64.deb"
    assert replace(BASH, uri="http://d/u_1%7edeb13u1_all.deb").filename == "u_1~deb13u1_all.deb"


def spoil(change: Callable[[Any], object]) -> bytes:
    told = json.loads(format_lock(LOCK))
    change(told)
    return json.dumps(told).encode()


def package(told: Any) -> Any:
    return told["layers"][0]["packages"][1]


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (b"", "Expecting value"),
        (b"\xff\xff\xff\xff\xff", "codec"),
        (b"[]", "its format is not 1"),
        (b"[" * 100_000, "recursion"),
        (spoil(lambda told: told.update(format=2)), "its format is not 1"),
        (spoil(lambda told: told.update(layers=[])), "it has no layers"),
        (spoil(lambda told: told.update(more=1)), "lock.more is not known"),
        (spoil(lambda told: told.pop("tools")), "lock.tools is missing"),
        (spoil(lambda told: told.update(twins=[])), "lock.twins is no object"),
        (spoil(lambda told: package(told).pop("size")), "packages[1].size is missing"),
        (spoil(lambda told: package(told).update(size="1")), "packages[1].size is '1'"),
        (spoil(lambda told: package(told).update(size=-1)), "packages[1].size is -1"),
        (spoil(lambda told: package(told).update(size=True)), "packages[1].size is True"),
        (spoil(lambda told: package(told).update(sha256="ab")), "packages[1].sha256 is 'ab'"),
        (spoil(lambda told: package(told).update(name="../x")), "packages[1].name is '../x'"),
        (spoil(lambda told: package(told).update(uri="x:/..")), "packages[1].uri is 'x:/..'"),
        (spoil(lambda told: package(told).update(uri="x:/%2f.deb")), "packages[1].uri is"),
        (spoil(lambda told: package(told).update(version="1\nX: y")), "packages[1].version is"),
    ],
)
def test_what_is_no_lock_is_refused_with_its_place(tmp_path: Path, raw: bytes, where: str):
    path = tmp_path / "base.lock"
    path.write_bytes(raw)
    with pytest.raises(BadInput) as refused:
        read_lock(path)
    assert refused.value.code == "lock-faulty"
    assert where in refused.value.message


def test_a_missing_lock_is_named(tmp_path: Path):
    with pytest.raises(BadInput, match="absent") as refused:
        read_lock(tmp_path / "absent.lock")
    assert refused.value.code == "lock-unreadable"
