"""How hard a password or a passphrase is to guess, in a number and in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# zxcvbn reads no longer ones, and nobody guesses them.
_LONGEST = 72
_WORDS = (
    "guessed at once",
    "weak",
    "fair",
    "good",
    "strong",
)


@dataclass(frozen=True, slots=True)
class Strength:
    """A judgement.

    Attributes:
        score: 0 (guessed at once) to 4 (strong).
        words: the same in one or two words.
        advice: what makes it better, one sentence; may be empty.
    """

    score: int
    words: str
    advice: str = ""


def strength(text: str, about: Iterable[str] = ()) -> Strength:
    """Judge what was typed; nothing of it is kept or told.

    Args:
        text: the password; an empty one is guessed at once.
        about: what others know too: names of the site, the user, the wifi.
    """
    if not text:
        return Strength(0, _WORDS[0])
    from zxcvbn import zxcvbn  # its lists take their time, and only forms need them

    known = [word for name in about for word in (name, *name.replace("-", " ").split()) if word]
    found = zxcvbn(text[:_LONGEST], user_inputs=known)
    feedback = found["feedback"]
    told = feedback["warning"] or next(iter(feedback["suggestions"]), "")
    score = int(found["score"])
    return Strength(score, _WORDS[score], f"{told.rstrip('.')}." if told else "")
