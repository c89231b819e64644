"""`flasher release` and `flasher rollout`, as people run them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flasher import paths
from flasher.cli import main
from flasher.commands._release_copies import copies_wanted
from flasher.fleet.release.place import find_place
from flasher.recording import NO_NODE, node_line
from flasher.rig.entry import Entry
from flasher.rig.ledger import Ledger
from flasher.rig.node_payload import CardIdentity
from tests.integration.command_line import flasher
from tests.integration.fleet.server.program import serving
from tests.unit.rig.whole_rig import load_rig, make_whole_rig


@contextmanager
def line(text: str) -> Iterator[int]:
    """A file descriptor from which a program reads this line."""
    reading, writing = os.pipe()
    os.write(writing, f"{text}\n".encode())
    os.close(writing)
    try:
        yield reading
    finally:
        os.close(reading)


def with_passphrase(text: str, *argv: str | Path) -> tuple[int, dict[str, object]]:
    with line(text) as descriptor:
        return flasher(*argv, "--passphrase-fd", str(descriptor), keep=[descriptor])


@pytest.fixture
def rig(tmp_path: Path) -> tuple[Path, Path]:
    """A scanner and a site, with two cards in the ledger."""
    make_whole_rig(tmp_path)
    for name in ("cam-101", "cam-102"):
        Ledger().record(_card(tmp_path, name))
    return tmp_path / "profile/profile.toml", tmp_path / "site/site.toml"


def _card(folder: Path, name: str) -> Entry:
    rig, identity = load_rig(folder), CardIdentity.fresh(datetime.now(UTC))
    made = node_line(NO_NODE, rig, rig.find(name), identity, "1" * 64)
    at = identity.planned_at.isoformat()
    return replace(made, result="verified", image_digest="2" * 64, written_at=at)


def test_from_init_to_taken_back(
    rig: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scanner, site = rig
    named = ("--scanner", scanner, "--site", site)
    assert with_passphrase("words", "release", "init", tmp_path / "updates")[0] == 0
    status, drafted = flasher("release", "new", *named, "--canary", "cam-102")
    assert status == 0
    assert drafted["nodes"] == ["cam-101", "cam-102"]
    status, refused = flasher("release", "new", *named, "--canary", "cam-999")
    assert (status, refused["code"]) == (2, "no-such-node")  # and the draft is there still
    assert flasher("release", "publish")[1]["code"] == "not-signed"
    assert with_passphrase("others", "release", "sign")[1]["code"] == "wrong-passphrase"
    status, signed = with_passphrase("words", "release", "sign")
    assert signed["roles"] == ["field", "field.camera", "targets"]
    stick = tmp_path / "stick"
    assert flasher("release", "publish", "--stick", stick)[1]["code"] == "no-stick"
    stick.mkdir()  # as where one was plugged in, but is not any more
    assert flasher("release", "publish", "--stick", stick)[1]["code"] == "no-stick"
    nowhere = flasher("release", "publish", "--to", tmp_path / "nowhere/copy")[1]
    assert nowhere["code"] == "no-such-folder"
    assert not list(stick.iterdir())
    status, published = flasher("release", "publish", "--to", stick / "flasher-repository")
    assert status == 0
    assert (tmp_path / "stick/flasher-repository/metadata/timestamp.json").exists()
    nothing = flasher("release", "publish")[1]
    assert nothing["code"] == "no-draft"
    assert "--to or --stick" in str(nothing["hint"])
    assert flasher("release", "publish", "--to", tmp_path / "copy")[0] == 0
    status, rollout = flasher("rollout", "status")
    assert [node["node"] for node in rollout["nodes"]] == ["cam-102", "cam-101"]  # type: ignore[attr-defined]
    status, never = flasher("release", "publish", "--to", "/proc/copy")
    assert (status, never["code"]) == (2, "cannot-make")
    assert flasher("rollout", "pause", "--site", site)[1]["paused"] is True
    assert flasher("rollout", "go", "--site", site)[1]["paused"] is False
    before = (tmp_path / "updates/metadata/timestamp.json").read_bytes()
    assert main(["rollout", "go", "--site", str(site)]) == 0
    assert "It was not paused" in capsys.readouterr().out
    assert (tmp_path / "updates/metadata/timestamp.json").read_bytes() == before
    assert flasher("rollout", "back", "--site", site)[1]["code"] == "not-confirmed"
    assert flasher("rollout", "back", "--site", site, "--yes")[1]["withdrawn"] is True
    assert flasher("rollout", "go", "--site", site)[1]["code"] == "taken-back"
    shown = flasher("release", "show")[1]
    assert shown["sites"] == {"field": {"generation": published["generation"], "how": "withdrawn"}}
    lines = [entry.result for entry in Ledger().entries()]
    assert lines == ["verified", "verified", "released", "released"]


def test_a_stick_is_where_one_is_mounted(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/proc")
    for mounted in (Path("/proc"), tmp_path / "link"):
        assert copies_wanted(None, mounted) == [mounted / "flasher-repository"]


def test_a_pace_or_an_agent_that_cannot_be_is_told_by_its_option(
    rig: tuple[Path, Path], tmp_path: Path
) -> None:
    scanner, site = rig
    new = ("release", "new", "--scanner", scanner, "--site", site)
    for option, text in (("--at-once", "0"), ("--at-once", "many"), ("--spacing", "-1")):
        told = str(flasher(*new, option, text)[1]["message"])
        assert told.startswith(f"Argument {option}: '{text}' is no whole number from")
    told = str(flasher(*new, "--agent", tmp_path / "nope.deb")[1]["message"])
    assert told == f"There is no file {tmp_path / 'nope.deb'}."


def test_a_release_that_the_ledger_could_not_take_is_told_to_it_later(
    rig: tuple[Path, Path], tmp_path: Path
) -> None:
    scanner, site = rig
    named = ("--scanner", scanner, "--site", site)
    swapped = ("--swap", "cam-101=cam-102")
    with_passphrase("words", "release", "init", tmp_path / "updates")
    flasher("release", "new", *named, *swapped)
    with_passphrase("words", "release", "sign")
    scanner.rename(tmp_path / "away.toml")
    assert flasher("release", "publish")[0] == 0
    assert flasher("release", "discard")[1]["code"] == "in-force"
    (tmp_path / "away.toml").rename(scanner)
    assert flasher("release", "new", *named)[1]["code"] == "ledger-behind"
    assert flasher("release", "publish")[0] == 0
    made = [(line.card_id, line.node) for line in Ledger().entries()]
    assert [card for card, _ in made[:2]] == [card for card, _ in made[2:]]
    assert [node for _, node in made] == ["cam-101", "cam-102", "cam-102", "cam-101"]
    assert flasher("release", "publish")[1]["code"] == "no-draft"


def test_the_status_of_a_rollout_is_what_the_board_heard_last(
    rig: tuple[Path, Path], tmp_path: Path
) -> None:
    scanner, site = rig
    with_passphrase("words", "release", "init", tmp_path / "updates", "--name", "mine")
    done = with_passphrase(
        "words", "release", "new", "--scanner", scanner, "--site", site, "--publish"
    )[1]
    cards = {entry.node: entry.card_id for entry in Ledger().entries()}
    board = paths.data() / "fleet/field/board.json"
    board.parent.mkdir(parents=True)
    told = [
        {"name": "cam-101", "card_id": cards["cam-101"], "state": "done"},
        {"name": "cam-102", "card_id": cards["cam-102"], "state": "failed", "reason": "No."},
    ]
    nodes = [{**node, "generation": done["generation"]} for node in told]
    top = {"format": 1, "site": "field", "at": "", "rollout": {}, "roles": [], "strangers": []}
    board.write_text(json.dumps({**top, "nodes": nodes}))
    found = flasher("rollout", "status", "--repository", "mine")[1]["nodes"]
    assert isinstance(found, list)
    by_name = {node["node"]: node for node in found}
    assert by_name["cam-101"]["done"]
    assert not by_name["cam-102"]["done"]
    assert by_name["cam-102"]["reason"] == "No."


def test_the_status_of_a_rollout_says_whether_nodes_are_heard_now(
    rig: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = ("--scanner", rig[0], "--site", rig[1], "--publish")
    with_passphrase("words", "release", "init", tmp_path / "updates")
    with_passphrase("words", "release", "new", *named)

    def last_line() -> str:
        assert main(["rollout", "status"]) == 0
        return capsys.readouterr().out.splitlines()[-1]

    assert last_line() == "No node was heard yet: flasher serve takes their reports."
    with serving("--site", rig[1]):
        assert "flasher serve runs" in last_line()
        assert flasher("rollout", "status")[1]["serving"] is True
    assert flasher("rollout", "status")[1]["serving"] is False
    board = paths.data() / "fleet/field/board.json"
    node = {"name": "cam-101", "state": "missing", "heard_at": "2026-11-21T03:39:50Z"}
    top = {"format": 1, "site": "field", "at": "", "rollout": {}, "roles": [], "strangers": []}
    board.write_text(json.dumps({**top, "nodes": [node]}))
    assert "does not run here now" in last_line()


def test_nodes_are_told_in_the_order_in_which_people_look_for_them(
    rig: tuple[Path, Path], tmp_path: Path
) -> None:
    Ledger().record(_card(tmp_path, "cam-503"))
    Ledger().record(_card(tmp_path, "central"))
    with_passphrase("words", "release", "init", tmp_path / "updates")
    named = ("--scanner", rig[0], "--site", rig[1], "--canary", "cam-503", "--publish")
    drafted = with_passphrase("words", "release", "new", *named)[1]
    assert drafted["nodes"] == ["central", "cam-101", "cam-102", "cam-503"]
    found = flasher("rollout", "status")[1]["nodes"]
    assert isinstance(found, list)
    assert [node["node"] for node in found] == ["cam-503", "central", "cam-101", "cam-102"]


def test_a_draft_is_thrown_away(rig: tuple[Path, Path], tmp_path: Path) -> None:
    with_passphrase("words", "release", "init", tmp_path / "updates")
    package = tmp_path / "autosetup_0.9.0_all.deb"
    package.write_bytes(b"!<arch>\n")
    words = ("--scanner", rig[0], "--site", rig[1], "--agent", package)
    assert flasher("release", "new", *words)[1]["agents"] == [package.name]
    assert flasher("release", "discard")[0] == 0
    assert flasher("release", "sign")[1]["code"] == "no-draft"
    assert flasher("release", "publish", "--to", tmp_path / "copy")[0] == 0


def test_what_cannot_be_asked_is_told(rig: tuple[Path, Path], tmp_path: Path) -> None:
    assert flasher("release", "new", "--scanner", "x", "--site", "y")[1]["code"] == "no-repository"
    assert flasher("release", "new")[1]["code"] == "usage"
    assert flasher("release", "init")[1]["code"] == "usage"
    taken = with_passphrase("words", "release", "init", tmp_path, "--name", "taken")
    assert taken[1]["code"] == "folder-taken"
    odd = with_passphrase("words", "release", "init", tmp_path / "Odd Name")
    assert odd[1]["code"] == "repository-name"
    assert with_passphrase("words", "release", "init", tmp_path / "one")[0] == 0
    assert flasher("rollout", "status")[1]["code"] == "no-release"
    again = with_passphrase("words", "release", "init", tmp_path / "two", "--name", "one")
    assert again[1]["code"] == "repository-exists"
    named = ("--scanner", rig[0], "--site", rig[1])
    swap = flasher("release", "new", *named, "--swap", "cam-101")
    assert swap[1]["code"] == "usage"
    assert flasher("release", "new", *named, "--agent", rig[0])[1]["code"] == "agent-name"


def test_the_root_is_changed_and_what_ends_is_renewed(tmp_path: Path) -> None:
    assert with_passphrase("words", "release", "init", tmp_path / "updates")[0] == 0
    changed = with_passphrase("words", "release", "root", "--root-keys", "2", "--replace", "online")
    assert changed[1]["root"] == 2
    kept = {path.name for path in (paths.data() / "releases/updates/keys").iterdir()}
    assert {"root-1-v2.vault", "root-2-v2.vault", "snapshot-v2.key"} < kept
    too_many = with_passphrase("words", "release", "root", "--threshold", "3")
    assert too_many[1]["code"] == "root-keys"
    assert with_passphrase("words", "release", "renew", "--targets")[0] == 0
    metadata = {path.name for path in (tmp_path / "updates/metadata").iterdir()}
    assert {"2.root.json", "3.snapshot.json", "2.targets.json"} < metadata


def test_what_no_node_needs_is_told_and_goes(rig: tuple[Path, Path], tmp_path: Path) -> None:
    scanner, site = rig
    updates = tmp_path / "updates"
    named = ("release", "new", "--scanner", scanner, "--site", site, "--publish")
    with_passphrase("words", "release", "init", updates)
    assert flasher("release", "prune")[1]["files"] == 0
    with_passphrase("words", *named)
    assert flasher(*named)[0] == 0
    for path in updates.rglob("*"):
        os.utime(path, (0, 0))
    whole = {path for path in updates.rglob("*") if path.is_file()}
    assert flasher("release", "prune")[1]["files"] == 0  # the newest three stay
    told = flasher("release", "prune", "--keep", "1", "--dry-run")[1]
    assert told["dry_run"] is True
    assert {path for path in updates.rglob("*") if path.is_file()} == whole
    place = find_place("updates")
    with place.alone():
        assert flasher("release", "prune", "--keep", "1")[1]["code"] == "repository-busy"
    gone = flasher("release", "prune", "--keep", "1")[1]
    assert (gone["files"], gone["bytes"]) == (told["files"], told["bytes"])
    assert gone["files"] == len({path for path in whole if not path.exists()}) > 0
    assert flasher("release", "publish", "--to", tmp_path / "copy")[0] == 0
    assert flasher("release", "prune", "--days", "0")[1]["code"] == "usage"
