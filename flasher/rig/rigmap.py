"""The rig map: profile and site laid out, every node with its place and its name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

from autosetup import forms
from autosetup.faults import Fault
from flasher.errors import BadDocument, BadInput
from flasher.rig.profile import Profile, Role, fill
from flasher.rig.site import Site, SiteSecrets

_MOST_FAULTS = 5


class Node(NamedTuple):
    """One Pi of the rig. `column` and `row` count from 1 within its role's grid."""

    name: str
    role: str
    position: str
    column: int
    row: int


@dataclass(frozen=True, slots=True)
class RigMap:
    """Every node of one installation, in the order in which cards are made."""

    profile: Profile
    site: Site
    secrets: SiteSecrets
    nodes: tuple[Node, ...]

    def find(self, word: str) -> Node:
        """The node of this name or position, whatever the case.

        Raises:
            BadInput: there is none; the hint names the nearest.
        """
        wanted = word.strip().lower()
        for node in self.nodes:
            if wanted in (node.name, node.position.lower()):
                return node
        known = [name for node in self.nodes for name in (node.name, node.position.lower())]
        near = get_close_matches(wanted, known, 1)
        hint = f"Did you mean {near[0]}?" if near else f"They go from {known[0]} to {known[-2]}."
        raise BadInput("no-such-node", f"{self.profile.name} has no node {word!r}.", hint)

    def nodes_of(self, role: str) -> list[Node]:
        """The nodes of a role, by their number."""
        return [node for node in self.nodes if node.role == role]

    def role_of(self, node: Node) -> Role:
        """The role that a node plays."""
        return next(role for role in self.profile.roles if role.name == node.role)


def lay_out(profile: Profile, site: Site, secrets: SiteSecrets) -> RigMap:
    """Lay a profile out at a site.

    Raises:
        BadDocument: two nodes would share a name or a position, or a name is no host name; a
            template makes many such faults, of which the first few are told.
    """
    nodes = tuple(node for role in profile.roles for node in _nodes(role))
    whats = [*_shared(nodes), *(what for role in profile.roles for what in _unfit(role))]
    if whats:
        raise BadDocument("scanner profile", tuple(_faults(str(profile.path), whats)))
    return RigMap(profile, site, secrets, nodes)


def _shared(nodes: Sequence[Node]) -> Iterator[tuple[str, str]]:
    """What is wrong, and the remedy, for each name and position that more than one node has."""
    for words in ([n.name for n in nodes], [n.position.lower() for n in nodes]):
        for word, count in Counter(words).items():
            if count > 1:
                yield f"{count} nodes would be called {word}.", "Mend the template."


def _unfit(role: Role) -> Iterator[tuple[str, str]]:
    """The same for each name and position of a role that its nodes would refuse."""
    for node in _nodes(role):
        for key, word, template, form in (
            ("node", node.name, role.node, forms.HOSTNAME),
            ("position", node.position, role.position, forms.POSITION),
        ):
            if wanted := form.complain(word):
                what = f"The template {key} = {template!r} of {role.name} makes {word!r}."
                yield what, f"It must be {wanted}."


def _faults(file: str, whats: Sequence[tuple[str, str]]) -> Iterator[Fault]:
    for what, remedy in whats[:_MOST_FAULTS]:
        yield Fault(file, 0, 0, what, remedy)
    if (more := len(whats) - _MOST_FAULTS) > 0:
        yield Fault(file, 0, 0, f"and {more} more.", "Mend the template.")


def _nodes(role: Role) -> list[Node]:
    places = [(c, r) for c in range(1, role.columns + 1) for r in range(1, role.rows + 1)]
    return [
        Node(
            fill(role.node, column, row, number).lower(),
            role.name,
            fill(role.position, column, row, number),
            column,
            row,
        )
        for number, (column, row) in enumerate(places, 1)
    ]
