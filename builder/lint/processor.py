"""For which ARM processors an image's programs were made, as one of them says.

"ELF for the Arm Architecture", section 4.4.6; "Addenda to, and Errata in, the ABI for the Arm
Architecture", sections 3.1 and 3.3.5.2: build attributes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from builder.lint.finding import Finding
from flasher.firmware.boards import Board

_ELF32 = b"\x7fELF\x01\x01"
_ATTRIBUTES = 0x70000003  # the type of their section
_VENDOR = b"aeabi\0"
_OF_FILE = 1
_CPU_ARCH = 6
_V7 = 10
# Attributes whose value is text; besides, all odd ones from 32 on.
_TEXTS = (4, 5, 32)


def check_processor(program: bytes, boards: Sequence[Board]) -> Iterator[Finding]:
    """Findings about a 32-bit image for boards.

    Args:
        program: one that every image has, such as bash.
    """
    old = [board.title for board in boards if board.sixth]
    if old and (made_for(program) or 0) >= _V7:
        what = f"{', '.join(old)}: an ARMv6 processor, and the programs are made for ARMv7."
        yield Finding(what, "Start from Raspberry Pi OS for armhf, which is made for both.")


def made_for(program: bytes) -> int | None:
    """The number of the oldest architecture that runs it: 6 to 9 for ARMv6, 10 for ARMv7.

    Returns:
        None for a file that does not say, or is no 32-bit program.
    """
    if not program.startswith(_ELF32):
        return None
    start, size, count = (
        struct.unpack_from("<I", program, 32)[0],
        *struct.unpack_from("<HH", program, 46),
    )
    for at in range(start, start + size * count, size):
        kind, _, _, offset, length = struct.unpack_from("<5I", program, at + 4)
        if kind == _ATTRIBUTES:
            return dict(_attributes(program[offset : offset + length])).get(_CPU_ARCH)
    return None


def _attributes(section: bytes) -> Iterator[tuple[int, int]]:
    """The numbers of a section's first part, which is the ABI's own; by tag."""
    head = 5 + len(_VENDOR)  # a version, a length, the vendor
    if section[5:head] != _VENDOR or section[head] != _OF_FILE:
        return
    end = head + struct.unpack_from("<I", section, head + 1)[0]
    at = head + 5
    while at < end:
        tag, at = _number(section, at)
        if tag in _TEXTS or (tag > max(_TEXTS) and tag % 2):
            at = section.index(b"\0", at) + 1
        else:
            value, at = _number(section, at)
            yield tag, value


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number in base 128, lowest digit first (ULEB128), and where the next begins."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if not data[at - 1] & 0x80:
            return value, at
