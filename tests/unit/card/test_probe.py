"""No card that lies about its capacity passes the probe; no good one is condemned or changed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flasher.card.probing.probe import ProbeResult, check_speed, examine, probe_card
from flasher.errors import Cancelled, FlasherError
from flasher.events import CancelFlag, Event, Noted
from flasher.image.ranges import ByteRange
from tests.simulated_card import Geometry, SimulatedCard

KIB, MIB, GIB, TIB = 1 << 10, 1 << 20, 1 << 30, 1 << 40


def probe(geometry: Geometry) -> ProbeResult:
    return examine(SimulatedCard(geometry), geometry.announced)


# f3's src/f3probe.c, ftype_to_params.
F3 = {
    "smallest": ("good", Geometry(2 * MIB)),
    "blocks of 4 KiB": ("good", Geometry(GIB, block=4096)),
    "bad": ("bad", Geometry(GIB, 0)),
    "a real limbo": ("limbo", Geometry(32505331712, 1777645568)),
    "wraparound": ("wraparound", Geometry(16 * GIB, 2 * GIB, 2 * GIB)),
    "chain": ("chain", Geometry(16 * GIB, 2 * GIB, 4 * GIB)),
    "a sector of limbo": ("limbo", Geometry(TIB, MIB + 512)),
    "strict cache": ("limbo", Geometry(67108864000, 7600799744, cache=1 << 19)),
    "loose cache": (
        "limbo",
        Geometry(67108864000, 7600799744, cache=1 << 19, cache_kind="untagged"),
    ),
    "devil 1": ("bad", Geometry(TIB, 0, cache=1 << 21)),
}
# Each of its addresses finds what was written last to any of the same rest modulo 1 GiB: until its
# power is cut, this is memory that wraps.
DEVIL_2 = Geometry(TIB, 0, cache=1 << 21, cache_kind="untagged")


@pytest.mark.parametrize("name", F3)
def test_every_geometry_of_f3_is_recognised_and_measured(name: str) -> None:
    kind, geometry = F3[name]
    result = probe(geometry)
    real = geometry.announced if geometry.real is None else geometry.real
    assert (result.kind, result.real) == (kind, real)
    assert result.module == geometry.module


def test_a_cache_that_takes_the_place_of_all_memory_is_no_good_card() -> None:
    result = probe(DEVIL_2)
    assert (result.kind, result.module) == ("wraparound", GIB)


@pytest.mark.parametrize("sector", [1, 2 * 1009, 3 * 5 * 4096, 15 * 99991, 33554431])
def test_a_card_that_wraps_at_any_sector_is_found(sector: int) -> None:
    wraps = sector * 512 + 40 * MIB
    result = probe(Geometry(32 * GIB, module=wraps))
    assert (result.kind, result.real, result.module) == ("wraparound", wraps, wraps)


@st.composite
def liars(draw: st.DrawFn) -> Geometry:
    """Any real size below the announced one, with and without wrap; caches smaller than the lie."""
    announced = draw(st.integers(2 * MIB // 512, 64 * GIB // 512)) * 512
    module = draw(st.none() | st.integers(2, announced // 512 - 32).map(lambda n: n * 512))
    real = draw(st.integers(0, (module or announced - 16 * KIB) // 512)) * 512
    kind = draw(st.sampled_from(["tagged", "untagged", "latest"]))
    block = draw(st.sampled_from([512, 4096]))
    lie = (module or announced) - real
    largest = min(lie // 2, announced // 8, 16 * MIB if kind == "latest" else GIB) // block
    cache = 1 << draw(st.integers(0, largest.bit_length() - 1)) if largest else 0
    return Geometry(announced, real, module, block, cache, kind)


@given(liars())
@settings(max_examples=15, deadline=None)
def test_no_card_that_lies_passes(geometry: Geometry) -> None:
    card = SimulatedCard(geometry)
    with pytest.raises(FlasherError) as caught:
        probe_card(card, card.size)
    assert caught.value.code in ("card-counterfeit", "card-defective")


@given(st.integers(20 * MIB // 512, GIB // 512), st.none() | st.integers(0, 10**6))
@settings(max_examples=8, deadline=None)
def test_the_real_size_is_measured_to_the_sector(real: int, more: int | None) -> None:
    size = real * 512 * 7 + 32 * MIB
    module = None if more is None else real * 512 + more * 512
    wraps = module is not None and module < size
    result = probe(Geometry(size, real * 512, module if wraps else None))
    assert result.real == real * 512
    assert result.module == (module if wraps else None)


@given(
    st.integers(64 * KIB // 512, 256 * GIB // 512).map(lambda n: n * 512),
    st.integers(0, 1 << 32),
)
@settings(max_examples=15, deadline=None)
def test_a_good_card_is_never_condemned_nor_changed(size: int, seed: int) -> None:
    card = SimulatedCard(Geometry(size))
    chance = random.Random(seed)  # noqa: S311  (the same each time)
    for place in (0, size - 4096, *(chance.randrange(size // 512 - 8) * 512 for _ in range(9))):
        card.write(place, chance.randbytes(4096))
    before = card.contents
    result = probe_card(card, size)
    assert (result.kind, result.real, result.looks) == ("good", size, 1)
    assert card.contents == before


def test_a_card_whose_end_fails_is_told_from_one_that_lies() -> None:
    result = probe(Geometry(8 * GIB, 3 * GIB + 512 * 77, dead=True))
    assert (result.kind, result.real) == ("dead tail", 3 * GIB + 512 * 77 // 4096 * 4096)


@pytest.mark.parametrize("dead", [False, True])
def test_a_hole_in_a_card_is_damage_not_a_lie(dead: bool) -> None:
    hole = ByteRange(2 * GIB, 2 * GIB)
    result = probe(Geometry(16 * GIB, holes=(hole,), dead=dead))
    assert (result.kind, result.real) == ("damaged", hole.offset)


class Glitch(SimulatedCard):
    """A good card whose reader stumbles at the first block that is read back."""

    stumbled = False

    def read(self, offset: int, length: int) -> bytes:
        data = super().read(offset, length)
        if not self.stumbled and any(data):
            self.stumbled = True
            return bytes(length)
        return data


def test_a_good_card_that_answers_wrongly_once_is_looked_at_again_and_kept() -> None:
    heard: list[Event] = []
    card = Glitch(Geometry(4 * GIB))
    result = probe_card(card, card.size, emit=heard.append)
    assert (result.kind, result.looks) == ("good", 2)
    assert any(isinstance(event, Noted) and event.warning for event in heard)


def test_a_larger_cache_is_found_by_a_thorough_probe() -> None:
    geometry = Geometry(8 * GIB, 2 * GIB, cache=(48 * MIB) // 4096, block=4096, cache_kind="latest")
    card = SimulatedCard(geometry)
    assert examine(card, card.size, overrun=64 * MIB).kind == "limbo"


class Stopping(SimulatedCard):
    """A good card, and something that happens at its n-th write."""

    def __init__(self, geometry: Geometry, event: BaseException | CancelFlag, number: int) -> None:
        super().__init__(geometry)
        self.event, self.number = event, number

    def write(self, offset: int, data: bytes | memoryview) -> None:
        super().write(offset, data)
        self.number -= 1
        if self.number == 0:
            if isinstance(self.event, CancelFlag):
                self.event.set()
            else:
                raise self.event


@pytest.mark.parametrize("number", [1, 5, 20, 26, 30, 40, 50])
@pytest.mark.parametrize("cancelled", [False, True])
def test_whoever_stops_it_finds_the_card_as_it_was(number: int, cancelled: bool) -> None:
    size = 4 * GIB
    flag = CancelFlag()
    card = Stopping(Geometry(size), flag if cancelled else KeyboardInterrupt(), 0)
    for place in range(0, size, size // 64):
        card.write(place, place.to_bytes(8, "little") * 512)
    card.write(size - 8192, b"end" * 1000)
    before, card.number = card.contents, number
    try:
        probe_card(card, size, cancel=flag)
        stopped = False
    except (Cancelled, KeyboardInterrupt):
        stopped = True
    assert stopped or cancelled  # what is finished cannot be stopped
    assert card.contents == before


class Watched(SimulatedCard):
    """Whether it had a partition table at each write."""

    def write(self, offset: int, data: bytes | memoryview) -> None:
        super().write(offset, data)
        self.tables = [*getattr(self, "tables", []), any(self.read(0, 4096))]


def test_a_card_has_no_partition_table_while_marks_are_on_it() -> None:
    card = Watched(Geometry(GIB))
    card.write(0, b"table" * 800)
    before = card.contents
    probe_card(card, card.size)
    assert card.tables[0]
    assert card.tables[-1]
    assert not any(card.tables[1:-1])
    assert card.contents == before


def test_what_marks_a_card_as_unfinished_is_never_off_it() -> None:
    card = Watched(Geometry(GIB))
    card.write(0, b"unfinished" * 400)
    probe_card(card, card.size, is_wiped=True)
    assert all(card.tables)


def test_a_card_that_is_pulled_is_not_called_counterfeit() -> None:
    pulled = FlasherError("card-pulled", "It was pulled out.", "Put it back.")
    card = Stopping(Geometry(GIB), pulled, 20)
    with pytest.raises(FlasherError) as caught:
        probe_card(card, card.size)
    assert caught.value.code == "card-pulled"


def test_the_refusal_tells_the_real_size_and_what_is_needed() -> None:
    card = SimulatedCard(Geometry(64 * 10**9, 8 * 10**9))
    with pytest.raises(FlasherError) as caught:
        probe_card(card, card.size, needed=12 * 10**9)
    assert caught.value.code == "card-counterfeit"
    assert all(size in caught.value.message for size in ("64.0 GB", "8.0 GB", "12.0 GB"))


def test_what_is_too_small_to_be_a_card_is_left_alone() -> None:
    card = SimulatedCard(Geometry(32 * KIB, 0))
    assert probe_card(card, card.size).looks == 0


def _of_speed(write_speed: float) -> ProbeResult:
    return ProbeResult("good", GIB, GIB, None, write_speed, 2 * write_speed, 1.0, 1)


def test_a_slow_card_is_warned_of_and_a_very_slow_one_refused() -> None:
    heard: list[Event] = []
    check_speed(Path("/dev/sdx"), _of_speed(4.0), heard.append)
    assert not heard
    check_speed(Path("/dev/sdx"), _of_speed(2.5), heard.append)
    assert [event.text for event in heard if isinstance(event, Noted) and event.warning]
    with pytest.raises(FlasherError) as caught:
        check_speed(Path("/dev/sdx"), _of_speed(0.9))
    assert caught.value.code == "card-slow"
    assert "0.9 MB/s" in caught.value.message
