"""A release for cards: made from what the ledger knows of them, and told to it."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from autosetup import hpke
from autosetup.letter import make_letter, open_secrets, read_letter, write_letter
from autosetup.payload import unpack
from autosetup.secrets_file import SECRETS
from autosetup.trust import look
from flasher.recording import NO_NODE, node_line
from flasher.rig.assignments import Assignment, assignments, swapped
from flasher.rig.inventory import host_of, latest_cards
from flasher.rig.ledger import Ledger
from flasher.rig.node_payload import CardIdentity, compose
from flasher.rig.released import record_release, release_payload
from flasher.rig.rigmap import RigMap
from tests.unit.rig.conftest import MakeRig

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=9)
GENERATION = int(LATER.timestamp())
IMAGE = "3" * 64
TWO = ("cam-11", "central")


@pytest.fixture
def rig(make_rig: MakeRig) -> RigMap:
    """A rig whose cards bring host keys."""
    return make_rig(host_keys=True)


@pytest.fixture
def cards() -> dict[str, CardIdentity]:
    """What two cards are known by, by the node that they were made for."""
    return {node: CardIdentity.fresh(NOW) for node in TWO}


@pytest.fixture
def ledger(tmp_path: Path, rig: RigMap, cards: dict[str, CardIdentity]) -> Ledger:
    """With a line for each of the two cards."""
    made = Ledger(tmp_path / "ledger.sqlite")
    for node, card in cards.items():
        line = node_line(NO_NODE, rig, rig.find(node), card, "4" * 64)
        made.record(replace(line, result="verified", written_at=NOW.isoformat()))
    return made


def known(ledger: Ledger) -> dict[str, Assignment]:
    """The cards by their nodes."""
    return {card.node: card for card in assignments(ledger.entries(), "field").values()}


def test_a_card_has_fresh_keys_whose_public_halves_the_ledger_knows(
    rig: RigMap, cards: dict[str, CardIdentity], ledger: Ledger
) -> None:
    secrets = [unpack(compose(rig, rig.find(n), c, IMAGE)).secrets for n, c in cards.items()]
    assert len({key for each in secrets for key in (each.sealing_key, each.report_key)}) == 4
    for node, each in zip(TWO, secrets, strict=True):
        public = hpke.public_half(base64.b64decode(each.sealing_key))
        assert known(ledger)[node].sealing_key == base64.b64encode(public).decode()
        assert known(ledger)[node].report_key
        assert each.sealing_key in each.values()
        assert each.sealing_key not in repr(each)
        assert each.sealing_key not in repr(ledger.entries())


def test_a_release_is_the_nodes_payload_for_the_same_card_without_its_keys(
    rig: RigMap, cards: dict[str, CardIdentity], ledger: Ledger
) -> None:
    card, node = known(ledger)["cam-11"], rig.find("cam-11")
    raw = release_payload(rig, node, card, GENERATION, LATER, IMAGE)
    made, first = unpack(raw), unpack(compose(rig, node, cards["cam-11"], IMAGE))
    assert made.settings == first.settings
    assert (made.manifest.card_id, made.manifest.generation) == (card.card_id, GENERATION)
    assert (made.secrets.sealing_key, made.secrets.report_key, made.secrets.host_key) == ("",) * 3
    assert look(raw).kind == "good"
    assert made.secrets.nonce != first.secrets.nonce


def test_a_release_travels_to_its_card_alone(
    rig: RigMap, cards: dict[str, CardIdentity], ledger: Ledger
) -> None:
    card = known(ledger)["central"]
    raw = release_payload(rig, rig.find("central"), card, GENERATION, LATER, IMAGE)
    letter = read_letter(write_letter(make_letter("field", raw, card.sealing_key)))
    assert open_secrets(letter, cards["central"].sealing_key) == raw[SECRETS]


def test_swapped_nodes_are_told_to_the_ledger_with_all_that_follows(
    rig: RigMap, ledger: Ledger
) -> None:
    before = known(ledger)
    both = swapped(assignments(ledger.entries(), "field"), *TWO)
    after = [replace(card, generation=GENERATION) for card in both.values()]
    lines = record_release(ledger, rig, after, LATER)
    assert {line.result for line in lines} == {"released"}
    assert len({line.entry_id for line in lines}) == 2
    now = known(ledger)
    assert now["central"].card_id == before["cam-11"].card_id
    assert now["cam-11"].role == "camera"
    assert now["cam-11"].generation == GENERATION
    hosts = {card.node: (host_of(card), card.card_id) for card in latest_cards(ledger.entries())}
    assert hosts["central"] == ("10.40.0.1", before["cam-11"].card_id)
    assert {line.node: line.reached_from for line in lines} == {"cam-11": "central", "central": ""}
    assert ledger.made("field", "field").keys() == set(TWO)


def test_a_release_for_a_card_that_nobody_knows_is_not_told(rig: RigMap, ledger: Ledger) -> None:
    stranger = replace(known(ledger)["central"], card_id="f" * 32)
    assert record_release(ledger, rig, [stranger], LATER) == ()
    assert len(ledger.entries()) == 2
