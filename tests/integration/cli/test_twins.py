"""A second card of a node is asked about before it is made, also where nothing would be lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from flasher.rig.ledger import Ledger
from tests.integration.command_line import flasher

RIG = ("--scanner", "body-16x7", "--site", "demo", "--size", "64M")


@pytest.fixture
def first(tmp_path: Path, base_image: Path) -> Path:
    """The card that cam-0101 has already."""
    card = tmp_path / "first.img"
    status, told = flasher("prepare", *RIG, "--node=cam-0101", "--to", card, "--image", base_image)
    assert status == 0, told
    return card


def asked(answer: str, *argv: str | Path) -> tuple[str, int | None]:
    """What stands on the terminal before the answer, and the exit status after it."""
    command = pexpect.spawn(sys.executable, ["-m", "flasher", *map(str, argv)], timeout=60)
    command.expect_exact("Type yes to go on: ")
    question = command.before
    command.sendline(answer)
    command.expect(pexpect.EOF)
    command.close()
    return " ".join(question.decode().split()), command.exitstatus


@pytest.mark.usefixtures("first")
def test_a_second_card_is_made_only_after_a_yes(tmp_path: Path, base_image: Path) -> None:
    second = tmp_path / "second.img"
    argv = ("prepare", *RIG, "--node=cam-0101", "--to", second, "--image", base_image)
    question, status = asked("no", *argv)
    assert "cam-0101 was already written just now to another card on" in question
    assert "The older card gets no updates from then on" in question
    assert (status, second.exists(), len(Ledger().entries())) == (4, False, 1)
    assert asked("yes", *argv)[1] == 0
    assert [entry.result for entry in Ledger().entries()] == ["verified", "verified"]


@pytest.mark.usefixtures("first")
def test_a_script_must_say_so(tmp_path: Path, base_image: Path) -> None:
    second = tmp_path / "second.img"
    argv = ("prepare", *RIG, "--node=cam-0101", "--to", second, "--image", base_image)
    status, told = flasher(*argv)
    assert (status, told["code"]) == (2, "not-confirmed")
    assert flasher(*argv, "--yes")[0] == 0


@pytest.mark.usefixtures("first")
def test_who_was_not_asked_is_told_that_the_older_card_counts_no_more(
    tmp_path: Path, base_image: Path
) -> None:
    older = Ledger().entries()[0].card_id
    argv = ("prepare", *RIG, "--to", tmp_path / "second.img", "--image", base_image, "--yes")
    line = [sys.executable, "-m", "flasher", *map(str, argv)]
    for node, count in (("cam-0101", 1), ("cam-0102", 0)):
        done = subprocess.run([*line, f"--node={node}"], capture_output=True, text=True)
        told = " ".join((done.stdout + done.stderr).split())
        assert done.returncode == 0, told
        assert told.count(f"The older card of cam-0101 ({older}) counts no more") == count


def test_a_node_whose_card_became_another_nodes_has_none_any_more(
    first: Path, base_image: Path, tmp_path: Path
) -> None:
    argv = ("prepare", *RIG, "--image", base_image, "--yes")
    assert flasher(*argv, "--to", first, "--node=cam-0102")[0] == 0
    assert set(Ledger().made("body-16x7", "demo")) == {"cam-0102"}
    again = tmp_path / "again.img"
    status, told = flasher(*argv[:-1], "--to", again, "--node=cam-0101")
    assert status == 0, told  # nobody had to be asked


def test_what_the_drive_holds_is_told_and_the_same_card_is_no_twin(
    first: Path, base_image: Path
) -> None:
    argv = ("prepare", *RIG, "--to", first, "--image", base_image, "--node")
    other, _ = asked("no", *argv, "cam-0102")
    assert "It is the card of cam-0101 at demo, verified just now." in other
    same, _ = asked("no", *argv, "cam-0101")
    assert "It is the card of cam-0101 at demo, verified just now." in same
    assert "another card" not in same
