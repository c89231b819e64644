"""Cards in real block devices."""

from __future__ import annotations

from pathlib import Path

import pytest

from flasher.process import run
from tests.integration.conftest import LoopMaker


@pytest.fixture
def used_card(tmp_path: Path, base_image: Path, make_loop: LoopMaker) -> Path:
    """A card with the partitions and file systems of an image."""
    backing = tmp_path / "used.backing"
    backing.write_bytes(base_image.read_bytes())
    card = make_loop(backing, "--partscan")
    run(["partx", "--update", str(card)])
    return card
