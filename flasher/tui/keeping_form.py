"""How a site's secrets rest on this computer, as it is asked in a form."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from flasher.rig.site_secrets import Lock
from flasher.tui.words import _

# What a thief who copies the file has to guess against.
SHORTEST = 8


class How(StrEnum):
    """The ways to keep secrets."""

    AS_IT_IS = "as-it-is"
    SEALED = "sealed"
    KEYRING = "keyring"
    OPEN = "open"


@dataclass(frozen=True, slots=True, repr=False)
class Keeping:
    """What was chosen, and the passphrase that was typed for it: no `repr`."""

    how: How = How.SEALED
    passphrase: str = ""
    again: str = ""

    @property
    def is_sealed(self) -> bool:
        """Whether a passphrase is asked for."""
        return self.how in (How.SEALED, How.KEYRING)

    @property
    def lock(self) -> Lock | None:
        """What the secrets are sealed with; None where they lie open, or stay as they are."""
        if not self.is_sealed:
            return None
        return Lock(self.passphrase, keyring=self.how is How.KEYRING)

    @property
    def rest(self) -> Lock | Literal["open"] | None:
        """How they are to rest from now on; None where they stay as they are."""
        return "open" if self.how is How.OPEN else self.lock


def how_names(*, edited: bool) -> dict[str, str]:
    """What people call the ways.

    Args:
        edited: the site is there already, and may stay as it is.
    """
    names: dict[str, str] = {
        How.SEALED: _("locked with a passphrase, asked for at each start"),
        How.KEYRING: _("locked, and the desktop's keyring keeps the passphrase"),
        How.OPEN: _("not locked: whoever has this disk can read them"),
    }
    return ({How.AS_IT_IS: _("as they are kept now")} if edited else {}) | names


def keeping_complaints(keeping: Keeping) -> dict[str, str]:
    """What is wrong, by field: ``seal``, ``seal_again``."""
    if not keeping.is_sealed:
        return {}
    return passphrase_complaints(keeping.passphrase, keeping.again)


def passphrase_complaints(passphrase: str, again: str) -> dict[str, str]:
    """What is wrong with a new passphrase that is typed twice, by field."""
    found = {}
    if not passphrase:
        found["seal"] = _("Type a passphrase that you will remember: nothing opens it without.")
    elif len(passphrase) < SHORTEST:
        found["seal"] = _("It has {size} characters; type at least 8.").format(size=len(passphrase))
    if passphrase != again:
        found["seal_again"] = _("The two passphrases differ: type again.")
    return found
