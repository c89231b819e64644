"""A practice bench with many readers, and how much is done at it."""

from __future__ import annotations

import os
import threading

import pytest

LONG = "FLASHER_SOAK_CARDS"


@pytest.fixture(scope="session")
def cards() -> int:
    """How many cards are put in."""
    return int(os.environ.get(LONG, "24"))


@pytest.fixture(scope="session")
def readers(cards: int) -> int:
    """How many lanes there are."""
    return 4 if cards < 100 else 8


@pytest.fixture
def stumbles(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What threads died of."""
    told: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: told.append(str(args.exc_value)))
    return told
