"""What a card must hold, planned once more from the payload that lies on it.

Planning is pure, so the same image, payload and time give the bytes that were once written.
"""

from __future__ import annotations

from datetime import datetime

from autosetup.faults import Faulty
from autosetup.payload import MANIFEST, unpack
from flasher.card.inspect import payload_files
from flasher.card.plan import CardPlan, boot_partition, plan_card
from flasher.errors import BadDocument, BadInput
from flasher.image.blocks import Blocks
from flasher.image.fat import FatVolume
from flasher.image.mbr import has_table
from flasher.image.source import ImageFile


def replan(card: Blocks, image: ImageFile) -> CardPlan:
    """The plan that this card was written from; that of the bare image if it has no payload.

    Args:
        card: one that was not in use since (`flasher.card.lived`).
        image: one without a partition table is compared as it is, whatever the card holds.

    Raises:
        BadDocument: its payload does not check: the files named differ from its manifest.
        BadInput: it was written from another image; ``no-partition-table``, the card has none.
    """
    boot = boot_partition(card) if has_table(image) else None
    files = payload_files(FatVolume(card, boot.offset)) if boot else {}
    if MANIFEST not in files:
        return plan_card(image, None)
    try:
        manifest = unpack(files).manifest
    except Faulty as faulty:
        raise BadDocument("card's payload", faulty.faults) from None
    if manifest.image_digest != image.digest:
        raise BadInput(
            "another-image",
            f"The card holds image {manifest.image_digest[:16]}, this is {image.digest[:16]}.",
            "Name the image that it was written from with --image.",
        )
    return plan_card(image, files, modified=datetime.fromisoformat(manifest.flashed_at))
