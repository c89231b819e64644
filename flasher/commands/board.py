"""Show the rig as it lives: on the whole screen, as a list, or for scripts."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

from flasher.commands._secret_input import known_secret
from flasher.commands._sites import add_unlock, load
from flasher.console import Console
from flasher.errors import BadInput, EnvironmentLacks, ExitCode, FlasherError
from flasher.fleet.board.feed import Reach, ServedBoard
from flasher.fleet.board.keeping import folder_of
from flasher.fleet.board.view import BoardView, NodeView, sparse

EXAMPLE = "flasher board --site studio"
_HEADINGS = ("NODE", "POSITION", "STATE", "GENERATION", "ADDRESS", "HEARD", "WARNINGS", "WHY")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--site", help="of whose server; without it, the one that runs here")
    parser.add_argument("--url", help="of a server elsewhere, as `flasher serve` shows it there")
    parser.add_argument("--token-fd", type=int, help="file descriptor to read its token from")
    parser.add_argument(
        "--authority", type=Path, help="PEM file of the site's authority; --site knows it"
    )
    parser.add_argument("--watch", action="store_true", help="go on telling what changes")
    add_unlock(parser)


def is_for_the_screen(args: argparse.Namespace) -> bool:
    """Whether somebody sits there to look at it."""
    return not (args.json or args.watch) and sys.stdout.isatty()


def run(args: argparse.Namespace, console: Console) -> int:
    """Tell the board once, or whenever a node changes."""
    board = served_board(args, console)
    if args.watch:
        asyncio.run(_watch(board, console))
        return ExitCode.DONE
    view = asyncio.run(board.once())
    console.table(_HEADINGS, [_row(node) for node in view.nodes])
    console.say(f"\n{_counts(view)}")
    console.result("board", view.to_json())
    return ExitCode.DONE


def served_board(args: argparse.Namespace, console: Console) -> ServedBoard:
    """The board of the server that is meant.

    Raises:
        BadInput, EnvironmentLacks: none is, or it cannot be reached so.
    """
    return ServedBoard(_elsewhere(args, console) if args.url else _here(args.site))


def _here(site: str | None) -> Reach:
    """The server of a site that this person runs on this computer."""
    from flasher.fleet.server.keeping import running

    sites = [site] if site else sorted(path.name for path in folder_of("x").parent.glob("*/"))
    found = [(name, told) for name in sites if (told := running(name))]
    if len(found) > 1:
        names = ", ".join(name for name, _told in found)
        raise BadInput("which-site", f"Several servers run here: {names}.", "Add --site.")
    if not found:
        raise EnvironmentLacks(
            "no-server",
            f"No server{f' of {site}' if site else ''} runs on this computer.",
            "Start one with `flasher serve`, or name another computer's with --url.",
        )
    _name, told = found[0]
    return Reach(told.url, told.token, told.authority)


def _elsewhere(args: argparse.Namespace, console: Console) -> Reach:
    url = str(args.url)
    if "?" in url:
        raise BadInput(
            "token-in-sight",
            "An argument of a command can be read by everybody on this computer.",
            "Leave away what follows the question mark: the token is asked for.",
        )
    token = known_secret("Token of the server", args.token_fd, console, "--token-fd")
    return Reach(url, token, _authority(args, console) if url.startswith("https:") else "")


def _authority(args: argparse.Namespace, console: Console) -> str:
    if args.authority:
        return str(args.authority.read_text(encoding="utf-8"))
    if not args.site:
        return ""
    from flasher.rig.site_authority import authority_pem

    _site, secrets = load(args.site, args, console)
    return authority_pem(secrets.signer) if secrets.signer else ""


async def _watch(board: ServedBoard, console: Console) -> None:
    before: dict[str, NodeView] = {}
    lost = False
    async for news in board.follow():
        if isinstance(news, FlasherError):
            if not lost:
                console.error(news)
            lost = True
            continue
        lost = False
        for node in news.nodes:
            if _state(before.get(node.name)) != _state(node):
                _tell(node, news.at, console)
        before = {node.name: node for node in news.nodes}


def _tell(node: NodeView, at: str, console: Console) -> None:
    console.say(f"{at}  {node.name:<12}  {' · '.join(_told(node))}")
    console.result("node", {"at": at, "node": sparse(node)})


def _state(node: NodeView | None) -> tuple[object, ...] | None:
    if node is None:
        return None
    return node.state, node.step_number, node.generation, node.code, node.warnings


def _told(node: NodeView) -> Iterator[str]:
    step = f" step {node.step_number} of {node.step_count}: {node.step}"
    yield node.state + (step if node.state == "applying" else "")
    yield from filter(None, (node.reason, " ".join(node.warnings)))


def _row(node: NodeView) -> tuple[object, ...]:
    generation = f"{node.generation} → {node.wanted}" if node.is_behind else node.generation or ""
    why = " ".join(filter(None, (node.reason, node.hint)))
    heard = node.heard_at[11:19]
    warnings = " ".join(node.warnings)
    return (node.name, node.position, node.state, generation, node.address, heard, warnings, why)


def _counts(view: BoardView) -> str:
    return ", ".join(f"{count} {state}" for state, count in view.counts.items() if count)
