"""A superblock that makes no sense is told, whatever its numbers are."""

from __future__ import annotations

import struct

import pytest

from flasher.card.inspect import inspect_card
from flasher.errors import BadInput
from flasher.image.blocks import SECTOR
from flasher.image.ext4 import Ext4Volume
from flasher.image.mbr import LINUX, Mbr, Partition
from tests.memory_blocks import MemoryBlocks

_MAGIC = b"\x53\xef"
_SENSE = {0x18: 0, 0x28: 64, 0x4C: 1, 0x58: 256}


@pytest.mark.parametrize(("field", "value"), [(0x28, 0), (0x18, 60), (0x58, 0)])
def test_a_superblock_without_sense_is_damage(field, value):
    head = bytearray(4096)
    head[1024 + 0x38 : 1024 + 0x3A] = _MAGIC
    for offset, number in (_SENSE | {field: value}).items():
        struct.pack_into("<I", head, 1024 + offset, number)
    with pytest.raises(BadInput, match="superblock makes no sense"):
        Ext4Volume(lambda offset, length: bytes(head[offset : offset + length]))


def test_a_card_with_nothing_but_the_mark_of_an_ext_is_a_foreign_one():
    card = MemoryBlocks(bytes(64 * SECTOR))
    card.write(0, bytes(Mbr(1, (Partition(1, LINUX, 8, 56),))))
    card.write(8 * SECTOR + 1024 + 0x38, _MAGIC)
    card.write(8 * SECTOR + 1024 + 0x78, b"octoprint")
    assert inspect_card(card).summary == "1 partition: octoprint"
