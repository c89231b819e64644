"""Whatever strangers put on a card: by no policy but `allow` more than the networks changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autosetup.faults import Faulty
from autosetup.payload import NodeSettings, Payload, Secrets, unpack
from autosetup.settings import Locale
from tests.examples import examples
from tests.unit.autosetup.any_documents import node_with, spoiled
from tests.unit.autosetup.random_payloads import payloads
from tests.unit.autosetup.sample_payloads import OTHER_KEY, packed, sealed
from tests.unit.autosetup.test_weigh import NEWER, Bench

# That of a node which serves nobody: others cannot have any network.
RAW = packed()
POLICIES = ["refuse", "network-only"]


def without_networks(payload: Payload) -> tuple[NodeSettings, Secrets, object]:
    """All of a payload that strangers must not change."""
    alone = replace(payload.settings, wifi=(), wired=None, country=None, locale=Locale())
    return alone, replace(payload.secrets, wifi_passphrases={}), payload.files


def taken(folder: Path, policy: str, raw: dict[str, bytes]) -> Payload | None:
    """What a node with a payload of its own site would apply; None for nothing."""
    bench = Bench(folder, "baked", policy, sealed(RAW))
    try:
        offer = bench.weigh(raw)
        refused = offer.standing is None or offer.standing.objection is not None
        if refused or bench.action(offer) != "apply":
            return None
        return unpack(offer.raw)
    except Faulty:
        return None


@pytest.mark.parametrize("policy", POLICIES)
@given(random=payloads(), is_signed=st.booleans())
@settings(max_examples=examples(15), suppress_health_check=[HealthCheck.too_slow])
def test_a_strangers_payload_changes_networks_at_most(
    policy: str, random: tuple[NodeSettings, Secrets, dict[str, bytes]], is_signed: bool
) -> None:
    raw = packed(*random, generation=NEWER)
    with node_with({}) as folder:
        found = taken(folder, policy, sealed(raw, OTHER_KEY) if is_signed else raw)
    assert found is None or policy == "network-only"
    assert found is None or without_networks(found) == without_networks(unpack(RAW))


@pytest.mark.parametrize("policy", POLICIES)
@given(data=st.data())
@settings(max_examples=examples(60))
def test_an_edit_on_a_nodes_own_card_changes_networks_at_most(
    policy: str, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(RAW)))
    raw = {**sealed(RAW), name: data.draw(spoiled(RAW[name]))}
    with node_with({}) as folder:
        found = taken(folder, policy, raw)
    assert found is None or policy == "network-only"
    assert found is None or without_networks(found) == without_networks(unpack(RAW))
