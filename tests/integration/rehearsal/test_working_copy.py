from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flasher.errors import Cancelled
from flasher.events import CancelFlag, ignore
from flasher.process import ProgramFailed, run
from flasher.rehearsal.working_copy import open_path, working_copy

MakeCard = Callable[..., Path]


def test_a_copy_holds_the_same_bytes_and_takes_no_more_room(make_card: MakeCard) -> None:
    card = make_card(size=64)
    with working_copy(card, emit=ignore, cancel=CancelFlag()) as copy:
        path = str(open_path(copy)).replace("self", str(os.getpid()))
        run(["cmp", str(card), path])
        assert os.fstat(copy.fileno()).st_blocks <= card.stat().st_blocks + 8


def test_a_copy_has_the_next_size_that_can_be_emulated(make_card: MakeCard) -> None:
    with working_copy(make_card(size=17), emit=ignore, cancel=CancelFlag()) as copy:
        assert os.fstat(copy.fileno()).st_size == 32 << 20


def test_copying_can_be_cancelled(make_card: MakeCard) -> None:
    cancel = CancelFlag()
    cancel.set()
    with pytest.raises(Cancelled), working_copy(make_card(), emit=ignore, cancel=cancel):
        pass


WRITE = """
import resource, sys
from flasher.rehearsal.working_copy import write_whole
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
with open(sys.argv[1], "wb", buffering=0) as file:
    write_whole(file, bytes(100_000))
"""


def test_what_cannot_be_written_whole_is_no_kernel(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match="File too large"):
        run([sys.executable, "-c", WRITE, str(tmp_path / "kernel")])
