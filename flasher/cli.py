"""The command line: finds the command, gives it its arguments, renders how it ended."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn, Protocol, cast

from flasher import __version__
from flasher.arguments import Parser, listed, whole
from flasher.console import Console
from flasher.errors import BadInput, ExitCode, did_you_mean, explained

# Command, and what it does in a few words. Its module is loaded only when it is called.
COMMANDS = {
    "build-base": "build the base image",
    "build-agent": "make the agent's Debian packages, for releases",
    "layers": "look at the layers that builds keep",
    "profile": "scanner profiles, and scripts of your own for them",
    "site": "make, list, show and check sites",
    "drives": "which drives are there, and which may be written",
    "prepare": "write the card of a node, and read it back",
    "write": "write an image as it is",
    "format": "give a card partitions and empty file systems",
    "install": "put a root file system on a card, from a folder or tarball",
    "eject": "let a card go: unmounted, flushed, to be taken out",
    "probe": "whether a card has the capacity and speed that it must have",
    "verify": "compare a card with what it must hold",
    "inspect": "read what a card says of itself, without booting it",
    "rehearse": "boot a card in an emulated Pi",
    "board": "the rig as it lives",
    "ledger": "every card ever written",
    "discover": "which Raspberry Pis are on the local network",
    "labels": "print labels for the cards that were made",
    "release": "releases for the nodes of a rig: made, signed, published",
    "rollout": "how a release gets to its nodes: status, pause, go, back",
    "serve": "serve releases to a rig, and show its board",
    "doctor": "what this computer lacks, and how to get it",
}

_BOOTS_NOWHERE = " A card that was being written boots nowhere."
# What becomes of the work of commands that change something.
_ONCE_INTERRUPTED = {
    "build-base": " Finished layers are kept: the same command goes on from there.",
    "prepare": _BOOTS_NOWHERE + " What is right on it is kept the next time.",
    "format": _BOOTS_NOWHERE,
    "install": _BOOTS_NOWHERE,
    "write": _BOOTS_NOWHERE + " What is right on it is kept the next time.",
}


class CommandModule(Protocol):
    """A module of `flasher.commands`: its docstring is the help, `EXAMPLE` stands below it."""

    EXAMPLE: str

    def configure(self, parser: Parser) -> None:
        """Add the command's arguments, or its actions."""

    def run(self, args: argparse.Namespace, console: Console) -> int:
        """Do it; the exit status."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; the exit status of contract 3 (see docs/commands.md)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    console = Console(sys.stdout, sys.stderr, as_json="--json" in arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        return _dispatch(arguments, console)
    except KeyboardInterrupt:
        words = _ONCE_INTERRUPTED.get(arguments[0] if arguments else "", "")
        console.warn(f"\nflasher: interrupted.{words}")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader went away; Python must not complain when it flushes at exit.
        sys.stdout = None
        return ExitCode.FAILED
    except Exception as error:  # no traceback is for people
        told = explained(error)
        console.error(told)
        return told.exit_code


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _dispatch(arguments: list[str], console: Console) -> int:
    name = arguments[0] if arguments else ""
    if name in COMMANDS:
        module, parser = _load(name), command_parser(name)
        if console.interactive:
            from flasher.drives.agent import lend_terminal

            lend_terminal()
        args = parser.parsed(arguments[1:])
        return _show_board(args, console) if name == "board" else module.run(args, console)
    if name and not name.startswith("-"):
        hint = did_you_mean(name, COMMANDS) or "`flasher --help` lists the commands."
        raise BadInput("usage", f"There is no command {name!r}.", hint)
    args = top_parser().parsed(arguments)
    if args.web:
        from flasher.web.run import serve

        return serve(practice=args.practice, port=args.port, console=console)
    # A driver of its own needs none: so the browser's wizard runs.
    if not (args.practice or sys.stdout.isatty() or "TEXTUAL_DRIVER" in os.environ):
        raise BadInput(
            "no-terminal",
            "The wizard needs a terminal, and this is none.",
            "Say what to do: `flasher --help` lists the commands.",
        )
    from flasher.tui.app import run as run_wizard

    return run_wizard(practice=args.practice)


def _show_board(args: argparse.Namespace, console: Console) -> int:
    """The one command that has a screen of its own."""
    from flasher.commands import board

    if not board.is_for_the_screen(args):
        return board.run(args, console)
    from flasher.tui.board_app import run

    return run(board.served_board(args, console))


def _load(name: str) -> CommandModule:
    module = importlib.import_module(f"flasher.commands.{name.replace('-', '_')}")
    return cast("CommandModule", module)


def command_parser(name: str) -> Parser:
    """The arguments of one of `COMMANDS`."""
    module = _load(name)
    parser = Parser(
        prog=f"flasher {name}",
        description=module.__doc__,
        epilog=f"example:\n  {module.EXAMPLE}",
    )
    parser.add_json()
    module.configure(parser)
    return parser


def top_parser() -> Parser:
    """The arguments where no command is named: the wizard's."""
    parser = Parser(
        prog="flasher",
        description="From a box of blank SD cards to a running rig of Raspberry Pis.\n"
        "Without a command, the wizard opens.",
        epilog=listed("commands", COMMANDS),
    )
    parser.add_argument("--version", action="version", version=f"flasher {__version__}")
    parser.add_argument(
        "--practice", action="store_true", help="the wizard with cards that are files, for training"
    )
    parser.add_argument(
        "--web", action="store_true", help="the wizard in a browser of this computer"
    )
    parser.add_argument(
        "--port",
        type=whole(0, 65535),
        default=0,
        help="where it is served; without it, any that is free",
    )
    parser.add_argument("command", nargs="?", choices=COMMANDS, metavar="COMMAND", help="see below")
    return parser
