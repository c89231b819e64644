"""Every card that was begun has a line: plain images and failures, too."""

from __future__ import annotations

import hashlib
from pathlib import Path

from flasher.card.making import USUAL
from flasher.card.plan import plan_card
from flasher.drives.files import create_virtual_card
from flasher.drives.find import find_drive
from flasher.events import CancelFlag, Event, Noted
from flasher.image.source import open_image
from flasher.recording import make_recorded
from flasher.rig.entry import Entry
from flasher.rig.ledger import Ledger
from tests.integration.command_line import flasher

RIG = ("--scanner", "body-16x7", "--site", "demo", "--size", "64M", "--yes")


def last() -> Entry:
    return Ledger().entries()[-1]


def test_an_image_written_as_it_is_has_a_line(tmp_path: Path, base_image: Path) -> None:
    card = tmp_path / "card.img"
    create_virtual_card(card, 64 << 20)
    status, told = flasher("write", base_image, card, "--yes")
    assert status == 0, told
    line = last()
    assert (line.result, line.node, line.image_name) == ("verified", "", "base.img")
    assert line.image_digest == hashlib.sha256(base_image.read_bytes()).hexdigest()
    assert line.bytes_verified > 0
    assert line.written_at <= line.finished_at


def test_a_node_whose_card_got_a_plain_image_has_none_any_more(
    tmp_path: Path, base_image: Path
) -> None:
    card = tmp_path / "card.img"
    argv = ("--image", base_image, "--to", card)
    assert flasher("prepare", *RIG, "--node", "cam-0101", *argv)[0] == 0
    made = last()
    assert set(Ledger().made("body-16x7", "demo")) == {"cam-0101"}
    assert flasher("write", base_image, card, "--yes")[0] == 0
    assert last().replaces == made.card_id
    assert Ledger().made("body-16x7", "demo") == {}


def test_a_card_that_was_refused_is_still_what_it_was(tmp_path: Path, base_image: Path) -> None:
    card = tmp_path / "card.img"
    argv = ("--image", base_image, "--to", card)
    assert flasher("prepare", *RIG, "--node", "cam-0101", *argv)[0] == 0
    card.chmod(0o444)
    larger = tmp_path / "larger.img"
    larger.write_bytes(base_image.read_bytes())
    with larger.open("r+b") as stream:
        stream.truncate(80 << 20)
    assert flasher("write", larger, card, "--yes")[0] == 2
    assert set(Ledger().made("body-16x7", "demo")) == {"cam-0101"}


def test_a_node_whose_card_was_erased_by_an_image_that_proves_wrong_has_none_any_more(
    tmp_path: Path, base_image: Path
) -> None:
    card = tmp_path / "card.img"
    argv = ("--image", base_image, "--to", card)
    assert flasher("prepare", *RIG, "--node", "cam-0101", *argv)[0] == 0
    made = last()
    wrong = tmp_path / "wrong.img"
    wrong.write_bytes(base_image.read_bytes())
    (tmp_path / "wrong.img.sha256").write_text("0" * 64 + "\n")
    status, told = flasher("write", wrong, card, "--yes")
    assert status, told
    assert (last().result, last().replaces) == ("failed", made.card_id)
    assert Ledger().made("body-16x7", "demo") == {}


def test_a_good_card_stays_good_when_its_line_cannot_be_added(
    tmp_path: Path, base_image: Path
) -> None:
    card = tmp_path / "card.img"
    create_virtual_card(card, 64 << 20)
    ledger, told = Ledger(tmp_path / "ledger.sqlite"), list[Event]()

    def emit(event: Event) -> None:
        told.append(event)
        ledger.path.write_bytes(b"torn" * 4096)  # while the card is being written

    plan = plan_card(open_image(base_image), {})
    made, line = make_recorded(
        plan, find_drive(str(card)), USUAL, ledger, emit=emit, cancel=CancelFlag()
    )
    assert made.written.bytes_verified > 0
    assert (line.result, line.entry_id) == ("verified", "")
    warnings = [event.text for event in told if isinstance(event, Noted) and event.warning]
    assert any("The card is good, but its line is missing" in text for text in warnings)
