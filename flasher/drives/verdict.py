"""May this drive be written? Default deny: what is not plainly a card must be named by its serial.

What is a part of this computer never may be. Pure: facts in, verdict out.
"""

from __future__ import annotations

from dataclasses import dataclass

from flasher.drives.facts import DeviceFacts
from flasher.drives.model import CARD_LIMIT

# SDXC ends at 2 TB (SD Physical Layer Specification, 2 TiB), and nothing but SD fits into the slot.
SLOT_LIMIT = 2 * 2**40
_OF_THIS_COMPUTER = {
    "nvme": "NVMe disk",
    "ata": "internal disk",
    "other": "disk of this computer",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Both None where a drive is a card that may be written.

    Attributes:
        refusal: why it may never be written.
        caution: why its serial must be typed before.
    """

    refusal: str | None = None
    caution: str | None = None


def judge(facts: DeviceFacts, in_use: str | None = None, protected: str | None = None) -> Verdict:
    """Judge a drive.

    Args:
        facts: what it is.
        in_use: why its use alone forbids it; None where nothing does.
        protected: by what the protect list names it; None where it does not.
    """
    if protected:
        return Verdict(f"it is protected ({protected})")
    what_it_is = _never(facts)
    refusal = what_it_is if facts.kind in ("usb", "mmc", "loop") else None
    refusal = refusal or in_use or what_it_is
    caution = None if refusal else _doubt(facts)
    if caution and not facts.serial:
        return Verdict(f"{caution}, and has no serial number to be named by")
    return Verdict(refusal, caution)


def _never(facts: DeviceFacts) -> str | None:
    if facts.kind == "mmc" and not facts.medium.startswith("SD"):
        return "it is memory built into this computer (eMMC)"
    connected = _OF_THIS_COMPUTER.get(facts.kind)
    if connected and not (facts.pluggable or facts.removable):
        return f"it is no card in a card reader ({connected})"
    return None if facts.size else "there is no card in it"


def _doubt(facts: DeviceFacts) -> str | None:
    if facts.kind in ("loop", "file"):
        return None
    if facts.kind == "usb" and not facts.removable:
        return "it is a USB disk, by its own word"
    if facts.kind in _OF_THIS_COMPUTER:
        return f"it can be taken out, but is no card in a card reader ({facts.kind})"
    if facts.size > (SLOT_LIMIT if facts.kind == "mmc" else CARD_LIMIT):
        return f"it is larger than a node's card ({facts.size // 10**9} GB)"
    return None
