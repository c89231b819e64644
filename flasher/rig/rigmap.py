"""The rig map: profile and site laid out, every node with its place and its name."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

from autosetup.faults import Fault
from flasher.errors import BadDocument, BadInput
from flasher.rig.profile import Profile, Role, fill
from flasher.rig.site import Site, SiteSecrets


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

    def role_of(self, node: Node) -> Role:
        """The role that a node plays."""
        return next(role for role in self.profile.roles if role.name == node.role)


def lay_out(profile: Profile, site: Site, secrets: SiteSecrets) -> RigMap:
    """Lay a profile out at a site.

    Raises:
        BadDocument: two nodes would share a name or a position, or a name is no host name.
    """
    nodes = tuple(node for role in profile.roles for node in _nodes(role))
    faults = [
        Fault(
            str(profile.path), 0, 0, f"{count} nodes would be called {word}.", "Mend the template."
        )
        for words in ([n.name for n in nodes], [n.position.lower() for n in nodes])
        for word, count in Counter(words).items()
        if count > 1
    ]
    if faults:
        raise BadDocument("scanner profile", tuple(faults))
    return RigMap(profile, site, secrets, nodes)


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
