"""``kill -9`` at any moment of `flasher write` and `prepare`; half of the time the power goes, too.

FLASHER_CARD_KILLS is the number of moments, 4 by default; FLASHER_SEED chooses them: by the bytes
that the card had moved, so none is a matter of speed.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flasher.card.plan import HEAD, CardPlan, plan_card
from flasher.image.source import open_image
from flasher.process import run
from tests.faults.conftest import CardMaker
from tests.faults.disk import Fault
from tests.faults.engine import has_table, is_right
from tests.faults.faulty_card import FaultyCard
from tests.faults.small_images import FORMER_LIVES, MIB, ROOT, small_image

KILLS = int(os.environ.get("FLASHER_CARD_KILLS", "4"))
SEED = os.environ.get("FLASHER_SEED", "1")
_SIZE = 112  # MiB: more than is written between two flushes
_LARGEST_PAYLOAD = 64 << 10
_PROBED = 18 << 20  # and put back


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image, packed as well."""
    raw = small_image(tmp_path_factory.mktemp("image"), 1, _SIZE)
    run(["zstd", "-q", "-1", str(raw)])
    return raw


@pytest.fixture(scope="module")
def plan(image: Path) -> CardPlan:
    return plan_card(open_image(image), None)


@pytest.mark.parametrize("number", range(KILLS))
def test_a_write_killed_at_any_moment_leaves_nothing_and_goes_on_where_it_was(
    number: int, image: Path, plan: CardPlan, make_card: CardMaker, tmp_path: Path
) -> None:
    dice = random.Random(f"{SEED}-{number}")  # noqa: S311 - told, to be repeated
    loses_power = number % 2 == 0
    card = make_card((_SIZE + 1) * MIB, volatile=loses_power)
    FORMER_LIVES["foreign"](card.backing, image, dice)
    amount = sum(found.length for found in plan.ranges)
    moment = dice.randrange(2 * amount)
    argv = _command(number, image, card)
    card.spoil(Fault("freeze", after=moment))
    was_alive = _kill(argv, card, loses_power=loses_power)
    assert _left_behind(tmp_path) == []
    if has_table(card.backing) and _kept(card, loses_power=loses_power):
        _check_whole(argv, plan, card.backing, tmp_path / "before")
    kept = [where for where in _kept(card, loses_power=loses_power) if where[0] >= HEAD]
    before = len(card.moved().log)
    done = subprocess.run(argv, capture_output=True, text=True)
    again = [where for where in card.moved().log[before:] if where]
    print(  # noqa: T201
        f"seed {SEED}, kill {number}: {argv[3]}, after {moment} of {2 * amount} bytes "
        f"({'alive' if was_alive else 'it had ended'}), power {'cut' if loses_power else 'kept'}; "
        f"kept {_bytes(kept)}, written again {_bytes(again)}, of the kept {_common(kept, again)}"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert has_table(card.backing)
    _check_whole(argv, plan, card.backing, tmp_path / "after")
    assert _common(kept, again) <= _allowed(argv)
    assert _left_behind(tmp_path) == []


def _allowed(argv: list[str]) -> int:
    """Bytes that may be written twice: the probe's, and a payload that is another each time."""
    probed = "--no-probe" not in argv
    return _PROBED * probed + _LARGEST_PAYLOAD * (argv[3] == "prepare")


def _check_whole(argv: list[str], plan: CardPlan, card: Path, folder: Path) -> None:
    """Other eyes find all on it that the command is to put there."""
    if argv[3] == "write":
        assert is_right(plan, card)
        return
    run(["mcopy", "-s", "-i", f"{card}@@1M", "::/autosetup", str(folder)])
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert manifest["node"] == "cam-0101"
    for name, told in manifest["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == told["sha256"]
    run(["e2fsck", "-fn", f"{card}?offset={ROOT}"])
    size = (_SIZE * MIB) - ROOT
    run(["cmp", "-n", str(size), "-i", str(ROOT), str(plan.image.path), str(card)])


def _command(number: int, image: Path, card: FaultyCard) -> list[str]:
    """`write` of the raw image, or of the packed one; or `prepare`; half of them probe first."""
    packed = image.with_name(f"{image.name}.zst")
    node = ["--scanner", "body-16x7", "--site", "demo", "--node", "cam-0101"]
    words = (
        ["write", str(image), str(card.path)],
        ["prepare", *node, "--image", str(image), "--to", str(card.path)],
        ["write", str(packed), str(card.path)],
    )[number % 3]
    probe = ["--no-probe"] if number % 4 < 2 else []
    return [sys.executable, "-m", "flasher", *words, *probe, "--yes", "--json"]


def _kill(argv: list[str], card: FaultyCard, *, loses_power: bool) -> bool:
    """Run a command until its card does not answer any more, and end it; whether it lived."""
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, start_new_session=True) as process:
        while process.poll() is None and not card.is_held():
            pass
        was_alive = process.poll() is None
        process.kill()
        if loses_power:
            card.cut()
        else:
            card.spoil()
    card.spoil()
    return was_alive


def _kept(card: FaultyCard, *, loses_power: bool) -> list[tuple[int, int]]:
    """What was written and is still on the card: without power, what was flushed."""
    log = card.moved().log
    if loses_power:
        flushes = [number for number, where in enumerate(log) if where is None]
        log = log[: flushes[-1] if flushes else 0]
    return [where for where in log if where]


def _bytes(places: list[tuple[int, int]]) -> int:
    return sum(length for _, length in places)


def _common(first: list[tuple[int, int]], second: list[tuple[int, int]]) -> int:
    """Bytes that are in both."""
    blocks = {block for place in first for block in _blocks(place)}
    return 4096 * len(blocks & {block for place in second for block in _blocks(place)})


def _blocks(place: tuple[int, int]) -> Iterator[int]:
    return iter(range(place[0] // 4096, -(-(place[0] + place[1]) // 4096)))


def _left_behind(folder: Path) -> list[str]:
    """Programs, mounts and drafts that a test's commands left."""
    programs = [pid.name for pid in Path("/proc").glob("[0-9]*") if _is_of(pid, str(folder))]
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    drafts = [str(path) for path in folder.rglob(".*.part")]
    return [*programs, *(line for line in mounts if str(folder) in line), *drafts]


def _is_of(process: Path, folder: str) -> bool:
    """Whether a program has this test's environment; not the cards themselves."""
    try:
        environment = (process / "environ").read_bytes().decode(errors="replace")
        words = (process / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return False
    return folder in environment and "card_process" not in words
