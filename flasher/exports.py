"""Files that a person asks for, by the kind that their names end in: labels, ledger, inventory."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

from flasher import paths
from flasher.errors import BadInput
from flasher.files import write_atomic
from flasher.fleet.board.keeping import last_board
from flasher.rig.entry import COLUMNS, Entry
from flasher.rig.exchange import to_json
from flasher.rig.inventory import (
    Reported,
    inventory,
    known_hosts,
    latest_cards,
    reported_in,
)
from flasher.rig.label_files import to_pdf, to_svg
from flasher.rig.labels import Label, Sheet, label_of, lay_out_labels

LABEL_ENDINGS = (".pdf", ".svg")


def write_named(file: Path, content: bytes | str) -> None:
    """Write a file, whole or not at all; under sudo, for the person who called.

    Raises:
        BadInput: ``no-such-folder``; where a stick is not mounted, its folder must not be made.
    """
    if not file.parent.is_dir():
        what = f"There is no folder {file.parent} to write {file.name} into."
        raise BadInput("no-such-folder", what, "Plug in what it is on, or make the folder first.")
    write_atomic(file, content)
    paths.hand_over(file)


def labels_of(entries: Sequence[Entry]) -> tuple[Label, ...]:
    """The labels of the last verified card of each node.

    Raises:
        BadInput: ``no-labels``, there is no such card.
    """
    labels = tuple(label_of(card) for card in latest_cards(entries))
    if not labels:
        what = "The ledger has no verified card of a node that these labels could be for."
        raise BadInput("no-labels", what, "See `flasher ledger list`.")
    return labels


def write_labels(
    file: Path, labels: Sequence[Label], sheet: Sheet, skip: int = 0
) -> tuple[Path, ...]:
    """Write all labels as one PDF, or as an SVG for each page; gives the files.

    Args:
        file: its ending says which.
        skip: places on the first page that are used up already.

    Raises:
        BadInput: ``bad-value`` for another ending; as `write_named`.
    """
    pages = lay_out_labels(labels, sheet, skip)
    match file.suffix.lower():
        case ".pdf":
            written: dict[Path, bytes | str] = {file: to_pdf(pages)}
        case ".svg":
            names = [file, *(file.with_stem(f"{file.stem}-{n + 2}") for n in range(len(pages) - 1))]
            written = dict(zip(names, map(to_svg, pages), strict=True))
        case _:
            what = f"{file} is no .pdf and no .svg."
            raise BadInput("bad-value", what, "Name it so: labels.pdf")
    for path, content in written.items():
        write_named(path, content)
    return tuple(written)


def as_csv(entries: Sequence[Entry]) -> str:
    """Lines of the ledger as a table, with a heading."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(map(astuple, entries))
    return text.getvalue()


def write_ledger(file: Path, entries: Sequence[Entry], *, as_table: bool = False) -> None:
    """Write lines as JSON for another laptop; as a table if asked, or to a ``.csv``.

    Raises:
        BadInput: as `write_named`.
    """
    as_table = as_table or file.suffix.lower() == ".csv"
    write_named(file, as_csv(entries) if as_table else to_json(entries))


def inventory_of(entries: Sequence[Entry], known_hosts_file: str = "") -> str:
    """The inventory of the last cards; raises ``node-ambiguous``."""
    return inventory(latest_cards(entries), _reported(entries), known_hosts_file)


def known_hosts_of(entries: Sequence[Entry]) -> str:
    """The host keys of the last cards."""
    return known_hosts(latest_cards(entries), _reported(entries))


def _reported(entries: Sequence[Entry]) -> dict[str, Reported]:
    """What nodes last said, by the ledger, and by the boards that this computer has served."""
    boards = filter(None, map(last_board, {line.site for line in entries if line.site}))
    heard = (node for board in boards for node in board.nodes if node.heard_at)
    said = {node.card_id: Reported(node.generation, node.address, node.heard_at) for node in heard}
    return reported_in(entries) | said


def write_inventory(file: Path, entries: Sequence[Entry]) -> tuple[int, Path | None]:
    """Write the last cards as an inventory for Ansible, with the host keys beside it.

    Returns:
        how many nodes, and the file of the host keys; None where no card brought one.

    Raises:
        BadInput: ``node-ambiguous``; as `write_named`.
    """
    cards, keys = latest_cards(entries), known_hosts_of(entries)
    beside = file.with_name(f"{file.name}.known_hosts")
    text = inventory_of(entries, beside.name if keys else "")
    if keys:
        write_named(beside, keys)
    write_named(file, text)
    return len(cards), beside if keys else None
