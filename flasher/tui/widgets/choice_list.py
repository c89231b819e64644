"""A list from which one entry is chosen."""

from __future__ import annotations

from textual.binding import Binding
from textual.widgets import OptionList

from flasher.tui.words import _


class ChoiceList(OptionList):
    """An `OptionList` whose key is shown in the footer."""

    BINDINGS = [  # noqa: RUF012
        Binding("enter", "select", _("Choose")),
        Binding("space", "select", _("Choose"), show=False),
    ]
