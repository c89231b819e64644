"""The agent's small pure parts."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from autosetup.errors import AgentError, as_agent_error, plain
from autosetup.faults import Faulty
from autosetup.host_key import private_file, public_line
from autosetup.journal import Journal
from autosetup.record import Record
from autosetup.scrub import redact, scrub
from autosetup.secrets_file import is_redacted
from autosetup.settings import Wifi
from autosetup.status import Status
from autosetup.steps.hostname import hosts
from autosetup.steps.keyfile import escape, ssid_value
from autosetup.steps.locale import UNCACHED, layout, with_language
from autosetup.system import System
from tests.unit.autosetup.sample_payloads import GENERATION, SECRETS, packed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", "127.0.0.1\tlocalhost\n127.0.1.1\tcam-1\n::1\tlocalhost ip6-localhost ip6-loopback\n"),
        ("127.0.0.1 localhost\n127.0.1.1 base\n", "127.0.0.1 localhost\n127.0.1.1\tcam-1\n"),
        ("127.0.1.1 a\n\n127.0.1.1 b\n10.0.0.1 x\n", "127.0.1.1\tcam-1\n\n10.0.0.1 x\n"),
    ],
)
def test_hosts_names_the_node_once_and_keeps_the_rest(old: str, new: str) -> None:
    assert hosts(old, "cam-1") == new
    assert hosts(new, "cam-1") == new


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ("# de_DE.UTF-8 UTF-8\n# fr_FR.UTF-8 UTF-8\n", "de_DE.UTF-8 UTF-8\n# fr_FR.UTF-8 UTF-8\n"),
        ("de_DE.UTF-8 UTF-8\n", "de_DE.UTF-8 UTF-8\n"),
        ("", "de_DE.UTF-8 UTF-8\n"),
        ("# note\n", "# note\nde_DE.UTF-8 UTF-8\n"),
    ],
)
def test_a_language_is_switched_on_once(listed: str, expected: str) -> None:
    assert with_language(listed, "de_DE.UTF-8") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('# XKBLAYOUT="fr"\nXKBLAYOUT="us"\nXKBVARIANT=""\n', "us"),
        ("XKBLAYOUT=de\n", "de"),
        ('XKBLAYOUT="de"\nXKBVARIANT="nodeadkeys"\n', ""),
        (f'XKBLAYOUT="de"\n{UNCACHED}', ""),
        ("", ""),
    ],
)
def test_the_keyboard_that_is_set_is_known(text: str, expected: str) -> None:
    assert layout(text) == expected


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain", "plain"),
        (" a b ", "\\sa b\\s"),
        ("   ", "\\s\\s\\s"),
        ("a\\sb", "a\\\\sb"),
        ("", ""),
    ],
)
def test_blanks_and_backslashes_survive_a_key_file(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@pytest.mark.parametrize(
    ("ssid", "value"),
    [("Rig-5", "Rig-5"), ("65;", "54;53;59;"), ("65", "54;53;"), ("a b", "97;32;98;")],
)
def test_an_ssid_that_could_be_misread_is_written_as_octets(ssid: str, value: str) -> None:
    assert ssid_value(ssid.encode()) == value


def test_secrets_are_taken_out_of_texts_the_longest_first() -> None:
    assert redact("abcdef abc", ("abc", "", "abcdef")) == "<secret> <secret>"


def test_scrubbing_keeps_the_file_where_it_is_and_is_done_once(tmp_path: Path) -> None:
    path = tmp_path / "secrets.toml"
    path.write_bytes(packed()["secrets.toml"])
    before = path.stat()
    assert scrub(path)
    assert not scrub(path)
    assert (path.stat().st_ino, path.stat().st_size) == (before.st_ino, before.st_size)
    assert not any(secret.encode() in path.read_bytes() for secret in SECRETS.values())


@pytest.mark.parametrize("kept", [1, 20, 60, 140])
def test_a_scrub_that_was_cut_short_is_taken_up_again(tmp_path: Path, kept: int) -> None:
    original = packed()["secrets.toml"]
    path = tmp_path / "secrets.toml"
    path.write_bytes(original)
    scrub(path)
    path.write_bytes(path.read_bytes()[:kept] + original[kept:])
    assert scrub(path)
    assert is_redacted(path.read_bytes())


def test_a_missing_secrets_file_needs_no_scrub(tmp_path: Path) -> None:
    assert not scrub(tmp_path / "secrets.toml")


def test_the_journal_gives_back_what_was_recorded(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "state")
    assert journal.load() is None
    raw = packed()
    journal.keep(GENERATION, raw)
    record = Record("d" * 64, Status("applying", node="cam-1", generation=GENERATION), ("key",))
    journal.save(record)
    assert journal.load() == record
    assert journal.payload(GENERATION) == raw
    assert journal.payload(1) == {}
    folder = journal.payload_folder(GENERATION)
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    assert (folder / "secrets.toml").stat().st_mode & 0o777 == 0o600
    assert (folder / "scripts/10-hello").stat().st_mode & 0o777 == 0o700


def test_older_generations_are_forgotten_and_the_good_ones_are_kept(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for generation in (1, 2, 3):
        journal.keep(generation, packed(generation=generation))
    journal.stage(packed(generation=4))
    secrets = (tmp_path / "generations/1/secrets.toml").open("rb")
    journal.forget(but=(2, 3))
    with secrets:
        assert is_redacted(secrets.read())
    assert (journal.payload(1), journal.staged()) == ({}, {})
    assert [journal.payload(number) for number in (2, 3)] == [
        packed(generation=2),
        packed(generation=3),
    ]


@pytest.mark.parametrize("raw", [b"", b"{", b"\x00" * 40, b'{"digest": "x", "scripts": []}'])
def test_a_spoiled_journal_is_said_and_put_aside(tmp_path: Path, raw: bytes) -> None:
    journal = Journal(tmp_path)
    (tmp_path / "state.json").write_bytes(raw)
    with pytest.raises(Faulty):
        journal.load()
    journal.set_aside()
    assert journal.load() is None


def test_links_stay_inside_the_root(tmp_path: Path) -> None:
    (tmp_path / "etc/default").mkdir(parents=True)
    (tmp_path / "etc/default/locale").symlink_to("../locale.conf")
    (tmp_path / "etc/zone").symlink_to("/etc/default/locale")
    system = System(tmp_path)
    assert system.real("/etc/default/locale") == "/etc/locale.conf"
    assert system.real("/etc/zone") == "/etc/locale.conf"
    assert system.real("/etc/none") == "/etc/none"


def test_any_error_becomes_one_plain_line() -> None:
    full = as_agent_error(OSError(28, "No space left on device", "/var/x"))
    assert full.code == "no-space"
    assert full.reason.endswith("MB are free. /var/x could not be written.")
    worn = as_agent_error(OSError(5, "Input/output error", "/var/x"))
    assert (worn.code, worn.reason) == ("system-error", "/var/x: Input/output error.")
    assert as_agent_error(KeyError("x")).code == "internal-error"
    own = AgentError("script-failed", "a", "b")
    assert as_agent_error(own) is own
    assert plain("a\n\tb\x1b[0m  c") == "a b [0m c"


def test_names_and_octets_of_networks_are_told_apart() -> None:
    assert Wifi("hex:ff00").octets == b"\xff\x00"
    assert Wifi("hexagon").octets == b"hexagon"


def new_key() -> tuple[str, str]:
    """A host key as the payload carries it, and its public half, by another program's hand."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return "".join(private.splitlines()[1:-1]), public


def test_a_host_key_is_read_as_others_wrote_it() -> None:
    body, public = new_key()
    assert public_line(body) == public
    key = load_ssh_private_key(private_file(body), None)
    assert key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() == public


@pytest.mark.parametrize("body", ["", "x", "b3BlbnNzaC1rZXktdjEA", new_key()[0][:120]])
def test_what_is_no_host_key_is_told(body: str) -> None:
    assert public_line(body) is None
    if body:
        with pytest.raises(Faulty, match="no whole Ed25519 key"):
            packed(secrets=dataclasses.replace(SECRETS, host_key=body))
