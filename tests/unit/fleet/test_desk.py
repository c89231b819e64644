"""What nodes say and ask, judged."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from autosetup import envelope
from autosetup.report import Report, write_envelope
from autosetup.rollout_plan import RolloutPlan
from flasher.fleet.board.model import COPIED_FOR
from flasher.fleet.board.places import board_of
from flasher.fleet.server.desk import BLINK_SECONDS, UNKNOWN_FOR, Cards, Declined, Desk, cards_in
from flasher.fleet.server.keeping import Keeper
from flasher.fleet.server.turns import LEASE_SECONDS, SOAK_SECONDS, Turns, turns_from
from flasher.rig.entry import Entry

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
OLD, NEW, OTHER, UNKNOWN = (f"{n:032x}" for n in (1, 2, 3, 9))
KEYS = {card: Ed25519PrivateKey.generate() for card in (OLD, NEW, OTHER, UNKNOWN)}
GENERATION = 1_795_000_000


def private(card: str) -> str:
    return base64.b64encode(KEYS[card].private_bytes_raw()).decode()


def public(card: str) -> str:
    return base64.b64encode(KEYS[card].public_key().public_bytes_raw()).decode()


def line(card: str, node: str, site: str = "studio") -> Entry:
    return Entry(
        *("2026-11-21T03:39:50Z", "body-16x7", site, node, "", GENERATION, card, "/dev/sdx", ""),
        *("", 0, 0.0, "verified", ""),
        report_key=public(card),
        sealing_key=public(card),
        role="camera",
    )


LINES = (line(OLD, "cam-1"), line(NEW, "cam-1"), line(OTHER, "cam-2"))
PLAN = RolloutPlan("studio", GENERATION + 1, "2026-11-22T00:00:00Z", (NEW, OTHER), at_once=1)


def desk_of(cards: Cards | None = None) -> Desk:
    cards = cards or cards_in(LINES, "studio")
    nodes = cards.current.values()
    return Desk(board_of("studio", nodes, NOON, replaced=cards.replaced), cards)


def said(card: str = NEW, sequence: int = 1, signed_by: str = "", **told: object) -> bytes:
    report = replace(Report(card, "cam-1", sequence, "done", generation=GENERATION), **told)  # type: ignore[arg-type]
    return write_envelope(report, private(signed_by or card))


def asked(
    card: str = NEW, sequence: int = 1, of: str = "", generation: int = GENERATION + 1
) -> bytes:
    text = {"card_id": of or card, "generation": generation, "sequence": sequence}
    return envelope.write(envelope.TURN, card, json.dumps(text), private(card))


def declined(desk: Desk, raw: bytes, when: datetime = NOON) -> int:
    with pytest.raises(Declined) as caught:
        desk.report(raw, "10.0.0.7", when)
    return caught.value.status


def test_a_card_of_the_site_is_heard() -> None:
    desk = desk_of()
    answer = desk.report(said(), "10.0.0.7", NOON)
    assert answer == {"blink_seconds": 0, "server_time": NOON.timestamp()}
    node = desk.board.view().node("cam-1")
    assert node is not None
    assert (node.state, node.address) == ("done", "10.0.0.7")


def test_what_another_key_signed_is_refused_and_changes_nothing() -> None:
    desk = desk_of()
    before = desk.board
    assert declined(desk, said(signed_by=OTHER)) == 403
    assert desk.board == before


def test_a_card_that_nobody_knows_is_refused_and_shown_as_a_stranger() -> None:
    desk = desk_of()
    assert declined(desk, said(UNKNOWN)) == 403
    assert [(each.card_id, each.node) for each in desk.board.view().strangers] == [(UNKNOWN, "")]


def test_a_card_that_was_replaced_is_refused_and_named() -> None:
    desk = desk_of()
    assert declined(desk, said(OLD)) == 403
    assert [(each.card_id, each.node) for each in desk.board.view().strangers] == [(OLD, "cam-1")]


def test_nobody_can_blame_a_node_for_a_card_whose_key_they_lack() -> None:
    desk = desk_of()
    assert declined(desk, said(OLD, signed_by=UNKNOWN)) == 403
    assert desk.board.view().strangers == ()


def test_cards_of_other_sites_are_strangers() -> None:
    assert OTHER not in cards_in([line(OTHER, "cam-2", "elsewhere")], "studio").current


def test_what_was_said_before_is_refused_also_after_a_restart(tmp_path: Path) -> None:
    desk = desk_of()
    desk.follow(PLAN)
    desk.report(said(sequence=5), "10.0.0.7", NOON)
    desk.turn(asked(sequence=3), "10.0.0.7", NOON)
    assert declined(desk, said(sequence=5)) == 409
    assert declined(desk, said(sequence=4)) == 409
    Keeper(tmp_path).write(Keeper(tmp_path).memory(desk, 1))

    kept = Keeper(tmp_path)
    restarted = Desk(kept.board(desk_of().board), desk.cards, kept.sequences(), kept.turns())
    assert declined(restarted, said(sequence=5)) == 409
    assert answered(restarted, 3, NOON) == 409
    restarted.report(said(sequence=6), "10.0.0.7", NOON)


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"{", b"[]", b"{}", b"\xff", b"null", b'{"card_id": 1}', b"[" * 10_000),
        b'{"card_id": "../..", "signature": "AA==", "report": "{}"}',
        b" " * (envelope.LARGEST_ENVELOPE + 1),
    ],
)
def test_what_is_no_envelope_is_not_understood(raw: bytes) -> None:
    assert declined(desk_of(), raw) == 400


def test_what_is_signed_and_no_report_is_not_understood() -> None:
    raw = envelope.write(envelope.REPORT, NEW, '{"format": 1}', private(NEW))
    assert declined(desk_of(), raw) == 400


def test_a_question_counts_as_no_report_and_a_report_as_no_question() -> None:
    desk = desk_of()
    assert declined(desk, asked()) == 403
    with pytest.raises(Declined) as caught:
        desk.turn(said(), "10.0.0.7", NOON)
    assert caught.value.status == 403


def test_a_card_that_says_too_much_is_slowed_down() -> None:
    desk = desk_of()
    statuses = []
    for sequence in range(60):
        try:
            desk.report(said(sequence=sequence), "10.0.0.7", NOON)
        except Declined as refused:
            statuses.append(refused.status)
    assert set(statuses) == {429}
    desk.report(said(OTHER), "10.0.0.8", NOON)


def test_what_strangers_send_in_a_card_s_name_slows_nobody_down() -> None:
    desk = desk_of()
    for sequence in range(100):
        declined(desk, said(sequence=sequence, signed_by=UNKNOWN))
    desk.report(said(), "10.0.0.7", NOON)


HIGHEST = 2**53 - 1


def told_of_two(desk: Desk) -> tuple[bool, str]:
    """Whether the board warns of two computers with the card's key; where the other one is."""
    node = desk.board.view().node("cam-1")
    assert node is not None
    return "two-pis" in node.warnings, node.twin_address


