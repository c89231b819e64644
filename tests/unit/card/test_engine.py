"""What the engine does with cards that are right already, and with those that go wrong."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flasher.card.faults import CardMismatch
from flasher.card.plan import HEAD, CardPlan, plan_card
from flasher.card.write import WriteResult, write_card
from flasher.drives.faults import FAILED
from flasher.errors import BadInput, Cancelled, FlasherError
from flasher.events import CancelFlag, Event, Noted, StepAdvanced
from flasher.image.background import Later, Watermark
from flasher.image.blocks import FileBlocks
from flasher.image.bmap import BlockMap, Range
from flasher.image.mbr import LINUX, Mbr, Partition
from flasher.image.opening import Opened
from flasher.image.papers import Announced
from flasher.image.ranges import ByteRange, gaps, merge, total
from flasher.image.source import ImageFile, made_image, open_image
from tests.simulated_card import Geometry, SimulatedCard

MIB = 1 << 20
SIZE = 12 * MIB
ANNOUNCED = 16 * MIB


class TroubledCard(SimulatedCard):
    """A card that can be made to go wrong, and that keeps count.

    Attributes:
        writes: what was written, in order; `reads` and `discarded` likewise.
        on_write: given offset and data, what is stored; `on_read` what is told.
    """

    def __init__(self, geometry: Geometry | None = None) -> None:
        super().__init__(geometry or Geometry(ANNOUNCED))
        self.writes: list[ByteRange] = []
        self.reads: list[ByteRange] = []
        self.discarded: list[ByteRange] = []
        self.on_write: Callable[[int, bytes], bytes] = lambda _offset, data: data
        self.on_read: Callable[[int, bytes], bytes] = lambda _offset, data: data

    def write(self, offset: int, data: bytes | memoryview) -> None:
        self.writes.append(ByteRange(offset, len(data)))
        super().write(offset, self.on_write(offset, bytes(data)))

    def read(self, offset: int, length: int) -> bytes:
        self.reads.append(ByteRange(offset, length))
        return self.on_read(offset, super().read(offset, length))

    def read_into(self, offset: int, buffer: memoryview) -> None:
        buffer[:] = self.read(offset, len(buffer))

    def discard(self, where: ByteRange) -> bool:
        self.discarded.append(where)
        return True

    def holds(self, plan: CardPlan) -> bool:
        return all(
            SimulatedCard.read(self, found.offset, found.length)
            == plan.read(found.offset, found.length)
            for found in plan.ranges
        )


def table() -> bytes:
    return bytes(Mbr(0x1234, (Partition(1, LINUX, 2048, 4096),))).ljust(MIB, b"\0")


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> CardPlan:
    """12 MiB of noise behind a partition table."""
    path = tmp_path_factory.mktemp("engine") / "noise.img"
    path.write_bytes(table() + random.Random(2).randbytes(SIZE - MIB))  # noqa: S311
    return plan_card(open_image(path), None)


@pytest.fixture
def card() -> TroubledCard:
    return TroubledCard()


def make(plan: CardPlan, card: TroubledCard) -> tuple[WriteResult, list[str]]:
    """Write it; the result and the warnings."""
    told: list[str] = []

    def emit(event: Event) -> None:
        if isinstance(event, Noted) and event.warning:
            told.append(event.text)

    card.writes.clear()
    card.reads.clear()
    return write_card(plan, card, emit=emit, probed=True), told


def once(at: int, change: Callable[[bytes], bytes]) -> Callable[[int, bytes], bytes]:
    """Change what passes the place `at`, the first time only."""
    passed: list[int] = []

    def hook(offset: int, data: bytes) -> bytes:
        if not offset <= at < offset + len(data) or passed:
            return data
        passed.append(offset)
        return change(data)

    return hook


def flip(at: int, base: int = 0) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        place = at - base
        return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]

    return change


def fail(_data: bytes) -> bytes:
    raise FlasherError(FAILED, "The card failed: Input/output error.", "Try again.")


def test_the_partition_table_is_wiped_first_and_written_last(
    plan: CardPlan, card: TroubledCard
) -> None:
    make(plan, card)
    SimulatedCard.write(card, SIZE - 4096, bytes(4096))
    make(plan, card)
    assert card.writes[0] == ByteRange(0, 4096)
    assert card.writes[-1] == ByteRange(0, 4096)
    assert card.holds(plan)


def test_a_card_that_is_right_already_is_read_once_and_gets_only_its_table_again(
    plan: CardPlan, card: TroubledCard
) -> None:
    make(plan, card)
    result, _ = make(plan, card)
    assert result.bytes_kept == SIZE - HEAD
    assert result.bytes_verified == SIZE
    assert total(card.writes) == 2 * 4096
    body = [found for found in card.reads if found.offset >= HEAD and found.end <= SIZE]
    assert total(body) <= SIZE - HEAD + 4096


def test_what_differs_is_written_and_neighbours_as_one(plan: CardPlan, card: TroubledCard) -> None:
    make(plan, card)
    for place in (5 * MIB, 5 * MIB + 8192, 7 * MIB):
        SimulatedCard.write(card, place, b"other" * 10)
    result, _ = make(plan, card)
    body = [found for found in card.writes if found.offset >= HEAD]
    assert body == [ByteRange(5 * MIB, 3 * 4096), ByteRange(7 * MIB, 4096)]
    assert result.bytes_kept == SIZE - HEAD - 4 * 4096
    assert card.holds(plan)


def test_a_foreign_card_is_hardly_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "larger.img"
    noise = random.Random(3)  # noqa: S311
    path.write_bytes(table() + b"".join(noise.randbytes(MIB) for _ in range(95)))
    plan = plan_card(open_image(path), None)
    card = TroubledCard(Geometry(96 * MIB))
    result, _ = make(plan, card)
    assert result.bytes_kept == 0
    before_proof = [found for found in card.reads if found.length == 4096]
    assert len(before_proof) <= 24 // 8 + 4


def test_a_range_that_was_stored_wrong_is_written_again_and_told(
    plan: CardPlan, card: TroubledCard
) -> None:
    card.on_write = once(6 * MIB, flip(6 * MIB, 4 * MIB))
    result, told = make(plan, card)
    assert result.mended == (ByteRange(6 * MIB, 4096),)
    assert told == [
        f"bytes {6 * MIB}-{6 * MIB} were wrong on the card and have been written again."
    ]
    assert card.writes.count(ByteRange(6 * MIB, 4096)) == 1
    assert card.holds(plan)


def test_a_card_that_stores_wrong_bytes_twice_is_condemned_and_gets_no_table(
    plan: CardPlan, card: TroubledCard
) -> None:
    card.on_read = lambda offset, data: (
        flip(6 * MIB, offset)(data) if offset <= 6 * MIB < offset + len(data) else data
    )
    with pytest.raises(CardMismatch, match=f"bytes {6 * MIB}-{6 * MIB} hold other") as caught:
        make(plan, card)
    assert caught.value.code == "card-condemned"
    assert SimulatedCard.read(card, 0, 512) == bytes(512)


def test_a_reader_that_reads_otherwise_each_time_is_told_from_a_bad_card(
    plan: CardPlan, card: TroubledCard
) -> None:
    noise = random.Random(4)  # noqa: S311

    def unsteady(offset: int, data: bytes) -> bytes:
        if not offset <= 6 * MIB < offset + len(data):
            return data
        place = 6 * MIB - offset
        return data[:place] + noise.randbytes(64) + data[place + 64 :]

    card.on_read = unsteady
    with pytest.raises(CardMismatch, match="otherwise each time") as caught:
        make(plan, card)
    assert caught.value.code == "reader-unsteady"
    assert "another reader" in caught.value.hint


def test_what_reads_wrong_once_is_not_written_again(plan: CardPlan, card: TroubledCard) -> None:
    make(plan, card)
    SimulatedCard.write(card, 6 * MIB, b"other")
    card.on_read = once_in_proof(card, 6 * MIB)
    result, told = make(plan, card)
    assert result.mended == ()
    assert "right the second time" in told[0]
    assert [found for found in card.writes if found.offset == 6 * MIB] == [ByteRange(6 * MIB, 4096)]


def once_in_proof(card: TroubledCard, at: int) -> Callable[[int, bytes], bytes]:
    """Spoil the first reading of a place that was written."""
    spoiled: list[int] = []

    def hook(offset: int, data: bytes) -> bytes:
        written = any(found.offset <= at < found.end for found in card.writes)
        if spoiled or not written or not offset <= at < offset + len(data):
            return data
        spoiled.append(offset)
        return flip(at, offset)(data)

    return hook


def test_what_fails_once_is_tried_again(plan: CardPlan, card: TroubledCard) -> None:
    card.on_write = once(6 * MIB, fail)
    card.on_read = once(9 * MIB, fail)
    make(plan, card)
    assert card.holds(plan)


def test_a_place_that_cannot_be_written_twice_is_worn_out_and_named(
    plan: CardPlan, card: TroubledCard
) -> None:
    card.on_write = lambda offset, data: fail(data) if offset == 4 * MIB else data
    with pytest.raises(FlasherError, match=f"bytes {4 * MIB}-{8 * MIB - 1} .* twice") as caught:
        make(plan, card)
    assert caught.value.code == "card-worn-out"


def test_a_place_that_cannot_be_read_is_written_and_may_heal(
    plan: CardPlan, card: TroubledCard
) -> None:
    make(plan, card)

    def dead_until_written(offset: int, data: bytes) -> bytes:
        healed = any(found.offset <= 4 * MIB < found.end for found in card.writes)
        return data if healed or not offset <= 4 * MIB < offset + len(data) else fail(data)

    card.on_read = dead_until_written
    make(plan, card)
    assert card.holds(plan)


def test_a_card_with_too_many_wrong_places_is_condemned_even_if_each_can_be_mended(
    tmp_path: Path,
) -> None:
    path = tmp_path / "scattered.img"
    path.write_bytes(table() + random.Random(5).randbytes(SIZE - MIB))  # noqa: S311
    places = [ByteRange(MIB + number * 128 * 1024, 4096) for number in range(40)]
    card, seen = TroubledCard(), set[int]()

    def wrong_at_first(offset: int, data: bytes) -> bytes:
        if offset in seen or offset < MIB:
            return data
        seen.add(offset)
        return flip(0)(data)

    card.on_write = wrong_at_first
    with pytest.raises(CardMismatch, match="More than 32 places"):
        make(plan_card(made_image(path, places), None), card)


def test_a_card_whose_first_mib_changes_by_itself_is_counterfeit(
    plan: CardPlan, card: TroubledCard
) -> None:
    def echo(offset: int, data: bytes) -> bytes:
        if offset == 8 * MIB:
            SimulatedCard.write(card, 0, data[:4096])
        return data

    card.on_write = echo
    with pytest.raises(CardMismatch) as caught:
        make(plan, card)
    assert caught.value.code == "card-counterfeit"


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_a_card_that_wraps_around_inside_the_image_is_never_done(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Also where image and card are zeros for the most part, and nearly everything is right."""
    size = data.draw(st.integers(3 * MIB // 4096, 5 * MIB // 4096)) * 4096
    real = data.draw(st.integers(MIB // 4096, size // 4096 - 1)) * 4096
    noise = random.Random(data.draw(st.integers(0, 1 << 32)))  # noqa: S311
    body = bytearray(size - MIB)
    for place in data.draw(st.lists(st.integers(0, (size - MIB) // 4096 - 1), max_size=8)):
        body[place * 4096 : (place + 1) * 4096] = noise.randbytes(4096)
    path = tmp_path_factory.mktemp("wraps") / "sparse.img"
    path.write_bytes(table() + body)
    plan = plan_card(open_image(path), None)
    card = TroubledCard(Geometry(8 * MIB, real=real, module=real))
    if data.draw(st.booleans()):
        SimulatedCard.write(card, 0, noise.randbytes(real // 2))
    for _ in range(2):
        with pytest.raises(FlasherError):
            write_card(plan, card)


def test_an_image_that_turns_out_damaged_leaves_a_card_without_a_table(
    card: TroubledCard, tmp_path: Path
) -> None:
    path = tmp_path / "noise.img"
    path.write_bytes(table() + random.Random(2).randbytes(MIB))  # noqa: S311
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  noise.img\n")
    with pytest.raises(BadInput):
        make(plan_card(open_image(path), None), card)
    assert SimulatedCard.read(card, 0, 512) == bytes(512)


def test_a_stopped_card_is_gone_on_with(plan: CardPlan, card: TroubledCard) -> None:
    cancel = CancelFlag()

    def stop_half_way(event: Event) -> None:
        if isinstance(event, StepAdvanced) and event.done >= 6 * MIB:
            cancel.set()

    with pytest.raises(Cancelled):
        write_card(plan, card, emit=stop_half_way, cancel=cancel)
    result, _ = make(plan, card)
    assert result.bytes_kept >= 2 * MIB
    assert card.holds(plan)


def test_what_is_unused_is_discarded_though_the_image_became_whole_meanwhile(
    tmp_path: Path, card: TroubledCard
) -> None:
    raw = tmp_path / "raw.img"
    raw.write_bytes(table().ljust(SIZE, b"\1"))
    used = BlockMap(SIZE, 4096, (Range(0, 255), Range(1024, 1279), Range(2560, 2815)))
    watermark = Watermark(SIZE)
    opened = Opened(FileBlocks(raw), watermark, Later(lambda: ""))
    image = ImageFile(raw, opened, Announced(block_map=used))

    def arrived(offset: int, data: bytes) -> bytes:
        if offset >= HEAD:
            watermark.finish()
        return data

    card.on_write = arrived
    plan = plan_card(image, None)
    make(plan, card)
    assert watermark.is_whole
    assert merge(card.discarded) == gaps(plan.ranges, ANNOUNCED)
