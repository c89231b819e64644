"""A list from which one entry is chosen."""

from __future__ import annotations

from textual.binding import Binding
from textual.widgets import OptionList


class ChoiceList(OptionList):
    """An `OptionList` whose key is shown in the footer."""

    BINDINGS = [  # noqa: RUF012
        Binding("enter", "select", "Choose"),
        Binding("space", "select", "Choose", show=False),
    ]
