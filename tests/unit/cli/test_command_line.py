"""The command line's promises to people and scripts."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
from pathlib import Path

import pytest
from passlib.hash import sha512_crypt

from flasher.cli import COMMANDS, command_parser, main
from flasher.rig.site import load_site
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


@pytest.mark.parametrize(
    ("argv", "message", "hint"),
    [
        (["relase"], "There is no command 'relase'.", "Did you mean release?"),
        (["xyzzy"], "There is no command 'xyzzy'.", "`flasher --help` lists the commands."),
        (["--practise"], "`flasher` has no option --practise.", "Did you mean --practice?"),
        (
            ["release", "--sit", "studio"],
            "`flasher release` has no option --sit.",
            "Did you mean --site?",
        ),
        (
            ["release", "new", "--canry", "cam-0101"],
            "`flasher release new` has no option --canry.",
            "Did you mean --canary?",
        ),
        (
            ["release", "sign", "--scanner", "body-16x7"],
            "`flasher release sign` has no option --scanner.",
            "It is an option of `flasher release new`.",
        ),
        (
            ["--repository", "mine", "release"],
            "`flasher` has no option --repository.",
            "See `flasher --help`.",
        ),
        (
            ["release", "--site", "studio", "PUBLISH"],
            "'PUBLISH' is no action of `flasher release`.",
            "Did you mean publish?",
        ),
        (["Prepare"], "There is no command 'Prepare'.", "Did you mean prepare?"),
        (
            ["release", "publsh"],
            "'publsh' is no action of `flasher release`.",
            "Did you mean publish?",
        ),
        (
            ["rollout", "x"],
            "'x' is no action of `flasher rollout`.",
            "Choose one of: status, pause, go, back.",
        ),
        (
            ["discover", "--seconds", "0"],
            "--seconds is 0.",
            "Type a number above 0, up to 300.",
        ),
    ],
)
def test_what_was_mistyped_is_named_with_what_could_be_meant(
    argv: list[str], message: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error = error_of(capsys, *argv)
    assert (error["message"], error["hint"]) == (message, hint)


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_no_number_is_told_by_its_option(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = command_parser(command)
    for words, each in ([], parser), *(([name], own) for name, own in parser.actions.items()):
        for name, option in each.options.items():
            if option.type in (int, float) and (words or not parser.actions):
                error = error_of(capsys, command, *words, name, "viele")
                assert str(error["message"]).startswith(f"Argument {name}: 'viele'")
                assert "value" not in str(error["message"])


WITH_ACTIONS = [name for name in COMMANDS if command_parser(name).actions]


@pytest.mark.parametrize("command", WITH_ACTIONS)
def test_a_command_lists_its_actions_with_a_line_each(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    for action in command_parser(command).actions:
        (line,) = (line for line in lines if line.startswith(f"  {action} "))
        assert len(line) <= 80


@pytest.mark.parametrize(
    ("command", "action"),
    [(name, action) for name in WITH_ACTIONS for action in command_parser(name).actions],
)
def test_an_action_shows_its_own_options_and_an_example_that_it_takes(
    command: str, action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, action, "--help"])
    assert ended.value.code == 0
    options, example = capsys.readouterr().out.split("example:")
    own, parser = command_parser(command).actions[action], command_parser(command)
    assert set(re.findall(r"^  (--[\w-]+)", options, re.MULTILINE)) == {*own.options} - {
        "-h",
        "--help",
    }
    words = shlex.split(example.partition(">")[0])
    assert words[:3] == ["flasher", command, action]
    assert parser.parsed(words[2:]).action == action


@pytest.mark.parametrize(
    "words",
    [
        "--json --site studio --scanner body-16x7 new --at-once 3",
        "--site=studio new --scanner body-16x7 --at-once 3 --json",
        "new --at-once=3 --json --scanner body-16x7 --site studio",
    ],
)
def test_options_may_stand_before_and_after_the_action(words: str) -> None:
    given = command_parser("release").parsed(words.split())
    assert (given.action, given.site, given.scanner) == ("new", "studio", "body-16x7")
    assert (given.at_once, given.json) == (3, True)


def test_a_site_that_is_called_as_an_action_is_no_action() -> None:
    given = command_parser("rollout").parsed(["--site", "back", "status"])
    assert (given.action, given.site) == ("status", "back")


def test_without_an_action_it_is_said_that_one_is_needed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = error_of(capsys, "release", "--site", "studio")
    assert error["message"] == "The following arguments are required: action."
    assert error["hint"] == "See `flasher release --help`."


@pytest.mark.parametrize(
    ("argv", "hint"),
    [
        (["profile", "check", "BODY-16X8"], "Did you mean body-16x7?"),
        (["site", "check", "DEMOS"], "Did you mean demo?"),
    ],
)
def test_what_is_meant_is_found_whatever_the_case(
    argv: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert error_of(capsys, *argv)["hint"] == hint


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


def descriptor_of(path: Path, raw: bytes) -> str:
    """A descriptor that gives these bytes, as an option takes it."""
    path.write_bytes(raw)
    return str(os.open(path, os.O_RDONLY))


def test_the_mark_that_editors_put_before_a_text_is_no_part_of_a_secret(
    tmp_path: Path,
) -> None:
    marked = b"\xef\xbb\xbfcorrect horse\r\n"
    fds = [descriptor_of(tmp_path / name, marked) for name in ("password", "passphrase")]
    argv = ["site", "new", "studio", "--ssid", "Rig", "--country", "DE"]
    assert main([*argv, "--password-fd", fds[0], "--passphrase-fd", fds[1]]) == 0
    _, secrets = load_site("studio")
    assert sha512_crypt.verify("correct horse", secrets.password_hash)
    assert secrets.wifi_passphrases == {"Rig": "correct horse"}


def test_a_strange_character_in_a_passphrase_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    password = descriptor_of(tmp_path / "password", b"correct horse\n")
    curly = descriptor_of(tmp_path / "curly", "don\u2019t tell me\n".encode())
    argv = ["site", "new", "studio", "--ssid", "Rig", "--country", "DE"]
    error = error_of(capsys, *argv, "--password-fd", password, "--passphrase-fd", curly)
    assert error["code"] == "bad-passphrase"
    strange = "number 4: right single quotation mark (U+2019)"
    assert strange in str(error["message"])
    assert "tell me" not in str(error["message"])


def test_an_empty_ledger_that_is_exported_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ledger", "export", "--ansible"]) == 0
    assert "no such card in the ledger" in capsys.readouterr().err


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
