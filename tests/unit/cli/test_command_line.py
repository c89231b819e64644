"""The command line's promises to people and scripts."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import pytest

from flasher.cli import COMMANDS, main
from flasher.sizes import parse_size


def error_of(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, object]:
    status = main([*argv, "--json"])
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(content["flasher"] == 1 for content in objects)
    content: dict[str, object] = next(o for o in objects if o["kind"] == "error")
    assert content["exit"] == status
    return content


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_shows_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert f"flasher {command}" in shown.split("example:")[1]


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["nonsense"], "usage"),
        (["profile", "check", "no-such"], "no-such-profile"),
        (["site", "check", "no-such"], "no-such-site"),
        (["prepare", "--scanner", "body-16x7"], "usage"),
        (
            ["prepare", "--scanner", "body-16x7", "--site", "demo", "--node", "x", "--to", "y"],
            "no-such-node",
        ),
        (
            ["prepare", "--scanner", "body-16x7", "--site", "demo", "--next", "--to", "y"],
            "no-such-drive",
        ),
        (
            ["prepare", "--scanner=body-16x7", "--site=demo", "--next", "--to=y", "--size=4G"],
            "no-image",
        ),
        (["site", "new", "Bad Name", "--password-fd", "9"], "bad-value"),
        (["site", "new", "ok", "--ssid", "Rig"], "no-country"),
        (["site", "new", "ok"], "no-secret"),
    ],
)
def test_what_cannot_be_asked_ends_with_2_and_a_hint(
    argv: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error = error_of(capsys, *argv)
    assert error["code"] == code
    assert error["exit"] == 2
    assert error["hint"]


def test_errors_for_people_go_to_the_error_stream(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "show", "body-16x8"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Did you mean body-16x7?" in shown.err


def test_without_a_terminal_the_wizard_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "flasher --help" in capsys.readouterr().err


def test_secrets_come_through_a_descriptor_and_never_show(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("correct horse\n")
    argv = ["site", "new", "studio", "--ssid", "Rig", "--country", "DE"]
    with secret.open() as password, secret.open() as passphrase:
        fds = [os.dup(stream.fileno()) for stream in (password, passphrase)]
        status = main([*argv, "--password-fd", str(fds[0]), "--passphrase-fd", str(fds[1])])
    assert status == 0
    assert main(["site", "show", "studio"]) == 0
    shown = capsys.readouterr()
    assert "Rig (wpa-psk), country DE" in shown.out
    assert "correct horse" not in shown.out + shown.err


@pytest.mark.parametrize("text", ["", "0", "8X", "-1G", "999999999T"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="no size"):
        parse_size(text)


def test_an_empty_password_is_never_taken(capsys: pytest.CaptureFixture[str]) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    error = error_of(capsys, "site", "new", "studio", "--password-fd", str(nothing))
    assert error["code"] == "empty-secret"
    assert main(["site", "show", "studio"]) == 2


def test_a_descriptor_that_is_not_open_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    error = error_of(capsys, "site", "new", "studio", "--password-fd", "987")
    assert error["code"] == "unreadable-secret"


@pytest.mark.parametrize(("text", "size"), [("8G", 8 << 30), ("512m", 512 << 20), ("4096", 4096)])
def test_sizes_are_read_as_people_type_them(text: str, size: int) -> None:
    assert parse_size(text) == size
