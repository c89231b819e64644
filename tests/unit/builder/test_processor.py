"""For which processors a program says that it was made."""

from __future__ import annotations

import struct

import pytest

from builder.lint.processor import check_processor, made_for
from flasher.firmware.boards import BOARDS

ZERO, PI_2B = BOARDS["pi0"], BOARDS["pi2"]


def program(*attributes: bytes) -> bytes:
    """An ELF file of 32 bits with one section, that of build attributes."""
    told = b"".join(attributes)
    part = b"\x01" + struct.pack("<I", 5 + len(told)) + told
    ours = b"aeabi\0" + part
    section = b"A" + struct.pack("<I", 4 + len(ours)) + ours
    header = b"\x7fELF\x01\x01".ljust(32, b"\0") + struct.pack("<I", 52) + bytes(10)
    header += struct.pack("<HHH", 40, 1, 0)
    where = struct.pack("<6I", 0, 0x70000003, 0, 0, 52 + 40, len(section)).ljust(40, b"\0")
    return header + where + section


NAME = b"\x05ARM1176JZF-S\0"
ABI = b"\x432.09\0"  # tag 67, a text


@pytest.mark.parametrize(
    ("made", "number"),
    [
        (program(NAME, b"\x06\x06", b"\x08\x01"), 6),
        (program(b"\x057-A\0", b"\x06\x0a", b"\x07\x41"), 10),
        (program(ABI, b"\x06\x07"), 7),
        (program(b"\x08\x81\x01", b"\x06\x0e"), 14),
        (program(b"\x08\x01"), None),
        (b"\x7fELF\x02\x01" + bytes(60), None),
        (b"#!/bin/sh\n", None),
    ],
)
def test_the_architecture_is_read(made: bytes, number: int | None):
    assert made_for(made) == number


def test_programs_for_armv7_are_told_for_an_armv6_alone():
    (finding,) = check_processor(program(b"\x06\x0a"), (ZERO, PI_2B))
    assert finding.what.startswith("Raspberry Pi Zero: an ARMv6 processor")
    assert list(check_processor(program(b"\x06\x06"), (ZERO, PI_2B))) == []
    assert list(check_processor(program(b"\x06\x0a"), (PI_2B,))) == []