@pytest.mark.parametrize("serial", ["1000000000000001", "1000000000000002"])
def test_a_copied_card_with_the_highest_number_does_not_silence_the_node_unnoticed(
    serial: str,
) -> None:
    desk, later = desk_of(), NOON + 60 * SECOND
    desk.report(said(sequence=5, serial="1000000000000001"), "10.0.0.7", NOON)
    # It says that it has the node's address, too.
    copy = said(sequence=HIGHEST, serial=serial, addresses=("10.0.0.7",))
    desk.report(copy, "10.0.0.66", NOON + 40 * SECOND)
    for number in (6, 7):
        raw = said(sequence=number, serial="1000000000000001")
        assert declined(desk, raw, later) == 409
    desk.later(later)
    assert told_of_two(desk) == (True, "10.0.0.7")
    desk.later(later + 60 * SECOND)
    node = desk.board.view().node("cam-1")
    assert node is not None
    assert (node.state, node.warnings) == ("missing", ("two-pis",))
    desk.later(later + COPIED_FOR)
    assert told_of_two(desk) == (False, "")


def test_two_computers_at_one_address_are_told_apart_by_their_boards() -> None:
    desk = desk_of()
    desk.report(said(sequence=HIGHEST, serial="b"), "10.0.0.7", NOON)
    for number in (6, 7):
        assert declined(desk, said(sequence=number, serial="a")) == 409
    assert told_of_two(desk) == (True, "10.0.0.7")


def test_a_copied_card_that_keeps_the_node_from_its_turns_is_told_as_well() -> None:
    desk = desk_of()
    desk.report(said(), "10.0.0.66", NOON)
    desk.turn(asked(sequence=HIGHEST), "10.0.0.66", NOON)
    for number in (1, 2):
        with pytest.raises(Declined):
            desk.turn(asked(sequence=number), "10.0.0.7", NOON)
    assert told_of_two(desk) == (True, "10.0.0.7")


def test_a_node_that_says_the_same_again_on_another_way_is_no_second_computer() -> None:
    desk = desk_of()
    desk.report(said(sequence=5), "10.0.0.7", NOON)
    for address in ("fd00::7", "10.0.0.8", "10.0.0.9"):
        with pytest.raises(Declined):
            desk.report(said(sequence=5), address, NOON)
    assert told_of_two(desk) == (False, "")


