"""Every card ever written: for which node, when, on which drive, and how it went."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from flasher.arguments import Action, Parser
from flasher.commands._certificates import (
    certificate_of,
    check_card,
    check_signer,
    find_card,
)
from flasher.commands._ledger_lines import add_filters, chosen_lines
from flasher.commands._sites import add_unlock, unlocking
from flasher.console import Console
from flasher.errors import ExitCode
from flasher.exports import as_csv, inventory_of, known_hosts_of, write_inventory, write_ledger
from flasher.rig.certificate import read_certificate
from flasher.rig.entry import Entry
from flasher.rig.exchange import read_ledger
from flasher.rig.ledger import Ledger

EXAMPLE = (
    "flasher ledger export stick.json    (on one laptop)\n"
    "  flasher ledger import stick.json    (on the other)"
)


def configure(parser: Parser) -> None:
    """Add the command's actions."""
    parser.add_actions(ACTIONS)


def run(args: argparse.Namespace, console: Console) -> int:
    """Do what `action` says; lines are in the order in which the cards were written."""
    return _RUN[args.action](args, console)


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="to take along; else a table is printed"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="a table, for spreadsheets")
    form.add_argument(
        "--ansible",
        action="store_true",
        help="an inventory, with FILE.known_hosts beside it where cards brought host keys",
    )


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="of other laptops")


def _add_card(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "card", nargs="+", metavar="CARD", help="a node, its position, a card's id, or its label"
    )


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a certificate")
    parser.add_argument("card", nargs="?", metavar="CARD", help="the card that it should be of")
    parser.add_argument("--key", type=Path, help="the site's public key, from `site key`")


ACTIONS = {
    "list": Action("list every card written", "flasher ledger list --site studio", (add_filters,)),
    "export": Action(
        "lines to take along, or for other programs",
        "flasher ledger export --ansible rig.yml --site studio",
        (_add_export, add_filters),
    ),
    "import": Action(
        "take over lines of other laptops", "flasher ledger import stick.json", (_add_import,)
    ),
    "known-hosts": Action(
        "the host keys of the nodes, for SSH",
        "flasher ledger known-hosts >>~/.ssh/known_hosts",
        (add_filters,),
    ),
    "certificate": Action(
        "what was verified of a card, signed by its site",
        "flasher ledger certificate cam-0101",
        (_add_card, add_filters, add_unlock),
    ),
    "check": Action(
        "whether a certificate is genuine, and a card the one it names",
        "flasher ledger check cam-0101.json /dev/sdb --key studio.pub",
        (_add_check,),
    ),
}


def _list(args: argparse.Namespace, console: Console) -> int:
    entries = chosen_lines(args)
    rows = [
        (e.written_at, e.node or e.image_name, e.position, e.site, e.drive, e.result)
        for e in entries
    ]
    console.table(("WRITTEN", "NODE", "POSITION", "SITE", "DRIVE", "RESULT"), rows)
    return _told(entries, console)


def _import(args: argparse.Namespace, console: Console) -> int:
    """Read all files before the first line is added."""
    lines = {entry.entry_id: entry for file in args.files for entry in read_ledger(file)}
    added = Ledger().merge(lines.values())
    console.say(f"{added} of {len(lines)} lines were new.")
    console.result("import", {"lines": len(lines), "added": added})
    return ExitCode.DONE


def _known_hosts(args: argparse.Namespace, console: Console) -> int:
    entries = chosen_lines(args)
    lines = known_hosts_of(entries)
    if lines:
        console.say(lines.removesuffix("\n"))
    else:
        console.warn(
            "No card brought its node a host key; host_keys = true in site.toml does that."
        )
    return _told(entries, console)


def _export(args: argparse.Namespace, console: Console) -> int:
    entries = chosen_lines(args)
    _write(args, entries, console)
    return _told(entries, console)


def _write(args: argparse.Namespace, entries: Sequence[Entry], console: Console) -> None:
    file: Path | None = args.file
    if not entries:
        console.warn("There is no such card in the ledger, so nothing is in what is exported.")
    if not file:
        if not console.as_json:
            console.out.write(inventory_of(entries) if args.ansible else as_csv(entries))
        return
    if args.ansible:
        nodes, keys = write_inventory(file, entries)
        console.say(f"{file} has {nodes} nodes{f', their host keys in {keys}' if keys else ''}.")
    else:
        write_ledger(file, entries, as_table=args.csv)
        console.say(f"{file} has {len(entries)} lines.")


def _certificate(args: argparse.Namespace, console: Console) -> int:
    """Print the certificate; it lies beside the ledger, too."""
    card = find_card(" ".join(args.card), chosen_lines(args))
    path = unlocking(lambda unlock: certificate_of(card, Ledger().path, unlock), args, console)
    text = path.read_text(encoding="utf-8")
    console.say(text.removesuffix("\n"))
    console.result("certificate", {"file": str(path), **json.loads(text)})
    return ExitCode.DONE


def _check(args: argparse.Namespace, console: Console) -> int:
    certificate = read_certificate(args.file)
    signer = check_signer(certificate, args.key)
    facts = certificate.facts
    console.say(
        f"{args.file} is genuine: card {facts['card_id']} of {facts['node']}, "
        f"generation {facts['generation']}, verified {facts['finished_at']}.\nSigned by {signer}."
    )
    summary = check_card(certificate, args.card) if args.card else ""
    if args.card:
        console.say(f"{args.card} is this card: {summary}.")
    console.result("checked", {"certificate": dict(facts), "signer": signer, "card": summary})
    return ExitCode.DONE


def _told(entries: Sequence[Entry], console: Console) -> int:
    console.result("ledger", {"entries": [asdict(entry) for entry in entries]})
    return ExitCode.DONE


_RUN: dict[str, Callable[[argparse.Namespace, Console], int]] = {
    "list": _list,
    "export": _export,
    "import": _import,
    "known-hosts": _known_hosts,
    "certificate": _certificate,
    "check": _check,
}
