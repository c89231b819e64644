"""Public keys as they are pasted: several lines, some of them broken by a mail or a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from flasher.errors import BadInput
from flasher.rig.public_keys import fingerprint, key_warning, read_public_key
from flasher.tui.pasted import cleaned
from flasher.tui.trouble import in_words

_BEGINS = re.compile(r"(?:ssh-|ecdsa-|sk-)\S+ ")
_GOES_ON = re.compile(r"[A-Za-z0-9+/=]+(?: .*)?")


@dataclass(frozen=True, slots=True)
class PastedKey:
    """One key, or what was typed in its place.

    Attributes:
        typed: as it was typed.
        line: the key; empty where it is none.
        words: its fingerprint and comment, or what is wrong.
    """

    typed: str
    line: str
    words: str


def read_keys(text: str) -> tuple[PastedKey, ...]:
    """Each key of a text, and each path of a ``.pub`` file, checked; comments are passed over."""
    return tuple(map(_read, _lines(text)))


def key_words(line: str) -> str:
    """A key in two or three lines: kind and comment, fingerprint, and what speaks against it."""
    kind, _blob, comment = [*line.split(None, 2), "", ""][:3]
    shown = "".join(letter for letter in comment if letter.isprintable())
    warning = f"\n! {warned}" if (warned := key_warning(line)) else ""
    return f"{shown or kind} · {kind}\n{fingerprint(line)}{warning}"


def _lines(text: str) -> Iterator[str]:
    """Whole lines: a key that goes on in the next one is put together."""
    whole = ""
    for line in (cleaned(part) for part in text.splitlines()):
        if _BEGINS.match(whole) and _is_rest(whole, line):
            whole += line
            continue
        if whole:
            yield whole
        whole = "" if line.startswith("#") else line
    if whole:
        yield whole


def _is_rest(whole: str, line: str) -> bool:
    """Whether a line goes on with the key before it, which has no comment yet."""
    broken = len(whole.split()) == 2 and bool(_GOES_ON.fullmatch(line))
    return broken and bool(_wrong(whole))


def _wrong(line: str) -> str:
    try:
        read_public_key(line)
    except BadInput as fault:
        return in_words(fault)
    return ""


def _read(typed: str) -> PastedKey:
    if wrong := _wrong(typed):
        return PastedKey(typed, "", wrong)
    line = read_public_key(typed)
    return PastedKey(typed, line, key_words(line))
