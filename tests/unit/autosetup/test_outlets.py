"""What leaves the agent: status, log, banner and the word to systemd."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from autosetup.host_key import key_lines, private_file
from autosetup.notify import notify
from autosetup.outlets import Outlets
from autosetup.settings import Secrets
from autosetup.status import Status
from autosetup.steps.keyfile import escape
from tests.unit.autosetup.sample_payloads import USER_KEY

DONE = Status("done", node="cam-0101", generation=7)


@pytest.fixture
def outlets(tmp_path: Path) -> Outlets:
    card = tmp_path / "card"
    card.mkdir()
    consoles = (tmp_path / "console", tmp_path / "serial")
    for console in consoles:
        console.touch()
    return Outlets(
        card,
        tmp_path / "run",
        consoles,
        ("hunter22",),
        sink=lambda _: None,
    )


def test_a_transition_is_told_on_card_node_and_console(outlets: Outlets, tmp_path: Path) -> None:
    outlets.announce(DONE)
    banner = "autosetup: cam-0101 · done · generation 7 · 0 steps in 0 s"
    for console in ("console", "serial"):
        assert (tmp_path / console).read_text() == f"{banner}\n"
    for folder in ("card", "run"):
        assert Status.from_json((tmp_path / folder / "status.json").read_bytes()) == DONE
    assert (tmp_path / "card/log.txt").read_text().endswith(f"Z {banner}\n")
    assert sorted(p.name for p in (tmp_path / "card").iterdir()) == ["log.txt", "status.json"]


def test_each_fault_of_a_payload_has_a_line_of_its_own(tmp_path: Path) -> None:
    issue = tmp_path / "issue"
    (tmp_path / "console").touch()
    told = Outlets(None, tmp_path, (tmp_path / "console",), sink=lambda _: None, issue=issue)
    told.announce(Status("failed", hint="Nothing was changed.", faults=(r"a\n: No.", "b: No.")))
    lines = ["autosetup: no node · failed · The payload has 2 faults. Nothing was changed."]
    lines += [r"  a\n: No.", "  b: No."]
    assert (tmp_path / "console").read_text().splitlines() == lines
    assert issue.read_text().splitlines() == [lines[0], r"  a\\n: No.", lines[2]]


def test_no_secret_reaches_the_log(outlets: Outlets, tmp_path: Path) -> None:
    outlets.log("wifi: psk=hunter22, and hunter22 again")
    outlets.flush_log()
    assert "psk=<secret>, and <secret> again" in (tmp_path / "card/log.txt").read_text()


def test_no_secret_reaches_the_log_in_the_form_of_a_file(outlets: Outlets, tmp_path: Path) -> None:
    phrases = {"Studio": "back\\slash"}
    secrets = Secrets(bytes(32), wifi_passphrases=phrases, host_key=USER_KEY)
    outlets.secrets = secrets.values()
    outlets.log(f"psk={escape(phrases['Studio'])}\n{private_file(USER_KEY).decode()}")
    outlets.flush_log()
    told = (tmp_path / "card/log.txt").read_text()
    assert "slash" not in told
    assert not [line for line in key_lines(USER_KEY) if line in told]


def test_the_log_makes_no_screen_obey(outlets: Outlets, tmp_path: Path) -> None:
    outlets.log("a\tb \x1b[2J \udcff")
    outlets.flush_log()
    assert (tmp_path / "card/log.txt").read_text().endswith("a\tb \\x1b[2J \\udcff\n")


def test_the_log_on_the_card_keeps_its_end(outlets: Outlets, tmp_path: Path) -> None:
    for number in range(3):
        outlets.log("\n".join(f"{number} {'x' * 90}" for _ in range(400)))
        outlets.flush_log()
    log = (tmp_path / "card/log.txt").read_bytes()
    assert len(log) <= 64 * 1024
    assert log.splitlines()[-1].endswith(b"2 " + b"x" * 90)
    assert log.splitlines()[0].startswith(b"20")


def test_a_card_that_cannot_be_written_is_said_and_survived(tmp_path: Path) -> None:
    told: list[str] = []
    card = tmp_path / "not a folder"
    card.write_text("")
    Outlets(card, tmp_path / "run", sink=told.append).announce(DONE)
    assert any("status.json on the card could not be written" in line for line in told)
    assert (tmp_path / "run/status.json").exists()


def test_telling_the_same_again_leaves_the_card_alone(outlets: Outlets, tmp_path: Path) -> None:
    outlets.announce(DONE)
    draft = tmp_path / "card/.log.txt.autosetup"
    draft.write_text("left by a power cut")
    before = {p.name: p.stat().st_ino for p in (tmp_path / "card").iterdir() if p != draft}
    outlets.repeat(DONE)
    assert {p.name: p.stat().st_ino for p in (tmp_path / "card").iterdir()} == before


@pytest.mark.network
@pytest.mark.parametrize("abstract", [False, True])
def test_the_service_manager_hears_that_we_are_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, abstract: bool
) -> None:
    name = f"@{tmp_path}/notify" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name.replace("@", "\0", 1) if abstract else name)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        notify("READY=1")
        assert manager.recv(64) == b"READY=1"


def test_without_a_service_manager_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
