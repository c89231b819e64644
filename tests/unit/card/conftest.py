"""A small image without file systems."""

from __future__ import annotations

import random

import pytest

from flasher.image.mbr import LINUX, Mbr, Partition

SIZE = 3 << 20


@pytest.fixture
def raw_image() -> bytes:
    """The bytes of an image of 3 MiB: a partition table, and data with a hole of 1 MiB."""
    table = bytes(Mbr(0x1234, (Partition(1, LINUX, 2048, 2048),)))
    noise = random.Random(1).randbytes(SIZE - (2 << 20))  # noqa: S311 - test data
    return (table.ljust(1 << 20, b"\0") + bytes(1 << 20) + noise)[:SIZE]
