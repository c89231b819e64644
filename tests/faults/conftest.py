"""Cards that fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.faulty_card import FaultyCard, faulty_card

CardMaker = Callable[..., FaultyCard]


@pytest.fixture
def make_card(tmp_path: Path) -> Iterator[CardMaker]:
    """Put a card into a reader; taken out when the test ends."""
    with ExitStack() as stack:
        yield lambda *what, **how: stack.enter_context(
            faulty_card(tmp_path / f"card-{len(list(tmp_path.glob('card-*')))}", *what, **how)
        )
