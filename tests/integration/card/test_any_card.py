"""The autopsy of a card with anything on it: it tells, and never stumbles."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autosetup.status import lines_of
from flasher.card.advice import advise
from flasher.card.inspect import inspect_card
from flasher.card.plan import CardPlan, boot_partition, plan_card
from flasher.image.blocks import Overlay
from flasher.image.fat_edit import WritableFatVolume
from flasher.image.source import open_image
from tests.examples import examples
from tests.unit.autosetup.any_documents import RAW, SAID, spoiled
from tests.unit.autosetup.sample_payloads import sealed

MOMENT = datetime(2026, 7, 8, 9, 10, 12, tzinfo=UTC)
FILES = {**sealed(RAW), "status.json": SAID.to_json(), "log.txt": b"a word of the agent\n"}


@pytest.fixture(scope="module")
def card(base_image: Path) -> CardPlan:
    """A card on which a node has lived."""
    return plan_card(open_image(base_image), FILES, modified=MOMENT)


def tell(card: Overlay) -> bool:
    """Whether the card is known as one of ours; all that is told of it can be shown."""
    report = inspect_card(card)
    advice = advise(report)
    told = [report.summary, *report.problems, advice.cause, advice.todo, str(report.signature)]
    told += lines_of(report.status) if report.status else []
    assert all(line.isprintable() for text in told for line in text.split("\n"))
    return report.is_ours


@given(data=st.data())
@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_card_with_a_spoiled_file_is_told_of(card: CardPlan, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(FILES)))
    boot = boot_partition(card)
    assert boot
    draft = Overlay(card)
    raw = data.draw(spoiled(FILES[name]))
    WritableFatVolume(draft, boot.offset).write(f"autosetup/{name}", raw, modified=MOMENT)
    assert tell(draft) or name == "manifest.json"


@given(data=st.data())
@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_card_with_damage_anywhere_is_told_of(card: CardPlan, data: st.DataObject) -> None:
    boot = boot_partition(card)
    assert boot
    draft = Overlay(card)
    # The partition table, and what FAT keeps about itself: sectors, both tables, the first folders.
    places = st.integers(0, 511) | st.integers(boot.offset, boot.offset + (1 << 20))
    for _ in range(data.draw(st.integers(1, 8))):
        draft.write(data.draw(places), data.draw(st.binary(min_size=1, max_size=16)))
    tell(draft)
