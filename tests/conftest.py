"""What all tests share: data and caches of their own, so that nothing of the user's is touched."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point the program's folders at the test's own."""
    monkeypatch.setenv("FLASHER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("FLASHER_CACHE", str(tmp_path / "cache"))
