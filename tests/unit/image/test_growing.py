"""A file that is unpacked while others read what is there already."""

from __future__ import annotations

import os
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flasher.errors import Cancelled
from flasher.events import CancelFlag, Event, StepStarted
from flasher.image.background import Watermark, in_background, wait_aloud, wait_for
from flasher.image.forms import DAMAGE
from flasher.image.unpack import unpack

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MIB = 1 << 20
FRONT = random.Random(1).randbytes(8 * MIB)  # noqa: S311 - test data


@pytest.mark.parametrize("whole", [True, False])
def test_what_is_unpacked_can_be_read_while_the_rest_has_not_even_come(
    whole: bool, tmp_path: Path
) -> None:
    """The packed bytes come through a pipe, so that it is the test who says when."""
    pipe, target = tmp_path / "image.zst", tmp_path / "raw"
    os.mkfifo(pipe)
    watermark = Watermark()
    with target.open("wb") as handle:
        done = in_background(lambda: unpack(pipe, "zst", handle.fileno(), watermark, CancelFlag()))
        with pipe.open("wb") as source:
            source.write(zstd.compress(FRONT))
            source.flush()
            assert watermark.wait(4 * MIB) >= 4 * MIB
            assert target.read_bytes()[: 4 * MIB] == FRONT[: 4 * MIB]
            assert not done.done()
            assert not watermark.is_whole
            source.write(zstd.compress(bytes(9 * MIB)) if whole else b"\x28\xb5\x2f\xfd garbage")
        if whole:
            done.result()
            assert watermark.is_whole
            assert target.read_bytes() == FRONT + bytes(9 * MIB)
            assert target.stat().st_blocks * 512 <= 9 * MIB
        else:
            with pytest.raises(DAMAGE):
                done.result()


def test_all_who_wait_hear_of_what_went_wrong_and_so_does_who_makes_more() -> None:
    watermark = Watermark()
    watermark.rise(100)
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(watermark.wait, 200) for _ in range(3)]
        watermark.fail(LookupError("lost"))
        for each in waiting:
            with pytest.raises(LookupError):
                each.result()
    for late in (lambda: watermark.wait(50), lambda: watermark.rise(300)):
        with pytest.raises(LookupError):
            late()


def test_who_waits_for_more_than_there_is_gets_what_there_is() -> None:
    watermark = Watermark()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(watermark.wait, 200)
        watermark.rise(150)
        watermark.finish()
        assert waiting.result() == 150


def test_waiting_can_be_cancelled_and_tells_how_far_it_is() -> None:
    watermark, cancel, told = Watermark(), CancelFlag(), list[Event]()
    never = in_background(lambda: watermark.wait(1))
    cancel.set()
    with pytest.raises(Cancelled):
        wait_for(never, cancel)
    with pytest.raises(Cancelled):
        wait_aloud(never, watermark, (told.append, "base.img", "check"), cancel)
    assert isinstance(told[0], StepStarted)
    watermark.finish()
    assert wait_aloud(never, watermark, (told.append, "base.img", "check")) == 0
