"""What a card of ours begins with until it is whole: that it is not, and whose it becomes."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from flasher.image.blocks import SECTOR

# It is on the card more than once, in its first MiB.
UNFINISHED = b"This card is not finished yet. "
_NAME = rb"([a-zA-Z0-9._-]{1,63})"
_WHOSE = re.compile(UNFINISHED + b"It becomes %b of %b at %b[.] " % (_NAME, _NAME, _NAME))


@dataclass(frozen=True, slots=True)
class Whose:
    """The node that a card is made for, with its scanner's profile and its site; or none."""

    node: str = ""
    profile: str = ""
    site: str = ""


NOBODY = Whose()


def mark(whose: Whose) -> bytes:
    """One line that marks a card as unfinished; no two are the same."""
    told = f"It becomes {whose.node} of {whose.profile} at {whose.site}. ".encode()
    is_told = bool(_WHOSE.fullmatch(UNFINISHED + told))
    return UNFINISHED + (told if is_told else b"") + secrets.token_hex(16).encode() + b"\n"


def unfinished_in(head: bytes) -> Whose | None:
    """Whose card it becomes, by its first MiB; None where it is no unfinished one of ours."""
    if any(head[:SECTOR]) or UNFINISHED not in head:
        return None
    found = _WHOSE.search(head)
    return Whose(*(name.decode() for name in found.groups())) if found else NOBODY
