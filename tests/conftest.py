"""What all tests share: data and caches of their own, so that nothing of the user's is touched."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests import examples

examples.load()

# The wizard's words are looked up when it is imported; the tests read English.
os.environ["LANGUAGE"] = "en"

# A shell's background job ignores these, and so would all that the tests start.
for number, action in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, action)


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point the program's folders at the test's own."""
    monkeypatch.setenv("FLASHER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("FLASHER_CACHE", str(tmp_path / "cache"))