def test_a_node_whose_numbers_were_lost_is_no_second_computer() -> None:
    desk = desk_of()
    desk.report(said(sequence=500, serial="a"), "10.0.0.7", NOON)
    for number in range(1, 5):
        assert declined(desk, said(sequence=number, serial="a")) == 409
    assert told_of_two(desk) == (False, "")


def test_a_node_whose_card_was_replaced_says_which_until_then_it_had() -> None:
    failed = replace(line(UNKNOWN, "cam-2"), result="failed")
    desk = desk_of(cards_in([failed, *LINES], "studio"))
    desk.recognise(cards_in(LINES, "studio"))
    nodes = {node.name: node.replaces for node in desk.board.view().nodes}
    assert nodes == {"cam-1": OLD, "cam-2": ""}


def test_what_another_key_signed_warns_of_no_second_computer() -> None:
    desk = desk_of()
    desk.report(said(sequence=HIGHEST), "10.0.0.7", NOON)
    for number in (1, 2, 3):
        with pytest.raises(Declined):
            desk.report(said(sequence=number, signed_by=UNKNOWN), "10.0.0.9", NOON)
    assert told_of_two(desk) == (False, "")


def test_a_flood_of_what_was_said_before_keeps_no_node_from_speaking() -> None:
    desk = desk_of()
    desk.report(said(sequence=5), "10.0.0.7", NOON)
    for _ in range(100):
        assert declined(desk, said(sequence=5)) == 409
    desk.report(said(sequence=6), "10.0.0.7", NOON)


def test_turns_are_given_by_the_plan() -> None:
    desk = desk_of()
    desk.follow(PLAN)
    granted = {"granted": True, "lease_seconds": int(LEASE_SECONDS)}
    assert desk.turn(asked(), "10.0.0.7", NOON) == granted
    answer = desk.turn(asked(OTHER), "10.0.0.8", NOON)
    assert not answer["granted"]
    assert answer["why"] == "1 of 1 turns are taken; others come first."
    desk.report(said(generation=GENERATION + 1), "10.0.0.7", NOON)
    assert desk.turn(asked(OTHER, 2), "10.0.0.8", NOON)["granted"] is True


def answered(desk: Desk, sequence: int, when: datetime) -> int | str:
    """Why a node may not go yet, or the HTTP status by which the server has no say in it."""
    try:
        return str(desk.turn(asked(sequence=sequence), "10.0.0.7", when)["why"])
    except Declined as refused:
        return refused.status


@pytest.mark.parametrize("known", [None, replace(PLAN, generation=GENERATION)])
def test_a_plan_that_does_not_come_is_waited_for_a_while_and_not_for_ever(
    known: RolloutPlan | None,
) -> None:
    desk, end = desk_of(), NOON + UNKNOWN_FOR
    desk.follow(known)
    waiting = "The server does not know this generation yet."
    assert answered(desk, 1, NOON) == answered(desk, 2, end - SECOND) == waiting
    desk.follow(known)
    assert answered(desk, 3, end) == answered(desk, 4, end + UNKNOWN_FOR) == 404
    desk.follow(PLAN)
    assert desk.turn(asked(sequence=5), "10.0.0.7", end + 2 * UNKNOWN_FOR)["granted"] is True


def test_a_node_that_asked_long_ago_spends_no_later_releases_time_to_come() -> None:
    desk, later = desk_of(), NOON + 10 * UNKNOWN_FOR
    desk.follow(replace(PLAN, generation=PLAN.generation - 1))
    waiting = "The server does not know this generation yet."
    assert answered(desk, 1, NOON) == waiting
    newer = asked(generation=PLAN.generation + 1, sequence=2)
    assert desk.turn(newer, "10.0.0.7", later)["why"] == waiting


def test_turns_that_were_given_are_kept_while_a_server_that_begins_reads_its_plan() -> None:
    kept = Turns(PLAN.generation, {OTHER: (NOON + UNKNOWN_FOR).timestamp()})
    cards = cards_in(LINES, "studio")
    desk = Desk(board_of("studio", cards.current.values(), NOON), cards, turns=kept)
    desk.turn(asked(), "10.0.0.7", NOON)
    desk.follow(PLAN)
    assert answered(desk, 2, NOON + SECOND) == "1 of 1 turns are taken; others come first."


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_turn_lasts_no_longer_where_the_clock_is_put_back(is_restarted: bool) -> None:
    cards, ahead = cards_in(LINES, "studio"), NOON + timedelta(hours=2)
    desk = Desk(board_of("studio", cards.current.values(), ahead), cards)
    desk.follow(PLAN)
    desk.turn(asked(), "10.0.0.7", ahead)
    if is_restarted:
        fresh = board_of("studio", cards.current.values(), NOON)
        desk = Desk(fresh, cards, turns=turns_from(json.dumps(desk.turns.to_json()).encode()))
        desk.follow(PLAN)
    desk.later(NOON)
    assert desk.turn(asked(OTHER, 2), "10.0.0.8", NOON + SECOND)["granted"] is False
    over = NOON + timedelta(seconds=LEASE_SECONDS)
    assert desk.turn(asked(OTHER, 3), "10.0.0.8", over)["granted"] is True


