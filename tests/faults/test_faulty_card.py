"""The card that fails does what it is told, and leaves nothing behind."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flasher.process import leashed
from tests.faults.conftest import CardMaker
from tests.faults.disk import Fault, Kind
from tests.faults.faulty_card import FaultyCard

MIB = 1 << 20
SIZE = 8 * MIB
BLOCK = 4096
_BLKDISCARD = 0x1277  # Linux, include/uapi/linux/fs.h


class Handle:
    """A card, opened past the page cache."""

    def __init__(self, card: FaultyCard) -> None:
        self.descriptor = os.open(card.path, os.O_RDWR | os.O_DIRECT | os.O_EXCL)

    def write(self, offset: int, byte: int) -> None:
        with mmap.mmap(-1, BLOCK) as page:
            page.write(bytes([byte]) * BLOCK)
            assert os.pwrite(self.descriptor, page, offset) == BLOCK

    def read(self, offset: int) -> bytes:
        with mmap.mmap(-1, BLOCK) as page:
            return page[: os.preadv(self.descriptor, [page], offset)]

    def flush(self) -> None:
        os.fsync(self.descriptor)

    @property
    def size(self) -> int:
        return os.lseek(self.descriptor, 0, os.SEEK_END)


@pytest.fixture
def hold() -> Iterator[Callable[[FaultyCard], Handle]]:
    held: list[Handle] = []

    def opened(card: FaultyCard) -> Handle:
        held.append(Handle(card))
        return held[-1]

    yield opened
    for handle in held:
        os.close(handle.descriptor)


Hold = Callable[[FaultyCard], Handle]


def block(byte: int) -> bytes:
    return bytes([byte]) * BLOCK


def test_a_card_without_faults_keeps_what_is_written(make_card: CardMaker, hold: Hold) -> None:
    card = make_card(SIZE)
    handle = hold(card)
    assert handle.size == SIZE
    handle.write(MIB, 7)
    handle.flush()
    assert handle.read(MIB) == block(7)
    assert card.backing.read_bytes()[MIB : MIB + BLOCK] == block(7)
    moved = card.moved()
    assert (moved.written, moved.log[-2:]) == (BLOCK, [(MIB, BLOCK), None])
    fcntl.ioctl(handle.descriptor, _BLKDISCARD, struct.pack("=QQ", MIB, MIB))
    assert handle.read(MIB) == block(0)


@pytest.mark.parametrize(("times", "tries"), [(0, 3), (1, 1), (2, 2)])
def test_errors_are_at_their_place_and_as_often_as_told(
    make_card: CardMaker, hold: Hold, times: int, tries: int
) -> None:
    card = make_card(SIZE, Fault("fail", "write", first=MIB, length=1, times=times))
    handle = hold(card)
    for _ in range(tries):
        with pytest.raises(OSError, match="Input/output"):
            handle.write(MIB, 1)
    if times:
        handle.write(MIB, 1)
    handle.write(2 * MIB, 1)
    card.spoil(Fault("fail", "read", first=2 * MIB), Fault("fail", "flush"))
    assert handle.read(0) == block(0)
    for action in (lambda: handle.read(2 * MIB), handle.flush):
        with pytest.raises(OSError, match="Input/output"):
            action()


def test_a_flipped_bit_is_one_bit_stored_or_another_one_at_each_reading(
    make_card: CardMaker, hold: Hold
) -> None:
    card = make_card(SIZE, Fault("flip", "write", first=MIB, length=BLOCK))
    handle = hold(card)
    handle.write(MIB, 0)
    stored = handle.read(MIB)
    assert (stored, sum(map(int.bit_count, stored))) == (handle.read(MIB), 1)
    card.spoil(Fault("flip", "read", first=MIB, length=BLOCK))
    handle.write(MIB, 0)
    assert len({handle.read(MIB) for _ in range(8)}) > 1
    card.spoil()
    assert handle.read(MIB) == block(0)


def test_a_counterfeit_loses_what_is_beyond_its_end_or_begins_again(
    make_card: CardMaker, hold: Hold
) -> None:
    card = make_card(SIZE, Fault("lose", "write", first=4 * MIB))
    handle = hold(card)
    handle.write(5 * MIB, 5)
    assert handle.read(5 * MIB) == block(0)
    card.spoil(Fault("wrap", length=4 * MIB))
    handle.write(5 * MIB, 5)
    assert (handle.read(5 * MIB), handle.read(MIB)) == (block(5), block(5))


@pytest.mark.parametrize(
    ("kind", "size", "first"), [("pull", 0, errno.ENODEV), ("shrink", 4 * MIB, errno.EIO)]
)
def test_a_card_that_is_gone_or_shorter_has_another_size_at_once(
    make_card: CardMaker, hold: Hold, kind: Kind, size: int, first: int
) -> None:
    card = make_card(SIZE, Fault(kind, "write", after=BLOCK, length=4 * MIB))
    handle = hold(card)
    handle.write(5 * MIB, 1)
    with pytest.raises(OSError, match=os.strerror(first)):
        handle.write(5 * MIB, 2)
    assert handle.size == size
    with pytest.raises(OSError, match="No space"):
        handle.write(5 * MIB, 2)
    assert handle.read(5 * MIB) == b""
    card.spoil()
    assert (handle.size, handle.read(5 * MIB)) == (SIZE, block(1))


def test_a_stalled_card_answers_when_it_is_told_to(make_card: CardMaker, hold: Hold) -> None:
    card = make_card(SIZE, Fault("stall", "write"))
    handle = hold(card)
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(handle.write, 0, 1)
        card.wait("held")
        assert handle.read(0) == block(0)
        assert not written.done()
        card.spoil()
        written.result(60)
    assert handle.read(0) == block(1)


def test_a_cut_loses_exactly_what_was_not_flushed(make_card: CardMaker, hold: Hold) -> None:
    card = make_card(SIZE, volatile=True)
    handle = hold(card)
    for number in (1, 2):
        handle.write(0, number)
        handle.write(number * MIB, number)
        if number == 1:
            handle.flush()
    card.cut()
    with pytest.raises(OSError, match="No such device"):
        handle.read(0)
    card.spoil()
    assert [handle.read(n * MIB) for n in range(3)] == [block(1), block(1), block(0)]


def test_a_card_goes_with_its_process_even_while_requests_wait(
    make_card: CardMaker, hold: Hold
) -> None:
    card = make_card(SIZE, Fault("stall", "write"))
    handle = hold(card)
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(handle.write, 0, 1)
        card.wait("held")
        card.process.send_signal(signal.SIGKILL)
        with pytest.raises(OSError, match="Input/output"):
            written.result(60)
    os.close(handle.descriptor)
    handle.descriptor = os.open(os.devnull, os.O_RDONLY)
    wait_for(lambda: not is_attached(card.backing))
    assert str(card.backing) not in Path("/proc/self/mountinfo").read_text()


def wait_for(state: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not state():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_attached(backing: Path) -> bool:
    """Whether a loop device stands on the file; others may look at it for a moment longer."""
    places = Path("/sys/block").glob("loop*/loop/backing_file")
    return any(str(backing) in read(place) for place in places)


def read(place: Path) -> str:
    try:
        return place.read_text()
    except OSError:  # it has just gone
        return ""


_OWNER = """
import sys
from pathlib import Path
from tests.faults.disk import Fault
from tests.faults.faulty_card import faulty_card
with faulty_card(Path(sys.argv[1]), 8 << 20, Fault("stall", "read")) as card:
    print(card.path, flush=True)
    card.path.open("rb").read()
"""


def test_a_card_goes_with_the_program_that_put_it_in(tmp_path: Path) -> None:
    owner = subprocess.Popen(
        leashed([sys.executable, "-c", _OWNER, str(tmp_path / "card")]),
        stdout=subprocess.PIPE,
        text=True,
    )
    with owner:
        assert owner.stdout
        assert owner.stdout.readline().startswith("/dev/loop")
        assert is_attached(tmp_path / "card")
        owner.kill()
    wait_for(lambda: not is_attached(tmp_path / "card"))
