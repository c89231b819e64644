"""What `build-base` says before it builds anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flasher.cli import main


def refused(capsys: pytest.CaptureFixture[str], *argv: str | Path) -> str:
    status = main(["build-base", "--arch", "amd64", *map(str, argv), "--json"])
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (status, told["kind"]) == (2, "error")
    return str(told["code"])


def test_a_key_that_cannot_sign_is_told_before_anything_is_built(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert refused(capsys, "--out", out, "--sign", tmp_path / "none.key") == "key-unreadable"
    key = tmp_path / "other.key"
    key.write_text("no key\n")
    assert refused(capsys, "--out", out, "--sign", key) == "key-unknown"
    assert list(out.glob("*")) == []


@pytest.mark.parametrize(
    "options", [("--lock", "a.lock", "--update"), ("--compress", "rar"), ("--sign",)]
)
def test_options_that_make_no_sense_are_told(
    options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, *options) == "usage"


def test_a_folder_that_cannot_be_is_named_and_looking_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert refused(capsys, "--out", tmp_path / "file") == "folder-unusable"
    assert refused(capsys, "--out", tmp_path / "file/below") == "folder-unusable"
    assert refused(capsys, "--out", "/proc/nothing") == "folder-unusable"
    assert refused(capsys, "--out", tmp_path, "--sign", tmp_path / "none") == "key-unreadable"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