def test_a_clock_that_is_put_back_keeps_the_others_waiting_for_no_canary() -> None:
    desk, ahead = desk_of(), NOON + timedelta(hours=2)
    desk.follow(replace(PLAN, canaries=(NEW,)))
    desk.report(said(generation=PLAN.generation), "10.0.0.7", ahead)
    desk.turn(asked(OTHER), "10.0.0.8", NOON)
    well = NOON + timedelta(seconds=SOAK_SECONDS)
    assert desk.turn(asked(OTHER, 2), "10.0.0.8", well)["granted"] is True


def test_a_clock_that_is_put_back_spends_no_more_time_on_a_plan_that_does_not_come() -> None:
    desk = desk_of()
    assert answered(desk, 1, NOON + timedelta(hours=2)) != 404
    assert answered(desk, 2, NOON) != 404
    assert answered(desk, 3, NOON + UNKNOWN_FOR) == 404


def test_a_question_is_asked_once_and_for_oneself() -> None:
    desk = desk_of()
    desk.follow(PLAN)
    desk.turn(asked(), "10.0.0.7", NOON)
    for raw, status in ((asked(), 409), (asked(of=OTHER, sequence=2), 400), (asked(OLD), 403)):
        with pytest.raises(Declined) as caught:
            desk.turn(raw, "10.0.0.7", NOON)
        assert caught.value.status == status


def test_the_server_may_allow_fewer_at_once_than_the_plan() -> None:
    cards = cards_in(LINES, "studio")
    desk = Desk(board_of("studio", cards.current.values(), NOON), cards, at_once=1)
    desk.follow(replace(PLAN, at_once=50))
    assert desk.turn(asked(), "10.0.0.7", NOON)["granted"] is True
    assert desk.turn(asked(OTHER), "10.0.0.8", NOON)["granted"] is False


def test_a_node_is_told_to_blink_once_for_each_time_it_is_asked() -> None:
    desk = desk_of()
    assert desk.blink(NEW, NOON)
    answer = desk.report(said(), "10.0.0.7", NOON + SECOND)
    assert answer["blink_seconds"] == BLINK_SECONDS
    assert desk.report(said(sequence=2), "10.0.0.7", NOON + 2 * SECOND)["blink_seconds"] == 0
    assert desk.blink(NEW, NOON + 3 * SECOND)
    answer = desk.report(said(sequence=3), "10.0.0.7", NOON + 4 * SECOND)
    assert answer["blink_seconds"] == BLINK_SECONDS


def test_while_somebody_walks_nodes_ask_more_often() -> None:
    desk = desk_of()
    desk.blink(NEW, NOON)
    assert desk.report(said(OTHER), "10.0.0.8", NOON + SECOND)["again_seconds"] == 2
    late = desk.report(said(OTHER, 2), "10.0.0.8", NOON + 600 * SECOND)
    assert "again_seconds" not in late


def test_nobody_blinks_for_a_card_that_is_none() -> None:
    desk = desk_of()
    assert not desk.blink(UNKNOWN, NOON)
    assert not desk.blink(OLD, NOON)


def test_a_card_that_is_made_while_the_server_runs_takes_the_older_one_s_place() -> None:
    desk = desk_of(cards_in(LINES[:1], "studio"))
    desk.report(said(OLD), "10.0.0.7", NOON)
    desk.recognise(cards_in(LINES, "studio"))
    desk.report(said(NEW), "10.0.0.7", NOON)
    assert declined(desk, said(OLD, 2)) == 403


@pytest.mark.parametrize(
    ("plan", "state"),
    [
        (None, "idle"),
        (PLAN, "running"),
        (replace(PLAN, paused=True), "paused"),
        (replace(PLAN, withdrawn=(PLAN.generation,)), "stopped"),
        (replace(PLAN, cards=()), "done"),
    ],
)
def test_the_board_says_where_the_rollout_stands(plan: RolloutPlan | None, state: str) -> None:
    desk = desk_of()
    desk.follow(plan)
    desk.later(NOON)
    assert desk.board.view().rollout.state == state


def test_the_board_says_why_a_rollout_stopped() -> None:
    desk = desk_of()
    desk.follow(PLAN)
    for card in (NEW, OTHER):
        desk.report(said(card, failed_generation=PLAN.generation), "10.0.0.7", NOON)
    desk.later(NOON)
    assert desk.board.view().rollout.why == "2 of 2 nodes could not keep it."
