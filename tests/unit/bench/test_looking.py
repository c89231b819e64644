"""What a card of ours is worth: by its own word, and by the ledger's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flasher.bench.looking import judge
from flasher.card.inspect import CardReport
from flasher.recording import NO_NODE
from flasher.rig.entry import Entry
from flasher.rig.profile import load_profile
from flasher.rig.rigmap import lay_out
from flasher.rig.site import load_site
from tests.unit.bench.reports import made_card

CARD, OTHER = "ab" * 16, "cd" * 16


def card(node: str) -> CardReport:
    found = made_card(CARD)
    assert found.manifest is not None
    return replace(found, manifest=replace(found.manifest, node=node, generation=5))


def line(result: str, card_id: str = CARD, generation: int = 5, replaces: str = "") -> Entry:
    return replace(
        NO_NODE,
        node="cam-0101",
        card_id=card_id,
        generation=generation,
        result=result,  # type: ignore[arg-type]
        replaces=replaces,
    )


@pytest.mark.parametrize(
    ("node", "entries", "stands"),
    [
        ("cam-0101", [line("verified")], True),
        ("cam-0101", [line("verified"), line("verified", OTHER, 6, replaces=CARD)], False),
        ("cam-0101", [line("failed")], False),
        ("cam-0101", [line("cancelled")], False),
        ("cam-0101", [line("alive")], True),
        ("cam-0101", [line("verified", OTHER, 6, replaces=CARD)], False),
        # Another computer may have made what no line tells of, for this rig or for any other.
        ("cam-0101", [], True),
        ("cam-0101", [line("verified", OTHER, 4)], True),
        ("cam-0101", [line("verified", OTHER, 6)], True),
        ("cam-9901", [], True),
    ],
)
def test_a_card_may_be_made_anew_only_if_no_node_can_need_it(
    node: str, entries: list[Entry], stands: bool
) -> None:
    rig = lay_out(load_profile("body-16x7"), *load_site("demo"))
    assert judge(card(node), rig, entries).stands is stands
