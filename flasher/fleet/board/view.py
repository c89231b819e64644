"""What is shown of a rig that lives: the same in the terminal, in the browser and for scripts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from flasher.errors import FlasherError

FORMAT = 1

Shown = Literal[
    "no-card",
    "unheard",
    "waiting",
    "checking",
    "applying",
    "done",
    "failed",
    "rolled-back",
    "missing",
]
# In the order in which people want to hear of them.
STATES: tuple[Shown, ...] = get_args(Shown)
_LISTS = {"addresses", "warnings"}
TROUBLED: frozenset[Shown] = frozenset({"failed", "rolled-back", "missing"})


@dataclass(frozen=True, slots=True)
class Grid:
    """The positions of one role; `columns` and `rows` are at least 1."""

    name: str
    title: str
    columns: int
    rows: int

    @property
    def count(self) -> int:
        """How many nodes there can be."""
        return self.columns * self.rows


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node as it is shown. Texts are empty, numbers 0 or None, where nothing is known.

    Attributes:
        name, role, position, column, row: as in the rig map; column and row count from 1.
        card_id: of its current card; `replaces`: of the one before, whose keys count no more.
        state: what its last report said; ``no-card`` before a card was made, ``unheard`` before
            its card first spoke, ``missing`` once it fell silent.
        last_state: the last word of a node that is missing.
        since: since when it is so; UTC, ISO 8601, to the second, as all times here.
        step, step_number, step_count, code, reason, hint: as in `Report`.
        generation: that is in force or at work; `wanted` is the one that it should have.
        clock_offset: our time minus the node's, in seconds, to a tenth.
        temperature, wear, free_bytes, uptime: °C, percent, bytes, seconds.
        address: where its reports come from, the same one for as long as it has it; `heard_at`:
            when the last one came.
        twin_address: where another computer speaks from with its card's key; see ``two-pis``.
        update: what its updater does.
        blink: ``asked`` until the node heard of it, then ``blinking`` until it is over.
        warnings: codes, see `flasher.fleet.board.judge`, and those of the node's own.
    """

    name: str
    role: str = ""
    position: str = ""
    column: int = 1
    row: int = 1
    card_id: str = ""
    replaces: str = ""
    state: Shown = "no-card"
    last_state: str = ""
    since: str = ""
    step: str = ""
    step_number: int = 0
    step_count: int = 0
    code: str = ""
    reason: str = ""
    hint: str = ""
    generation: int = 0
    wanted: int = 0
    failed_generation: int = 0
    agent_version: str = ""
    image_digest: str = ""
    serial: str = ""
    model: str = ""
    clock_offset: float | None = None
    temperature: int | None = None
    wear: int | None = None
    free_bytes: int | None = None
    uptime: int = 0
    address: str = ""
    addresses: tuple[str, ...] = ()
    heard_at: str = ""
    update: str = ""
    blink: str = ""
    twin_address: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def is_troubled(self) -> bool:
        """Whether somebody should look after it."""
        return self.state in TROUBLED

    @property
    def is_behind(self) -> bool:
        """Whether a newer generation waits for it."""
        return bool(self.wanted) and 0 < self.generation < self.wanted


@dataclass(frozen=True, slots=True)
class Stranger:
    """A card that speaks and is none of the rig's: an old one, a revoked one, or another rig's."""

    card_id: str
    node: str = ""
    address: str = ""
    heard_at: str = ""


@dataclass(frozen=True, slots=True)
class RolloutView:
    """Where the distribution of a generation stands.

    Attributes:
        generation: that goes out.
        state: ``idle``, ``running``, ``paused``, ``stopped`` or ``done``.
        why: one sentence, where it was stopped.
    """

    generation: int = 0
    state: str = "idle"
    why: str = ""


@dataclass(frozen=True, slots=True)
class BoardView:
    """A whole rig as it is shown at one moment.

    Attributes:
        site: its name; `at`: the server's time, UTC.
        scanner: name of its profile; empty where the server does not know it.
        nodes: in the rig map's order.
        strangers: cards that were refused lately, at most 20.
    """

    site: str
    at: str
    grids: tuple[Grid, ...] = ()
    nodes: tuple[NodeView, ...] = ()
    strangers: tuple[Stranger, ...] = ()
    rollout: RolloutView = field(default_factory=RolloutView)
    scanner: str = ""

    @property
    def counts(self) -> dict[Shown, int]:
        """How many nodes are in each state, zeros too."""
        found = Counter(node.state for node in self.nodes)
        return {state: found[state] for state in STATES}

    def node(self, word: str) -> NodeView | None:
        """The node of this name, position or card, whatever the case."""
        wanted = word.strip().lower()
        for node in self.nodes:
            if wanted and wanted in (node.name, node.position.lower(), node.card_id):
                return node
        return None

    def to_json(self) -> dict[str, object]:
        """An object of ``format`` 1; what a node has nothing to say of is left out."""
        return {
            "format": FORMAT,
            "site": self.site,
            "scanner": self.scanner,
            "at": self.at,
            "counts": self.counts,
            "rollout": asdict(self.rollout),
            "roles": [asdict(grid) for grid in self.grids],
            "nodes": [sparse(node) for node in self.nodes],
            "strangers": [sparse(stranger) for stranger in self.strangers],
        }


def sparse(value: NodeView | Stranger) -> dict[str, object]:
    """Its fields but those that are as by default; the name is always there."""
    told = {each.name: getattr(value, each.name) for each in fields(value)}
    by_default = {each.name: each.default for each in fields(value) if each.default is not MISSING}
    return {
        key: list(told[key]) if isinstance(told[key], tuple) else told[key]
        for key in told
        if key not in by_default or told[key] != by_default[key]
    }


def read_board(raw: bytes | str) -> BoardView:
    """Read what `BoardView.to_json` told; keys that are not known are passed over.

    Raises:
        FlasherError: ``not-a-board``: it is something else.
    """
    try:
        top = json.loads(raw)
        return board_from(top)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FlasherError(
            "not-a-board",
            f"What the server sent is no board: {type(error).__name__}: {error}.",
            "Check the address; `flasher serve` prints the right one.",
        ) from error


def board_from(top: Mapping[str, Any]) -> BoardView:
    """The same of an object; raises what `read_board` explains."""
    if top["format"] != FORMAT:
        raise ValueError(f"format {top['format']}")
    return BoardView(
        site=str(top["site"]),
        at=str(top["at"]),
        grids=tuple(Grid(**known_of(Grid, each)) for each in top["roles"]),
        nodes=tuple(node_from(each) for each in top["nodes"]),
        strangers=tuple(Stranger(**known_of(Stranger, each)) for each in top["strangers"]),
        rollout=RolloutView(**known_of(RolloutView, top["rollout"])),
        scanner=str(top.get("scanner", "")),
    )


def node_from(told: Mapping[str, Any]) -> NodeView:
    """One node of an object."""
    return NodeView(**values_of(told))


def values_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """Those fields of a node that are told, as `NodeView` takes them."""
    values = known_of(NodeView, told)
    for name in _LISTS & values.keys():
        values[name] = tuple(map(str, values[name]))
    if values.get("state", "no-card") not in STATES:
        raise ValueError(f"state {values['state']!r}")
    return values


def known_of(kind: type[Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """Of an object the fields that a kind of value has."""
    names = {each.name for each in fields(kind)}
    return {key: value for key, value in told.items() if key in names}
