"""`autosetup` on the node: run, status, check, apply, rollback, set, values."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from autosetup import __version__

_INTERRUPTED = 130


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
            return commands.look_for_namesakes()
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
    run = commands.add_parser(
        "run", help="set the node up, or go on with it (the service does this)"
    )
    run.add_argument(
        "--again",
        type=_pauses,
        default=(),
        metavar="SECONDS,…",
        help="try what may pass again, after these pauses; the last one holds for ever",
    )
    status = commands.add_parser("status", help="say how far the node is")
    status.add_argument("--json", action="store_true", help="as one JSON object")
    status.add_argument(
        "--wait", action="store_true", help="until this boot's run is done or has failed"
    )
    check = commands.add_parser("check", help="say what is wrong with a payload")
    check.add_argument("folder", nargs="?", type=Path, help="default: the one on this card")
    apply = commands.add_parser("apply", help="apply a payload that is not the card's")
    apply.add_argument("path", type=Path, help="a folder autosetup, or a .zip or .tar of it")
    commands.add_parser("rollback", help="go back to the last good payload before this one")
    change = commands.add_parser("set", help="change a value on this node, until a newer payload")
    change.add_argument("name", help="domain, timezone, ntp, or a variable of the payload")
    change.add_argument("value", help="several ntp servers: in one word, with commas")
    commands.add_parser(
        "neighbours", help="look whether another node has this node's name (a timer does this)"
    )
    commands.add_parser(
        "report", help="tell the board how this node is, again and again (a service)"
    )
    commands.add_parser("rebind", help="have the node belong to this Pi, when its card was moved")
    update = commands.add_parser(
        "update", help="fetch and apply what was released for this node (a timer does this)"
    )
    update.add_argument(
        "--check", action="store_true", help="only say what there is; 100 if there is something"
    )
    update.add_argument("--json", action="store_true", help="with --check: as one JSON object")
    commands.add_parser("values", help="say what templates can name, and what it stands for")
    return parser


def _pauses(text: str) -> tuple[float, ...]:
    return tuple(float(word) for word in text.split(","))


if __name__ == "__main__":
    sys.exit(main())
