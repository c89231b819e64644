"""What the board of a site heard of its nodes last."""

from __future__ import annotations

from flasher.fleet.board.keeping import BOARD, folder_of
from flasher.fleet.board.view import BoardView, NodeView, read_board


def board_of(site: str) -> BoardView | None:
    """What the server on this computer wrote down last; None where none ran."""
    path = folder_of(site) / BOARD
    return read_board(path.read_bytes()) if path.exists() else None


def is_heard_now(site: str) -> bool:
    """Whether this person's server of a site runs on this computer, and takes reports."""
    from flasher.fleet.server.keeping import running

    return running(site) is not None


def how_heard(board: BoardView | None, *, now: bool) -> str:
    """What is to be known of the words of a board; empty where it goes without saying.

    Args:
        board: what was written down last.
        now: see `is_heard_now`.
    """
    if any(node.heard_at for node in (board.nodes if board else ())):
        return "" if now else "flasher serve does not run here now: these are the last words."
    if now:
        return "No node was heard yet; flasher serve runs, and waits for their reports."
    return "No node was heard yet: flasher serve takes their reports."


def generations(board: BoardView | None) -> dict[str, int]:
    """The generation that each card is well with, by card id."""
    nodes = board.nodes if board else ()
    return {node.card_id: node.generation for node in nodes if is_well(node)}


def is_well(node: NodeView) -> bool:
    """Whether its node is done with what it has, as far as it said last."""
    return "done" in (node.state, node.last_state)
