"""Every card ever written: for which node, when, on which drive, and how it went."""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, astuple
from pathlib import Path

from flasher import paths
from flasher.console import Console
from flasher.errors import BadInput, ExitCode
from flasher.files import write_atomic
from flasher.rig.entry import COLUMNS, Entry
from flasher.rig.exchange import read_ledger, to_json
from flasher.rig.inventory import inventory, known_hosts, latest_cards
from flasher.rig.ledger import Ledger

EXAMPLE = (
    "flasher ledger export stick.json    (on one laptop)\n"
    "  flasher ledger import stick.json    (on the other)"
)

_ACTIONS = """list: for people; export: to take along, or for other programs; import: lines of other
laptops; known-hosts: the host keys of the nodes for ~/.ssh/known_hosts"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "action", choices=("list", "export", "import", "known-hosts"), help=_ACTIONS
    )
    parser.add_argument("what", nargs="*", metavar="FILE", help="to write, or to read from")
    parser.add_argument("--site", help="only cards of this site")
    parser.add_argument("--scanner", help="only cards of this scanner profile")
    parser.add_argument("--node", help="only cards of these nodes, separated by commas")
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--csv", action="store_true", help="a table; what export prints where no FILE is named"
    )
    form.add_argument(
        "--ansible",
        action="store_true",
        help="an inventory, with FILE.known_hosts beside it where cards brought host keys",
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Do what `action` says; lines are in the order in which the cards were written."""
    if args.action == "import":
        return _import(_files(args, "ledger of another laptop", many=True), console)
    entries = _chosen(args)
    match args.action:
        case "list":
            rows = [(e.written_at, e.node, e.position, e.site, e.drive, e.result) for e in entries]
            console.table(("WRITTEN", "NODE", "POSITION", "SITE", "DRIVE", "RESULT"), rows)
        case "known-hosts":
            _print_known_hosts(entries, console)
        case "export":
            _export(args, entries, console)
    console.result("ledger", {"entries": [asdict(entry) for entry in entries]})
    return ExitCode.DONE


def _chosen(args: argparse.Namespace) -> tuple[Entry, ...]:
    nodes = [word.strip().lower() for word in (args.node or "").split(",") if word.strip()]
    return tuple(
        entry
        for entry in Ledger().entries()
        if (args.site is None or entry.site == args.site)
        and (args.scanner is None or entry.profile == args.scanner)
        and (not nodes or {entry.node, entry.position.lower()} & set(nodes))
    )


def _files(args: argparse.Namespace, what: str, *, many: bool = False) -> list[Path]:
    if not args.what or (len(args.what) > 1 and not many):
        wanted = "at least one file" if many else "one file"
        raise BadInput("usage", f"Name {wanted}: {what}.", f"For example: {EXAMPLE}")
    return [Path(word) for word in args.what]


def _import(files: Sequence[Path], console: Console) -> int:
    """Read all files before the first line is added."""
    lines = {entry.entry_id: entry for file in files for entry in read_ledger(file)}
    added = Ledger().merge(lines.values())
    console.say(f"{added} of {len(lines)} lines were new.")
    console.result("import", {"lines": len(lines), "added": added})
    return ExitCode.DONE


def _print_known_hosts(entries: Sequence[Entry], console: Console) -> None:
    lines = known_hosts(latest_cards(entries))
    if lines:
        console.say(lines.removesuffix("\n"))
    else:
        console.warn(
            "No card brought its node a host key; host_keys = true in site.toml does that."
        )


def _export(args: argparse.Namespace, entries: Sequence[Entry], console: Console) -> None:
    if not args.what:
        if not console.as_json:
            console.out.write(inventory(latest_cards(entries)) if args.ansible else _csv(entries))
        return
    (file,) = _files(args, "where to write")
    if args.ansible:
        _write_inventory(file, entries, console)
    else:
        as_table = args.csv or file.suffix == ".csv"
        _write(file, _csv(entries) if as_table else to_json(entries))
        console.say(f"{file} has {len(entries)} lines.")


def _write_inventory(file: Path, entries: Sequence[Entry], console: Console) -> None:
    cards = latest_cards(entries)
    keys = known_hosts(cards)
    beside = file.with_name(f"{file.name}.known_hosts")
    text = inventory(cards, beside.name if keys else "")
    if keys:
        _write(beside, keys)
    _write(file, text)
    also = f", their host keys in {beside}" if keys else ""
    console.say(f"{file} has {len(cards)} nodes{also}.")


def _write(file: Path, text: str) -> None:
    write_atomic(file, text)
    paths.hand_over(file)


def _csv(entries: Sequence[Entry]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(map(astuple, entries))
    return text.getvalue()
