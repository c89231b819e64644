"""A full payload for the tests of the agent's contract."""

from __future__ import annotations

import pytest

from tests.unit.autosetup.sample_payloads import packed


@pytest.fixture
def raw() -> dict[str, bytes]:
    """The files of a full payload, free to be spoiled."""
    return packed()
