"""What a node said last: the end of the log that its agent keeps on the boot partition."""

from __future__ import annotations

from autosetup.faults import shown
from autosetup.payload import FOLDER, LOG
from flasher.card.plan import boot_partition
from flasher.image.blocks import Blocks
from flasher.image.fat import FatVolume

MOST_LINES = 200


def last_words(blocks: Blocks, most: int = MOST_LINES) -> tuple[str, ...]:
    """The last lines of the log, oldest first, fit for a terminal; none where there is no log.

    Raises:
        FlasherError: the card cannot be read, or is damaged.
    """
    boot = boot_partition(blocks)
    if boot is None:
        return ()
    volume, path = FatVolume(blocks, boot.offset), f"{FOLDER}/{LOG}"
    if not volume.exists(path):
        return ()
    lines = volume.read(path).decode(errors="replace").splitlines()
    return tuple(shown(line) for line in lines[-most:])
