"""Whose cards a release is for: by what a person wants, and by what the ledger knows. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flasher.errors import BadInput
from flasher.rig.assignments import Assignment, assignments, current, swapped
from flasher.rig.entry import NO_ROOT, Entry
from flasher.rig.rigmap import RigMap

_NO_KEYS = "their cards were made before nodes had keys: prepare new ones"
_ANEW = "make their cards anew, of an image that was built with this repository's --update-root"
_NO_ROOT = f"their image takes no releases: {_ANEW}"
_OTHER_ROOT = f"their image takes the releases of another repository: {_ANEW}"
_NO_CARD = "no card was made for them yet"
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants released.

    Attributes:
        scanner, site: as they were named.
        nodes: by name or position; empty for all.
        canaries: those that go first, by name or position.
        swaps: pairs of nodes that sit in each other's place.
        at_once, spacing_seconds: as in the plan; None for a spacing that fits, see `spacing_of`.
        agent: the agent's package, for the nodes of the site.
        instead: although nodes of another scanner are on their way to the release before.
        forget: although the repository has cards, or releases of them, that the ledger lacks.
    """

    scanner: str
    site: str
    nodes: Sequence[str] = ()
    canaries: Sequence[str] = ()
    swaps: Sequence[tuple[str, str]] = ()
    at_once: int = 10
    spacing_seconds: int | None = None
    agent: Path | None = None
    instead: bool = False
    forget: bool = False


@dataclass(frozen=True, slots=True)
class Cards:
    """Whose cards get what, by card id.

    Attributes:
        standing: all cards of the site, as they are until now.
        chosen: those that get a letter, as they will be, in the rig map's order of what they are.
        why_not: of nodes that get nothing, by name.
        left_out: the same in lines for people.
    """

    standing: Mapping[str, Assignment]
    chosen: Mapping[str, Assignment]
    why_not: Mapping[str, str]
    left_out: tuple[str, ...]

    @property
    def of_node(self) -> dict[str, str]:
        """The id of the chosen card of each node."""
        return {card.node: card.card_id for card in self.chosen.values()}


def choose(rig: RigMap, wish: Wish, entries: Sequence[Entry], roots: Collection[str]) -> Cards:
    """The cards of a release.

    Args:
        entries: of the ledger, oldest first.
        roots: digests of all roots that the repository had.

    Raises:
        BadInput: ``no-such-node``; ``nothing-to-release``; ``takes-no-release``, a card that would
            be swapped; what `swapped` raises.
    """
    standing = assignments(entries, rig.site.name)
    deaf = _deaf(current(entries, rig.site.name), roots)
    cards: Mapping[str, Assignment] = standing
    for first, second in wish.swaps:
        cards = swapped(cards, rig.find(first).name, rig.find(second).name)
    _check_swapped(cards, standing, deaf)
    ours = _in_order(rig, standing, cards)
    refused = {card.card_id: _why_not(rig, card, deaf) for card in ours}
    of_nodes = dict.fromkeys((node.name for node in rig.nodes), _NO_CARD)
    of_nodes |= {card.node: refused[card.card_id] for card in ours}
    wanted = _wanted(rig, wish) or of_nodes.keys()
    why_not = {name: why for name, why in of_nodes.items() if why and name in wanted}
    chosen = {c.card_id: c for c in ours if c.node in wanted and not refused[c.card_id]}
    left_out = tuple(_grouped(why_not))
    if not chosen:
        what = f"No card of {rig.profile.name} at {rig.site.name} can get a release."
        raise BadInput("nothing-to-release", what, f"{left_out[0]}. Make cards: flasher prepare")
    return Cards(standing, chosen, why_not, left_out)


def _in_order(
    rig: RigMap, standing: Mapping[str, Assignment], cards: Mapping[str, Assignment]
) -> list[Assignment]:
    """The cards of a rig in the order of its map, by what they are until now."""
    places = {node.name: number for number, node in enumerate(rig.nodes)}
    ours = [card for card in cards.values() if card.profile == rig.profile.name]
    return sorted(ours, key=lambda card: places.get(standing[card.card_id].node, len(places)))


def _wanted(rig: RigMap, wish: Wish) -> set[str]:
    """The nodes that were named, swapped ones among them; empty where none was, for all."""
    words = (*wish.nodes, *(word for pair in wish.swaps for word in pair)) if wish.nodes else ()
    return {rig.find(word).name for word in words}


def canaries_of(rig: RigMap, wish: Wish, cards: Cards) -> tuple[str, ...]:
    """The ids of the cards that go first, in the order in which their nodes were named.

    Args:
        cards: of the release.

    Raises:
        BadInput: ``no-such-node``; ``not-released``, one of them gets nothing.
    """
    of_node = cards.of_node
    nodes = dict.fromkeys(rig.find(word).name for word in wish.canaries)
    for name in nodes:
        if name not in of_node:
            what = f"{name} is to go first, but nothing is released for it."
            why = cards.why_not.get(name, "it is not among those named by --node")
            raise BadInput(
                "not-released", what, f"{why[0].upper()}{why[1:]}; or name another node."
            )
    return tuple(of_node[name] for name in nodes)


def named(nodes: Iterable[str]) -> str:
    """Names for a line: the first few of them, and how many more there are."""
    listed = list(nodes)
    rest = len(listed) - _MOST_NAMED
    return ", ".join(listed[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _deaf(lines: Mapping[str, Entry], roots: Collection[str]) -> dict[str, str]:
    """Why nodes can never take what is released here, by card id."""
    found = {i: line.update_root for i, line in lines.items() if line.update_root}
    deaf = {i: root for i, root in found.items() if root not in roots}
    return {i: _NO_ROOT if root == NO_ROOT else _OTHER_ROOT for i, root in deaf.items()}


def _check_swapped(
    cards: Mapping[str, Assignment], standing: Mapping[str, Assignment], deaf: Mapping[str, str]
) -> None:
    """Of two nodes in each other's place neither may stay what it was."""
    for card_id, why in deaf.items():
        if cards[card_id] != standing[card_id]:
            what = f"{standing[card_id].node} cannot become {cards[card_id].node} by a release."
            raise BadInput("takes-no-release", what, f"{why[0].upper()}{why[1:]}.")


def _why_not(rig: RigMap, card: Assignment, deaf: Mapping[str, str]) -> str:
    """Why a card gets no letter; empty where it gets one."""
    if not card.has_keys:
        return _NO_KEYS
    if all(node.name != card.node for node in rig.nodes):
        return f"{rig.profile.name} has no such nodes any more"
    return deaf.get(card.card_id, "")


def _grouped(why_not: Mapping[str, str]) -> Iterator[str]:
    by_reason: dict[str, list[str]] = {}
    for node, why in why_not.items():
        by_reason.setdefault(why, []).append(node)
    most_telling_first = sorted(by_reason.items(), key=lambda item: item[0] == _NO_CARD)
    return (f"{named(nodes)}: {why}" for why, nodes in most_telling_first)
