"""The walk test: each node blinks, and a person says whether it does so where it must. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from flasher.errors import BadInput
from flasher.fleet.board.view import BoardView, NodeView, Shown

_SILENT: frozenset[Shown] = frozenset({"no-card", "unheard", "missing"})


@dataclass(frozen=True, slots=True)
class Walk:
    """How far somebody has walked.

    Attributes:
        order: names of the nodes, in the order in which they blink.
        step: how many were asked about.
        stands_at: where nodes were seen to blink: their name → the name whose place it is.
    """

    order: tuple[str, ...]
    step: int = 0
    stands_at: Mapping[str, str] = field(default_factory=dict)

    @property
    def here(self) -> str | None:
        """The node that blinks now; None at the end."""
        return self.order[self.step] if self.step < len(self.order) else None

    @property
    def confirmed(self) -> int:
        """How many nodes blinked in their own place."""
        return sum(name == place for name, place in self.stands_at.items())

    @property
    def unseen(self) -> tuple[str, ...]:
        """Those that were passed over."""
        return tuple(name for name in self.order[: self.step] if name not in self.stands_at)

    def seen_at(self, place: str) -> Walk:
        """The node that blinks stands in the place of this one, which may be itself."""
        assert self.here is not None
        stands_at = {**self.stands_at, self.here: place}
        return replace(self, step=self.step + 1, stands_at=stands_at)

    def passed_over(self) -> Walk:
        """It was not seen."""
        return replace(self, step=min(self.step + 1, len(self.order)))

    def back(self) -> Walk:
        """To the node before, as if it had not been asked about."""
        if not self.step:
            return self
        name = self.order[self.step - 1]
        rest = {each: place for each, place in self.stands_at.items() if each != name}
        return replace(self, step=self.step - 1, stands_at=rest)

    @property
    def swaps(self) -> tuple[tuple[str, str], ...]:
        """Which nodes change places, one swap after the other, so that each is where it stands.

        Of two nodes of which only one was seen in the other's place, both are swapped.
        """
        now = {name: name for name in {*self.stands_at, *self.stands_at.values()}}
        found = []
        for name, place in self.stands_at.items():
            if (called := now[name]) != place:
                found.append((called, place))
                now = {card: _exchanged(each, called, place) for card, each in now.items()}
        return tuple(found)


def order(nodes: Iterable[NodeView], begin: str) -> tuple[str, ...]:
    """The names of those that can blink, beginning with this one; those before it come last."""
    names = tuple(node.name for node in nodes if node.state not in _SILENT)
    first = names.index(begin) if begin in names else 0
    return names[first:] + names[:first]


def walked(view: BoardView, raw: bytes) -> dict[str, object]:
    """What a page needs to know with which somebody walks.

    Args:
        raw: a JSON object with ``begin``, see `order`, and ``stands_at``, see `Walk`.

    Returns:
        an object with ``order``, ``swaps`` and ``command``.

    Raises:
        BadInput: ``not-a-walk``, it is something else, or of other nodes.
    """
    try:
        asked = json.loads(raw)
        begin, stands_at = str(asked["begin"]), dict(asked["stands_at"])
    except (ValueError, KeyError, TypeError) as error:
        raise _no_walk(f"{type(error).__name__}: {error}") from None
    if not {*stands_at, *map(str, stands_at.values())} <= {node.name for node in view.nodes}:
        raise _no_walk("it names a node that there is not")
    names = order(view.nodes, begin)
    swaps = Walk(names, len(names), stands_at).swaps
    return {"order": names, "swaps": swaps, "command": command(view.scanner, view.site, swaps)}


def command(scanner: str, site: str, swaps: Sequence[tuple[str, str]]) -> str:
    """The command that puts right what was found, for a person to run; empty for no swaps.

    Only the nodes that change places get something new.
    """
    if not swaps:
        return ""
    nodes = ",".join(dict.fromkeys(name for pair in swaps for name in pair))
    rig = f"--scanner {scanner or 'SCANNER'} --site {site} --node {nodes}"
    return " ".join(
        ["flasher release new", rig, *(f"--swap {first}={second}" for first, second in swaps)]
    )


def _no_walk(why: str) -> BadInput:
    return BadInput("not-a-walk", f"This is no walk along this rig: {why}.", "Open the page anew.")


def _exchanged(name: str, first: str, second: str) -> str:
    return {first: second, second: first}.get(name, name)
