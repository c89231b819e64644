"""Labelled lines, whose long values wrap under themselves; and errors as people can use them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from rich.table import Table
from rich.text import Text

from flasher.errors import BadDocument, FlasherError
from flasher.tui.words import _


def facts(rows: Iterable[tuple[str, str]], *, indent: int = 0) -> Table:
    """Two columns: what, and how it is. Nothing in them is read as markup."""
    table = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in rows:
        table.add_row(Text(" " * indent + label), Text(value))
    return table


def explain(error: FlasherError) -> Text:
    """What is wrong and what to do; the faults of a document by file, with line and column."""
    if not isinstance(error, BadDocument):
        # Its words for every trouble are not read before there is one.
        from flasher.tui import trouble

        told = trouble.explain(error)
        return Text(f"{told.what} {told.why}".rstrip() + f"\n\n→ {told.todo}")
    text = Text()
    for file, faults in groupby(error.faults, key=lambda fault: fault.file):
        text.append(f"{file}\n", style="dim")
        for fault in faults:
            place = _("line {n}: ").format(n=fault.line) if fault.line else ""
            text.append(f"\n• {place}", style="bold")
            text.append(f"{fault.what} {fault.remedy}".rstrip())
        text.append("\n\n")
    return text.append(f"→ {error.hint}", style="bold")
