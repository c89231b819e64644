"""Whatever a recipe holds: it is read, or refused by its lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.recipe import load_recipe
from flasher import paths
from flasher.errors import BadDocument
from tests.examples import examples
from tests.unit.autosetup.any_documents import complaint, spoiled


@pytest.mark.parametrize("name", ["base.toml", "pc.toml"])
@given(data=st.data())
@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_recipe_is_read_or_refused_by_its_lines(
    name: str, tmp_path: Path, data: st.DataObject
) -> None:
    raw = data.draw(spoiled((paths.assets() / "recipes" / name).read_bytes()))
    (tmp_path / name).write_bytes(raw)
    try:
        load_recipe(tmp_path / name)
    except BadDocument as bad:
        told = complaint(bad.faults, raw) if bad.faults else "nothing"
    else:
        told = ""
    assert not told
