"""What of a board is new: told to those who look at it, and put together again by them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any, cast

from flasher.fleet.board.view import (
    FORMAT,
    BoardView,
    NodeView,
    RolloutView,
    Stranger,
    board_from,
    known_of,
    sparse,
    values_of,
)


def changes(before: BoardView, after: BoardView) -> dict[str, object] | None:
    """What to tell somebody who knows `before`; None where there is nothing new.

    Of a node that changed only what changed is told; those that were only heard again come as
    ``heard``: name → when. A rig map that is another one is told whole.
    """
    if _frame(before) != _frame(after):
        return after.to_json()
    pairs = list(zip(before.nodes, after.nodes, strict=True))
    changed = [_difference(*pair) for pair in pairs if _substance(pair[0]) != _substance(pair[1])]
    heard = {new.name: new.heard_at for old, new in pairs if old.heard_at != new.heard_at}
    if not (changed or heard or before.rollout != after.rollout):
        return None if before.strangers == after.strangers else after.to_json()
    return {
        "format": FORMAT,
        "at": after.at,
        "counts": after.counts,
        "rollout": asdict(after.rollout),
        "changed": changed,
        "heard": heard,
        "strangers": [sparse(stranger) for stranger in after.strangers],
    }


def updated(known: BoardView, told: Mapping[str, Any]) -> BoardView:
    """The board after `changes`; raises what `read_board` explains."""
    if "nodes" in told:
        return board_from(told)
    changed = {str(node["name"]): values_of(node) for node in told["changed"]}
    heard = cast("Mapping[str, str]", told["heard"])
    return replace(
        known,
        at=str(told["at"]),
        nodes=tuple(_renewed(node, changed, heard) for node in known.nodes),
        strangers=tuple(Stranger(**known_of(Stranger, each)) for each in told["strangers"]),
        rollout=RolloutView(**known_of(RolloutView, told["rollout"])),
    )


def _renewed(
    node: NodeView, changed: Mapping[str, Mapping[str, Any]], heard: Mapping[str, str]
) -> NodeView:
    news = dict(changed.get(node.name, {}))
    if node.name in heard:
        news["heard_at"] = str(heard[node.name])
    return replace(node, **news) if news else node


def _difference(old: NodeView, new: NodeView) -> dict[str, object]:
    """The name, and each field that is another one, also where it is as by default now."""
    pairs = ((each.name, getattr(new, each.name)) for each in fields(new))
    told = {name: value for name, value in pairs if value != getattr(old, name)}
    return {"name": new.name} | {
        name: list(value) if isinstance(value, tuple) else value for name, value in told.items()
    }


def _substance(node: NodeView) -> NodeView:
    return replace(node, heard_at="", uptime=0)


def _frame(view: BoardView) -> tuple[object, ...]:
    return (
        view.site,
        view.scanner,
        view.grids,
        [(n.name, n.role, n.column, n.row) for n in view.nodes],
    )
