"""What comes along unseen when text is pasted from a chat, a mail or a document."""

from __future__ import annotations

from flasher.tui.words import _

# Unicode 15: spaces that do not break or have another width, and characters without any width.
_SPACES = dict.fromkeys([0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000], " ")
_UNSEEN = dict.fromkeys([0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF])
_CONTROLS = dict.fromkeys([*range(0x20), 0x7F, *range(0x80, 0xA0), 0x2028, 0x2029])
_QUOTES = dict.fromkeys(range(0x201C, 0x2020), '"') | dict.fromkeys([*range(0x2018, 0x201C)], "'")
_DASHES = dict.fromkeys([*range(0x2010, 0x2016), 0x2212], "-")


def slips(text: str) -> tuple[str, ...]:
    """What a text holds that its typist may not know of, a sentence each.

    Each may be meant: networks may be called so, and passphrases may end in a space.
    """
    return tuple(words for words, found in _found(text).items() if found)


def cleaned(text: str) -> str:
    """The text without what `slips` tells of; plain spaces inside it stay."""
    return text.translate(_UNSEEN | _CONTROLS | _SPACES | _QUOTES | _DASHES).strip(" ")


def _found(text: str) -> dict[str, bool]:
    letters = {ord(letter) for letter in text}
    return {
        _("It begins or ends with a space."): text.strip(" ") != text,
        _("It holds a special space, which looks like a plain one."): bool(letters & set(_SPACES)),
        _("It holds a letter that nobody sees."): bool(letters & {*_UNSEEN, *_CONTROLS}),
        _("It holds a typeset quote or apostrophe."): bool(letters & set(_QUOTES)),
        _("It holds a dash that is longer than the one on the keyboard."): bool(
            letters & set(_DASHES)
        ),
    }
