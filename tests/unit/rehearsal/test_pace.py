"""The bar of a rehearsal goes on while the node sets itself up, and is full only at the end."""

from __future__ import annotations

from autosetup.status import Status
from flasher.rehearsal.pace import EXPECTED_SECONDS, reached


def at_step(number: int, count: int = 9) -> Status:
    return Status("applying", node="cam-0101", step="wifi", step_number=number, step_count=count)


def test_each_step_of_the_node_brings_it_further_however_long_it_takes() -> None:
    silent = reached(9999, None)
    bars = [silent, *(reached(9999, at_step(number)) for number in range(1, 10))]
    assert bars == sorted(bars)
    assert len(set(bars[1:])) == 9
    assert bars[-1] < EXPECTED_SECONDS


def test_it_goes_with_the_clock_until_the_node_speaks() -> None:
    assert [reached(seconds, None) for seconds in (0, 1.9, 30)] == [0, 1, 30]


def test_what_an_earlier_start_ended_with_is_no_step_of_this_one() -> None:
    failed = Status("failed", node="cam-0101", step="wifi", step_number=9, step_count=9)
    assert reached(3, failed) == 3
