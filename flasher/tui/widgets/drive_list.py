"""The readers: what each card is, what it holds, and why it is refused if it is."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table
from rich.text import Text
from textual.binding import Binding
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from flasher.drives.model import Drive
from flasher.progress import readable_size


class DriveList(OptionList):
    """One entry a drive, those that may be written first."""

    BINDINGS = [  # noqa: RUF012
        Binding("enter", "select", "Write this card"),
    ]

    def __init__(self) -> None:
        super().__init__(id="drives")
        self.drives: tuple[Drive, ...] | None = None

    def show(self, drives: tuple[Drive, ...]) -> None:
        """Show these; the highlighted drive stays highlighted if it is still there."""
        ordered = tuple(sorted(drives, key=lambda drive: (bool(drive.obstacle), drive.path)))
        if ordered == self.drives:
            return
        before = self.current
        self.drives = ordered
        self.set_options(Option(describe(drive), id=str(drive.path)) for drive in ordered)
        if ordered:
            self.highlighted = self._place(before.path if before else None)

    @property
    def current(self) -> Drive | None:
        """The highlighted drive."""
        if not self.drives or self.highlighted is None:
            return None
        return self.drives[self.highlighted]

    def _place(self, path: Path | None) -> int:
        found = (i for i, drive in enumerate(self.drives or ()) if drive.path == path)
        return next(found, 0)


def title(drive: Drive) -> str:
    """Maker and model, or the file's name, or the kind."""
    named = " ".join(filter(None, (drive.vendor, drive.model)))
    return drive.path.name if drive.kind == "file" else named or drive.kind


def describe(drive: Drive) -> Table:
    """A drive in two or three lines; long ones wrap under themselves."""
    rows = [Text.assemble((title(drive), "bold"), f" {readable_size(drive.size)}")]
    if drive.kind != "file":
        rows.append(Text(str(drive.path)))
    rows.append(Text.assemble(("holds: ", "dim"), drive.holds))
    if drive.mounted:
        rows.append(Text.assemble(("unmounted first: ", "dim"), ", ".join(drive.mounted)))
    if drive.refusal:
        rows.append(Text.assemble(("refused: ", "bold"), drive.refusal))
    elif drive.obstacle:
        hint = f"{drive.obstacle}; `flasher prepare --serial` takes it"
        rows.append(Text.assemble(("not from here: ", "bold"), hint))
    table = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
    sign = "✗" if drive.obstacle else "●"
    for number, row in enumerate(rows):
        table.add_row("" if number else sign, row)
    return table
