"""How strong a password is, in words with a sign."""

from __future__ import annotations

from collections.abc import Iterable

from flasher.rig.strength import strength
from flasher.tui.words import _


def strength_words(password: str, about: Iterable[str]) -> str:
    """Words for what was typed so far, such as ``! ▰▱▱▱ weak``; nothing of it is in them.

    Args:
        password: what was typed.
        about: what others know too: names of the site and of the user.
    """
    score = strength(password, about).score
    words = (
        _("guessed at once"),
        _("weak: guessed soon"),
        _("fair: make it longer, or add a word"),
        _("good"),
        _("strong"),
    )
    sign = "✓" if score > 2 else "!"
    return f"{sign} {'▰' * score}{'▱' * (4 - score)} {words[score]}"
