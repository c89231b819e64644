"""What the card had when a payload came another way: it is over, and no edit of what came after.

Under the policies that let edits in, a card that differs from what is in force counts as edited by
hand. After a release it always differs, and only what is changed from then on is an edit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from autosetup.secrets_file import SECRETS, is_redacted
from autosetup.system import replace_file

_FILE = "past-card"


def note(folder: Path, raw: Mapping[str, bytes]) -> None:
    """Keep what the card has, durably, with its secrets and as it is once they are erased.

    Args:
        folder: of the agent's record.
        raw: the card's files; may be empty.
    """
    erased = {name: data for name, data in raw.items() if name != SECRETS}
    text = "".join(f"{digest}\n" for digest in sorted({_digest(raw), _digest(erased)}))
    path = folder / _FILE
    if not path.exists() or path.read_text() != text:
        replace_file(path, text.encode())


def is_past(folder: Path, raw: Mapping[str, bytes]) -> bool:
    """Whether a card is as it was noted last."""
    path = folder / _FILE
    return path.exists() and _digest(raw) in path.read_text().split()


def _digest(raw: Mapping[str, bytes]) -> str:
    names = sorted(name for name in raw if name != SECRETS or not is_redacted(raw[name]))
    lines = (f"{name}\0{hashlib.sha256(raw[name]).hexdigest()}\n" for name in names)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
