"""What a card that is being rehearsed starts from, and says: read while a machine writes to it."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import BinaryIO

from autosetup.payload import FOLDER, MANIFEST, STATUS
from flasher.card.plan import boot_partition
from flasher.errors import BadInput, FlasherError
from flasher.firmware.pc import is_for_pc
from flasher.image.blocks import SECTOR, Blocks, FileBlocks
from flasher.image.fat import FatVolume
from flasher.process import find_program
from flasher.rehearsal import machine, pc
from flasher.rehearsal.boot_plan import BootPlan, plan_boot
from flasher.rehearsal.pc import PcFirmware, PcPlan, plan_pc

STATUS_FILE = f"{FOLDER}/{STATUS}"


def find_boot(card: object, blocks: Blocks) -> int:
    """Where the boot partition of a card begins, in bytes; raises ``no-boot-partition``."""
    partition = boot_partition(blocks)
    if partition is None:
        raise _no_boot_partition(str(card))
    return partition.offset


def plan_machine(blocks: Blocks, offset: int, firmware: PcFirmware) -> BootPlan | PcPlan:
    """What would start from a card, once it is known that this computer can emulate that."""
    sector, files = blocks.read(0, SECTOR), FatVolume(blocks, offset)
    if is_for_pc(sector, files):
        find_program(pc.PROGRAM)
        return plan_pc(sector, files, firmware)
    find_program(machine.PROGRAM)
    return plan_boot(files)


class CardFiles:
    """What starts a machine, and the status file, on a card that is being written by another."""

    def __init__(
        self, file: BinaryIO, blocks: FileBlocks, offset: int, firmware: PcFirmware
    ) -> None:
        self._file, self._blocks, self._offset = file, blocks, offset
        self._firmware = firmware
        self._written_at = 0
        self.raw = b""
        self.refresh()

    def volume(self) -> FatVolume:
        """The boot partition as it is now."""
        return FatVolume(self._blocks, self._offset)

    def expects_result(self) -> bool:
        """Whether there is a payload, whose node will say how it went."""
        return self.volume().exists(f"{FOLDER}/{MANIFEST}")

    def plan(self) -> BootPlan | PcPlan:
        """What would start the card as it is now."""
        return plan_machine(self._blocks, self._offset, self._firmware)

    def refresh(self) -> bool:
        """Read the status again if the card was written to, and say whether it was."""
        written_at = os.fstat(self._file.fileno()).st_mtime_ns
        if written_at == self._written_at:
            return False
        self._written_at = written_at
        # In the middle of a write the volume may not hold together; the next look will.
        with suppress(FlasherError):
            self.raw = self.volume().read(STATUS_FILE)
        return True


def _no_boot_partition(card: str) -> BadInput:
    return BadInput(
        "no-boot-partition",
        f"{card} has no FAT boot partition to start from.",
        "Prepare the card with `flasher prepare`, or write an image with `flasher write`.",
    )
