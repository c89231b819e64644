"""Which nodes a board shows, and where: from the rig map, or from the ledger alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby
from types import MappingProxyType
from typing import Protocol

from flasher.fleet.board.model import Board, Card
from flasher.fleet.board.view import Grid
from flasher.rig.profile import Profile
from flasher.rig.rigmap import Node, nodes_of

# Where nobody tells how the nodes of a role stand, they stand in rows of so many.
_A_ROW = 16
NONE_REPLACED: Mapping[str, str] = MappingProxyType({})


class Holder(Protocol):
    """What an assignment tells the board, see `flasher.rig.assignments`."""

    @property
    def card_id(self) -> str: ...  # noqa: D102
    @property
    def node(self) -> str: ...  # noqa: D102
    @property
    def role(self) -> str: ...  # noqa: D102
    @property
    def position(self) -> str: ...  # noqa: D102
    @property
    def generation(self) -> int: ...  # noqa: D102


def board_of(
    site: str,
    holders: Iterable[Holder],
    now: datetime,
    profile: Profile | None = None,
    replaced: Mapping[str, str] = NONE_REPLACED,
) -> Board:
    """A board on which nobody has spoken yet.

    Args:
        site: its name.
        holders: the assignments of the site.
        now: UTC.
        profile: lays the nodes out, those without a card too; without it, only those of the
            assignments are shown, in rows.
        replaced: id of the card that a node had before, by the node's name.
    """
    cards = list(holders)
    if profile:
        grids = tuple(Grid(r.name, r.title, r.columns, r.rows) for r in profile.roles)
        nodes = nodes_of(profile)
    else:
        grids, nodes = _in_rows(cards)
    scanner = profile.name if profile else ""
    return Board(site, now, grids, nodes, cards_of(cards, replaced), scanner=scanner)


def cards_of(
    holders: Iterable[Holder], replaced: Mapping[str, str] = NONE_REPLACED
) -> Mapping[str, Card]:
    """The card of each node, by the node's name; `replaced` as for `board_of`."""
    return {
        holder.node: Card(holder.card_id, holder.generation, replaced.get(holder.node, ""))
        for holder in holders
    }


def _in_rows(holders: Iterable[Holder]) -> tuple[tuple[Grid, ...], tuple[Node, ...]]:
    ordered = sorted(holders, key=lambda holder: (holder.role, holder.node))
    grids: list[Grid] = []
    nodes: list[Node] = []
    for role, members in groupby(ordered, key=lambda holder: holder.role):
        placed = [
            Node(each.node, role, each.position, number % _A_ROW + 1, number // _A_ROW + 1)
            for number, each in enumerate(members)
        ]
        nodes += placed
        grids.append(Grid(role, role, min(len(placed), _A_ROW), placed[-1].row))
    return tuple(grids), tuple(nodes)
