"""Cards written by ordinary users, through a real udisks2 and polkit."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import SIZE, LoopMaker
from tests.integration.drives.desktop import MEMBER, STRANGER, Desktop, desktop

FLASHER = (sys.executable, "-m", "flasher")


@pytest.fixture
def backing(tmp_path: Path) -> Path:
    """What is on a card of 64 MiB that was something else before."""
    backing = tmp_path / "card.backing"
    backing.write_bytes(b"\xa5" * (64 << 20))
    return backing


@pytest.fixture
def loop(backing: Path, make_loop: LoopMaker) -> Path:
    return make_loop(backing, "--partscan")


@pytest.fixture
def bench(tmp_path: Path, loop: Path) -> Iterator[Desktop]:
    with desktop(tmp_path / "desktop", loop) as found:
        yield found


@pytest.fixture
def image(bench: Desktop, base_image: Path) -> Path:
    """The image where ordinary users may read it."""
    image = bench.place / "base.img"
    image.hardlink_to(base_image)
    return image


def test_a_member_of_the_group_writes_and_verifies_a_card(
    bench: Desktop, loop: Path, backing: Path, image: Path
) -> None:
    done = bench.run(MEMBER, *FLASHER, "write", str(image), str(loop), "--yes")
    assert done.returncode == 0, done.stdout
    assert backing.read_bytes()[:SIZE] == image.read_bytes()
    checked = bench.run(MEMBER, *FLASHER, "verify", "--image", str(image), str(loop))
    assert checked.returncode == 0, checked.stdout


def test_anybody_else_is_told_what_he_lacks_and_the_card_is_left_alone(
    bench: Desktop, loop: Path, backing: Path, image: Path
) -> None:
    done = bench.run(STRANGER, *FLASHER, "write", str(image), str(loop), "--yes")
    assert done.returncode == 5, done.stdout
    assert "polkit does not let you" in done.stdout
    assert not backing.read_bytes().strip(b"\xa5")
