"""`autosetup` on the node: run, status, check, apply, rollback, set, values."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from autosetup import __version__

_INTERRUPTED = 130
_COMMANDS = {
    "run": "set the node up, or go on with it (the service does this)",
    "status": "say how far the node is",
    "check": "say what is wrong with a payload",
    "apply": "apply a payload that is not the card's",
    "rollback": "go back to the last good payload before this one",
    "set": "change a value on this node, until a newer payload",
    "neighbours": "look whether this node is heard, and another has its name (a timer does this)",
    "report": "tell the board how this node is, again and again (a service)",
    "rebind": "have the node belong to this Pi, when its card was moved",
    "update": "fetch and apply what was released for this node (a timer does this)",
    "values": "say what templates can name, and what it stands for",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Gives its exit code: 0 done or nothing to do, 1 failed, 2 wrong usage, 130 interrupted.
    """
    chosen = _parser().parse_args(argv)
    try:
        return _ask(chosen) if chosen.command in ("status", "check") else _act(chosen)
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted. What was begun goes on at the next start.\n")
        return _INTERRUPTED


def _ask(chosen: argparse.Namespace) -> int:
    from autosetup import questions  # without the agent itself: people wait for the answer

    if chosen.command == "check":
        return questions.check(chosen.folder)
    return questions.tell_status(as_json=chosen.json, wait=chosen.wait)


def _report() -> int:
    from autosetup import reporting  # without the agent itself: it stays in memory

    return reporting.run()


def _act(chosen: argparse.Namespace) -> int:
    if chosen.command == "report":
        return _report()
    from autosetup import commands

    match chosen.command:
        case "run":
            return commands.run(chosen.again)
        case "apply":
            return commands.apply(chosen.path)
        case "set":
            return commands.change_value(chosen.name, chosen.value)
        case "rollback":
            return commands.rollback()
        case "rebind":
            return commands.rebind()
        case "neighbours":
            return commands.look_around()
        case "update":
            return commands.look_for_updates(chosen.json) if chosen.check else commands.update()
        case _:
            return commands.tell_values()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="autosetup", description="Makes this Pi the node that its card says."
    )
    parser.add_argument("--version", action="version", version=f"autosetup {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, about in _COMMANDS.items():
        _add_options(name, commands.add_parser(name, help=about))
    return parser


def _add_options(command: str, parser: argparse.ArgumentParser) -> None:
    match command:
        case "run":
            again = "try what may pass again, after these pauses; the last one holds for ever"
            form = "SECONDS,…"
            parser.add_argument("--again", type=_pauses, default=(), metavar=form, help=again)
        case "status":
            parser.add_argument("--json", action="store_true", help="as one JSON object")
            wait = "until this boot's run is done or has failed"
            parser.add_argument("--wait", action="store_true", help=wait)
        case "check":
            card = "default: the one on this card"
            parser.add_argument("folder", nargs="?", type=Path, help=card)
        case "apply":
            kinds = "a folder autosetup, or a .zip or .tar of it"
            parser.add_argument("path", type=Path, help=kinds)
        case "set":
            names = "domain, timezone, ntp, or a variable of the payload"
            parser.add_argument("name", help=names)
            parser.add_argument("value", help="several ntp servers: in one word, with commas")
        case "update":
            check = "only say what there is; 100 if there is something"
            parser.add_argument("--check", action="store_true", help=check)
            json = "with --check: as one JSON object"
            parser.add_argument("--json", action="store_true", help=json)


def _pauses(text: str) -> tuple[float, ...]:
    return tuple(float(word) for word in text.split(","))


if __name__ == "__main__":
    sys.exit(main())
