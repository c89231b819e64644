from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Interface
from pathlib import Path

import pytest

from autosetup.payload import FOLDER
from autosetup.status import Status
from flasher.errors import BadInput, Cancelled, FlasherError
from flasher.events import CancelFlag, Noted, ignore
from flasher.rehearsal.laptop import Door, laptop_on
from flasher.rehearsal.rig import RehearsedRig, Seen, rig_on
from flasher.rehearsal.switch import Switch, switched_on

MakeCard = Callable[..., Path]
PutFiles = Callable[[Path, Mapping[str, bytes]], None]
DONE = Status("done", node="cam-0101").to_json()


@pytest.fixture
def switch() -> Iterator[Switch]:
    with switched_on() as made:
        yield made


@pytest.fixture
def rig(switch: Switch) -> Iterator[RehearsedRig]:
    with rig_on(switch, emit=ignore, cancel=CancelFlag()) as made:
        yield made


@pytest.fixture
def card(make_card: MakeCard) -> Path:
    return make_card({f"{FOLDER}/manifest.json": b"{}"})


def until(rig: RehearsedRig, is_so: Callable[[tuple[Seen, ...]], bool]) -> tuple[Seen, ...]:
    return next(seen for seen in rig.looks() if is_so(seen))


def test_all_have_a_word_at_last_and_stay_on(
    rig: RehearsedRig, card: Path, put_files: PutFiles, tmp_path: Path
) -> None:
    other = tmp_path / "other.img"
    shutil.copyfile(card, other)
    for path in (card, other):
        rig.add(path.stem, path, keep=True)
    put_files(card, {f"{FOLDER}/status.json": DONE})

    def speak(seen: tuple[Seen, ...]) -> None:
        if all(node.is_on for node in seen):  # it speaks once both are on
            put_files(other, {f"{FOLDER}/status.json": DONE})

    rig.switch_on("card")
    rig.start(["other"], timeout_seconds=60, told=speak)
    seen = until(rig, lambda seen: all(node.is_settled for node in seen))
    assert [(node.name, node.is_on) for node in seen] == [("card", True), ("other", True)]


def test_a_node_that_is_switched_off_is_off_and_starts_again(rig: RehearsedRig, card: Path) -> None:
    rig.add("a", card)
    assert [node.is_on for node in rig.look()] == [False]
    rig.switch_on("a")
    assert [node.is_on for node in rig.look()] == [True]
    rig.switch_off("a")
    assert [node.is_on for node in rig.look()] == [False]
    rig.switch_on("a")
    assert [node.is_on for node in rig.look()] == [True]


def test_time_that_is_over_is_told_by_how_the_nodes_are(rig: RehearsedRig, card: Path) -> None:
    rig.add("a", card)
    (seen,) = rig.start(["a"], timeout_seconds=0)
    assert not seen.is_settled


def test_who_stops_it_is_heard(switch: Switch, card: Path) -> None:
    cancel = CancelFlag()
    with rig_on(switch, emit=ignore, cancel=cancel) as rig:
        rig.add("a", card)
        cancel.set()
        with pytest.raises(Cancelled):
            rig.start(["a"], timeout_seconds=60)


def test_a_card_from_which_nothing_starts_is_told_before_anything_does(
    rig: RehearsedRig, make_card: MakeCard
) -> None:
    with pytest.raises(FlasherError, match=r"nothing\.img"):
        rig.add("a", make_card({"config.txt": b"kernel=nothing.img\n"}))


def test_this_computer_is_reached_and_reaches_in(switch: Switch) -> None:
    """By ARP: the router that stands for it answers for the laptop's address."""
    address = IPv4Interface("10.40.0.250/24")
    with switch.plug("node") as node, laptop_on(switch, address):
        us = b"\x52\x54\x00\x00\x00\x09"
        who = b"\x00\x01\x08\x00\x06\x04\x00\x01" + us + socket.inet_aton("10.40.0.7")
        question = b"\xff" * 6 + us + b"\x08\x06" + who + bytes(6) + address.ip.packed
        node.sendall(len(question).to_bytes(4, "big") + question)
        length = int.from_bytes(node.recv(4, socket.MSG_WAITALL), "big")
        answer = node.recv(length, socket.MSG_WAITALL)
        assert answer[:6] == us
        assert answer[28:32] == address.ip.packed


def test_a_door_that_is_taken_is_told(switch: Switch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        door = Door(taken.getsockname()[1], "10.40.0.1")
        at = laptop_on(switch, IPv4Interface("10.40.0.250/24"), [door])
        with pytest.raises(FlasherError, match="not in the rig"), at:
            pass


def test_several_cards_are_a_rig_on_the_command_line(
    card: Path, put_files: PutFiles, tmp_path: Path
) -> None:
    put_files(card, {f"{FOLDER}/status.json": DONE})
    other = tmp_path / "other.img"
    shutil.copyfile(card, other)
    told = call(card, other, "--timeout", "1")
    assert told["kind"] == "rig", told
    nodes = told["nodes"]
    assert isinstance(nodes, list)
    assert [node["name"] for node in nodes] == ["card", "other"]


@pytest.mark.parametrize("option", [["--node", "a"], ["--uefi"], ["--no-network"]])
def test_what_is_for_one_card_is_not_for_several(card: Path, option: list[str]) -> None:
    assert call(card, card.with_name("other.img"), *option)["code"] == "usage"


def call(*argv: str | Path) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "flasher", "rehearse", *map(str, argv), "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    *_, last = done.stdout.splitlines()
    found: dict[str, object] = json.loads(last)
    return found


def test_what_nodes_print_is_told_with_their_name(
    switch: Switch, make_card: MakeCard, put_files: PutFiles
) -> None:
    card = make_card({f"{FOLDER}/manifest.json": b"{}"})
    heard: list[str] = []

    def emit(event: object) -> None:
        if isinstance(event, Noted):
            heard.append(f"{event.subject}: {event.text}")

    with rig_on(switch, emit=emit, cancel=CancelFlag()) as rig:
        rig.add("a", card, keep=True)
        rig.switch_on("a")
        put_files(card, {f"{FOLDER}/status.json": DONE})
        until(rig, lambda seen: seen[0].is_settled)
    assert any(line.startswith("a: ") for line in heard)


def test_a_card_that_cannot_be_one_is_refused(rig: RehearsedRig, tmp_path: Path) -> None:
    odd = tmp_path / "odd.img"
    odd.write_bytes(bytes(512 * 3))
    with pytest.raises(BadInput):
        rig.add("a", odd, keep=True)
