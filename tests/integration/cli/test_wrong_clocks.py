"""Who makes cards or releases by a clock that cannot be right is warned, and may go on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flasher.recording import NO_NODE, node_line
from flasher.rig.ledger import Ledger
from flasher.rig.node_payload import CardIdentity
from tests.unit.rig.whole_rig import load_rig, make_whole_rig

AHEAD = datetime(2099, 1, 1, tzinfo=UTC)


def clock_warnings(*argv: str | Path, passphrase: str = "") -> list[str]:
    """What the program says of the clock; it must come to a good end."""
    given = ["--passphrase-fd", "0"] if passphrase else []
    command = [sys.executable, "-m", "flasher", *map(str, argv), *given, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, input=f"{passphrase}\n")
    assert done.returncode == 0, done.stdout + done.stderr
    told = map(json.loads, done.stdout.splitlines())
    return [one["text"] for one in told if one.get("subject") == "clock" and one["warning"]]


def make_rig(folder: Path, planned: datetime) -> tuple[str | Path, ...]:
    """A rig with one card, made when some clock showed this; what names it on a command line."""
    make_whole_rig(folder)
    rig, identity = load_rig(folder), CardIdentity.fresh(planned)
    made = node_line(NO_NODE, rig, rig.find("cam-101"), identity, "1" * 64)
    at = planned.isoformat()
    Ledger().record(replace(made, result="verified", image_digest="2" * 64, written_at=at))
    return "--scanner", folder / "profile/profile.toml", "--site", folder / "site/site.toml"


def test_cards_are_not_made_by_a_wrong_clock_unwarned(tmp_path: Path, base_image: Path) -> None:
    named = make_rig(tmp_path, AHEAD)
    card = tmp_path / "card.img"
    card.touch()
    os.truncate(card, 64 << 20)
    to = ("--node", "cam-102", "--to", card, "--image", base_image, "--dry-run")
    (told,) = clock_warnings("prepare", *named, *to)
    assert "the last card or release was made on 2099-01-01" in told


def test_releases_are_not_made_by_a_wrong_clock_unwarned(tmp_path: Path) -> None:
    named = make_rig(tmp_path, AHEAD)
    clock_warnings("release", "init", tmp_path / "updates", passphrase="words")
    (told,) = clock_warnings("release", "new", *named)
    assert "the last card or release was made on 2099-01-01" in told


def test_nobody_is_warned_of_a_right_clock(tmp_path: Path) -> None:
    named = make_rig(tmp_path, datetime.now(UTC) - timedelta(days=1))
    clock_warnings("release", "init", tmp_path / "updates", passphrase="words")
    assert clock_warnings("release", "new", *named) == []
