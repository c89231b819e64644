"""A small image to practise with, where no base image was built or brought yet; no Pi starts it."""

from __future__ import annotations

from pathlib import Path
from random import Random

from flasher.image.blocks import SECTOR
from flasher.image.mbr import FAT32_LBA, LINUX, Partition
from flasher.paths import hand_over
from flasher.practice.volumes import format_fat32, open_new

_MIB = 1 << 20
_BOOT, _ROOT = (4 * _MIB, 40 * _MIB), (44 * _MIB, 52 * _MIB)
SIZE = _ROOT[0] + _ROOT[1]
NAME = "practice.img"


def practice_image(folder: Path) -> Path:
    """The image in this folder; it is made where it is missing, in a fraction of a second.

    96 MiB: a boot partition of 40 MiB, and one of 52 MiB full of what means nothing.
    """
    path = folder / NAME
    if not path.is_file():
        draft = path.with_suffix(".draft")
        _make(draft)
        draft.replace(path)
        hand_over(path)
    return path


def _make(path: Path) -> None:
    boot = Partition(1, FAT32_LBA, _BOOT[0] // SECTOR, _BOOT[1] // SECTOR)
    root = Partition(2, LINUX, _ROOT[0] // SECTOR, _ROOT[1] // SECTOR)
    chance = Random(SIZE)  # noqa: S311  (the same image each time)
    with open_new(path, SIZE, (boot, root)) as blocks:
        format_fat32(blocks, boot, "BOOTFS")
        for offset in range(root.offset, SIZE, _MIB):
            blocks.write(offset, chance.randbytes(_MIB))
