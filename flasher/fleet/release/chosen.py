"""Whose cards a release is for: by what a person wants, and by what the ledger knows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flasher.errors import BadInput
from flasher.rig.assignments import Assignment, assignments, swapped
from flasher.rig.entry import Entry
from flasher.rig.rigmap import RigMap

_NO_KEYS = "their cards were made before nodes had keys: prepare new ones"
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants released.

    Attributes:
        scanner, site: as they were named.
        nodes: by name or position; empty for all.
        canaries: those that go first, by name or position.
        swaps: pairs of nodes that sit in each other's place.
        at_once, spacing_seconds: as in the plan.
        agent: the agent's package, for all sites of the repository.
        instead: although nodes of another scanner are on their way to the release before.
        forget: although the repository has cards, or releases of them, that the ledger lacks.
    """

    scanner: str
    site: str
    nodes: Sequence[str] = ()
    canaries: Sequence[str] = ()
    swaps: Sequence[tuple[str, str]] = ()
    at_once: int = 10
    spacing_seconds: int = 0
    agent: Path | None = None
    instead: bool = False
    forget: bool = False


@dataclass(frozen=True, slots=True)
class Cards:
    """Whose cards get what, by card id.

    Attributes:
        standing: all cards of the site, as they are until now.
        chosen: those that get a letter, as they will be, in the rig map's order of what they are.
        left_out: lines for people: who gets nothing, and why.
    """

    standing: Mapping[str, Assignment]
    chosen: Mapping[str, Assignment]
    left_out: tuple[str, ...]

    @property
    def of_node(self) -> dict[str, str]:
        """The id of the chosen card of each node."""
        return {card.node: card.card_id for card in self.chosen.values()}


def choose(rig: RigMap, wish: Wish, entries: Sequence[Entry]) -> Cards:
    """The cards of a release.

    Args:
        entries: of the ledger, oldest first.

    Raises:
        BadInput: ``no-such-node``; ``nothing-to-release``; what `swapped` raises.
    """
    standing = assignments(entries, rig.site.name)
    cards: Mapping[str, Assignment] = standing
    for first, second in wish.swaps:
        cards = swapped(cards, rig.find(first).name, rig.find(second).name)
    wanted = {rig.find(word).name for word in wish.nodes}
    wanted |= {rig.find(word).name for pair in wish.swaps for word in pair} if wanted else set()
    places = {node.name: number for number, node in enumerate(rig.nodes)}
    ours = [card for card in cards.values() if card.profile == rig.profile.name]
    ours.sort(key=lambda card: places.get(standing[card.card_id].node, len(places)))
    asked = [card for card in ours if not wanted or card.node in wanted]
    chosen = {c.card_id: c for c in asked if c.has_keys and c.node in places}
    if not chosen:
        what = f"No card of {rig.profile.name} at {rig.site.name} can get a release."
        hint = "Prepare cards first: flasher prepare; older cards have no keys of their own."
        raise BadInput("nothing-to-release", what, hint)
    return Cards(standing, chosen, tuple(_left_out(rig, ours, asked)))


def canaries_of(rig: RigMap, wish: Wish, cards: Cards) -> tuple[str, ...]:
    """The ids of the cards that go first; raises `BadInput` ``not-released``."""
    of_node = cards.of_node
    nodes = dict.fromkeys(rig.find(word).name for word in wish.canaries)
    for name in nodes:
        if name not in of_node:
            what = f"{name} is to go first, but nothing is released for it."
            raise BadInput("not-released", what, "Name another node, or none.")
    return tuple(of_node[name] for name in nodes)


def named(nodes: Iterable[str]) -> str:
    """Names for a line: the first few of them, and how many more there are."""
    listed = list(nodes)
    rest = len(listed) - _MOST_NAMED
    return ", ".join(listed[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _left_out(rig: RigMap, ours: Sequence[Assignment], asked: Sequence[Assignment]) -> list[str]:
    known = [node.name for node in rig.nodes]
    have_cards = {card.node for card in ours}
    groups = (
        ([card.node for card in asked if not card.has_keys], _NO_KEYS),
        (
            [card.node for card in asked if card.node not in known],
            f"{rig.profile.name} has no such nodes any more",
        ),
        ([name for name in known if name not in have_cards], "no card was made for them yet"),
    )
    return [f"{named(nodes)}: {why}" for nodes, why in groups if nodes]
