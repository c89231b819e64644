"""Whatever a profile or a site holds: it is refused by its lines, or good for every card."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autosetup.faults import Fault
from autosetup.payload import unpack
from flasher.errors import BadDocument
from flasher.rig.node_payload import CardIdentity, compose
from flasher.rig.rigmap import RigMap
from tests.examples import examples
from tests.unit.autosetup.any_documents import complaint, spoiled
from tests.unit.rig.whole_rig import load_rig, make_whole_rig

DOCUMENTS = ["profile/profile.toml", "site/site.toml", "site/secrets.toml"]
IDENTITY = CardIdentity.fresh(datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A profile and a site with all that they can say, free to be spoiled."""
    folder = tmp_path_factory.mktemp("shelf")
    make_whole_rig(folder)
    return folder


def load_with(shelf: Path, file: str, raw: bytes) -> RigMap | tuple[Fault, ...]:
    """The rig with this in place of one of its documents, or why it is refused."""
    sound = (shelf / file).read_bytes()
    (shelf / file).write_bytes(raw)
    try:
        return load_rig(shelf)
    except BadDocument as bad:
        return bad.faults
    finally:
        (shelf / file).write_bytes(sound)


def make_cards(rig: RigMap) -> tuple[Fault, ...]:
    """What keeps the payload of a node of any role from being made."""
    try:
        for node in (rig.nodes[0], rig.nodes[-1]):
            assert unpack(compose(rig, node, IDENTITY, "0" * 64)).settings.name == node.name
    except BadDocument as bad:
        return bad.faults
    return ()


def test_every_card_can_be_made_of_all_that_can_be_said(shelf: Path) -> None:
    assert make_cards(load_rig(shelf)) == ()


@pytest.mark.parametrize("file", DOCUMENTS)
@given(data=st.data())
@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_profile_or_a_site_is_refused_by_its_lines_or_good_for_every_card(
    shelf: Path, file: str, data: st.DataObject
) -> None:
    raw = data.draw(spoiled((shelf / file).read_bytes()))
    loaded = load_with(shelf, file, raw)
    if isinstance(loaded, RigMap):
        # Whether a template names what nobody knows is told by profile and site together.
        assert all(fault.file.startswith("templates/") for fault in make_cards(loaded))
    else:
        assert loaded
        assert not complaint(loaded, raw)
