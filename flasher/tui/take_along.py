"""What a technician takes along from a rig: labels and lines of the ledger, and words of where."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from flasher.exports import labels_of, write_inventory, write_labels, write_ledger
from flasher.rig.entry import Entry
from flasher.rig.labels import parse_sheet
from flasher.tui.screens.save_file import Wanted
from flasher.tui.words import _, ngettext

LEDGER_ENDINGS = (".json", ".csv", ".yaml", ".yml")
SHEETS = (
    ("65", _("65 labels on a sheet, 38 × 21 mm (Avery L7651)")),
    ("24", _("24 labels on a sheet, 70 × 37 mm (Avery Zweckform 3474)")),
    ("80", _("80 labels on a sheet, 36 × 17 mm (Avery L4732)")),
    ("270", _("270 labels on a sheet, 18 × 10 mm (Avery L4730)")),
)


def save_labels(wanted: Wanted, entries: Sequence[Entry]) -> str:
    """Write the labels onto sheets of the chosen kind; raises as `exports.write_labels`."""
    labels = labels_of(entries)
    files = write_labels(wanted.path, labels, parse_sheet(wanted.choice))
    words = ngettext(
        "{count} label: {files}. Print it at 100 %, not fitted.",
        "{count} labels: {files}. Print them at 100 %, not fitted.",
        len(labels),
    )
    return words.format(count=len(labels), files=", ".join(map(str, files)))


def save_lines(path: Path, entries: Sequence[Entry]) -> str:
    """Write lines of the ledger as the name says; raises as `exports` does."""
    if path.suffix.lower() in (".yaml", ".yml"):
        count, keys = write_inventory(path, entries)
        words = ngettext("{count} node: {files}", "{count} nodes: {files}", count)
        return words.format(count=count, files=", ".join(str(f) for f in (path, keys) if f))
    write_ledger(path, entries)
    words = ngettext("{count} line: {files}", "{count} lines: {files}", len(entries))
    return words.format(count=len(entries), files=path)
