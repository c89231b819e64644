"""The walk test: each node blinks, and a person says whether it does so where it must. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace


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


def _exchanged(name: str, first: str, second: str) -> str:
    return {first: second, second: first}.get(name, name)
