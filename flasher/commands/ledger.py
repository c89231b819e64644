"""Every card ever written: for which node, when, on which drive, and how it went."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from flasher.commands._certificates import (
    certificate_of,
    check_card,
    check_signer,
    find_card,
)
from flasher.commands._ledger_lines import add_filters, chosen_lines
from flasher.commands._sites import add_unlock, unlocking
from flasher.console import Console
from flasher.errors import BadInput, ExitCode
from flasher.exports import as_csv, inventory_of, known_hosts_of, write_inventory, write_ledger
from flasher.rig.certificate import read_certificate
from flasher.rig.entry import Entry
from flasher.rig.exchange import read_ledger
from flasher.rig.ledger import Ledger

EXAMPLE = (
    "flasher ledger export stick.json    (on one laptop)\n"
    "  flasher ledger import stick.json    (on the other)"
)

_ACTIONS = """list: for people; export FILE: to take along, or for other programs; import FILE…:
lines of other laptops; known-hosts: the host keys of the nodes for ~/.ssh/known_hosts; certificate
NODE|CARD-ID: what was verified, signed by the site; check FILE [CARD]: whether a certificate is
genuine, and that card is the one"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = ("list", "export", "import", "known-hosts", "certificate", "check")
    parser.add_argument("action", choices=actions, help=_ACTIONS)
    parser.add_argument("what", nargs="*", help="files, or a node, as the action says")
    add_filters(parser)
    add_unlock(parser)
    parser.add_argument("--key", type=Path, help="check: the site's public key, from `site key`")
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
        return _import([Path(word) for word in _words(args, 1, None)], console)
    if args.action == "check":
        return _check(args, console)
    entries = chosen_lines(args)
    if args.action == "certificate":
        return _certificate(args, entries, console)
    match args.action:
        case "list":
            _words(args, 0, 0)
            rows = [
                (e.written_at, e.node or e.image_name, e.position, e.site, e.drive, e.result)
                for e in entries
            ]
            console.table(("WRITTEN", "NODE", "POSITION", "SITE", "DRIVE", "RESULT"), rows)
        case "known-hosts":
            _words(args, 0, 0)
            _print_known_hosts(entries, console)
        case "export":
            _export(args, entries, console)
    console.result("ledger", {"entries": [asdict(entry) for entry in entries]})
    return ExitCode.DONE


def _words(args: argparse.Namespace, least: int, most: int | None) -> list[str]:
    """What the action is about; as many words as it needs."""
    words: list[str] = args.what
    if len(words) < least or (most is not None and len(words) > most):
        wanted = f"{least}" if least == most else f"{least} or more"
        if most is not None and least < most:
            wanted = f"{least} to {most}"
        what = f"`ledger {args.action}` takes {wanted} files, nodes or cards, not {len(words)}."
        raise BadInput("usage", what, "See `flasher ledger --help`.")
    return words


def _import(files: Sequence[Path], console: Console) -> int:
    """Read all files before the first line is added."""
    lines = {entry.entry_id: entry for file in files for entry in read_ledger(file)}
    added = Ledger().merge(lines.values())
    console.say(f"{added} of {len(lines)} lines were new.")
    console.result("import", {"lines": len(lines), "added": added})
    return ExitCode.DONE


def _print_known_hosts(entries: Sequence[Entry], console: Console) -> None:
    lines = known_hosts_of(entries)
    if lines:
        console.say(lines.removesuffix("\n"))
    else:
        console.warn(
            "No card brought its node a host key; host_keys = true in site.toml does that."
        )


def _export(args: argparse.Namespace, entries: Sequence[Entry], console: Console) -> None:
    words = _words(args, 0, 1)
    if not entries:
        console.warn("There is no such card in the ledger, so nothing is in what is exported.")
    if not words:
        if not console.as_json:
            console.out.write(inventory_of(entries) if args.ansible else as_csv(entries))
        return
    file = Path(words[0])
    if args.ansible:
        nodes, keys = write_inventory(file, entries)
        console.say(f"{file} has {nodes} nodes{f', their host keys in {keys}' if keys else ''}.")
    else:
        write_ledger(file, entries, as_table=args.csv)
        console.say(f"{file} has {len(entries)} lines.")


def _certificate(args: argparse.Namespace, entries: Sequence[Entry], console: Console) -> int:
    """Print the certificate; it lies beside the ledger, too."""
    word = " ".join(_words(args, 1, 2))
    card = find_card(word, entries)
    path = unlocking(lambda unlock: certificate_of(card, Ledger().path, unlock), args, console)
    text = path.read_text(encoding="utf-8")
    console.say(text.removesuffix("\n"))
    console.result("certificate", {"file": str(path), **json.loads(text)})
    return ExitCode.DONE


def _check(args: argparse.Namespace, console: Console) -> int:
    file, *card = _words(args, 1, 2)
    certificate = read_certificate(Path(file))
    signer = check_signer(certificate, args.key)
    facts = certificate.facts
    console.say(
        f"{file} is genuine: card {facts['card_id']} of {facts['node']}, "
        f"generation {facts['generation']}, verified {facts['finished_at']}.\nSigned by {signer}."
    )
    summary = check_card(certificate, card[0]) if card else ""
    if card:
        console.say(f"{card[0]} is this card: {summary}.")
    console.result("checked", {"certificate": dict(facts), "signer": signer, "card": summary})
    return ExitCode.DONE
