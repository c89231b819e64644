"""Countries, languages and cities in the wizard's language, as far as it has names for them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from functools import cache

from flasher import paths
from flasher.rig.choices import PLAIN_LANGUAGE, UTC, Choice
from flasher.tui.widgets.search_list import plain
from flasher.tui.words import _, spoken

_look_up = spoken(
    os.environ, paths.data() / "locale", paths.assets() / "locale", domain="places"
).gettext
# Berlin (Germany), or Arabic (Syria, Latin).
_JOINED = re.compile(r"(.+?)( \(|, )(.+?)(\)?)")
# What stands before all that has a name to be sorted by.
_FIRST = {
    UTC: _("UTC, the same everywhere"),
    PLAIN_LANGUAGE: _("No language (plain English)"),
}


@cache
def named(load: Callable[[], Sequence[Choice]]) -> tuple[Choice, ...]:
    """What `load` offers, by the names and in the order of the wizard's language.

    Args:
        load: a function of `flasher.rig.choices`.
    """
    own = (Choice(value, _FIRST.get(value) or place_name(name)) for value, name in load())
    return tuple(sorted(own, key=lambda choice: (choice.value not in _FIRST, plain(choice.name))))


def place_name(english: str) -> str:
    """A name of `flasher.rig.choices`, whole or part by part; a part without one stays English."""
    if (name := _look_up(english)) != english:
        return name
    if not (parts := _JOINED.fullmatch(english)):
        return english
    head, joint, rest, end = parts.groups()
    return f"{place_name(head)}{joint}{place_name(rest)}{end}"
