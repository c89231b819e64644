"""The rig map: profile and site laid out, every node with its place and its name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from autosetup import forms
from autosetup.faults import Fault
from autosetup.node_network import interface_complaint
from autosetup.node_serves import complaints
from autosetup.payload import Wired
from flasher.errors import BadDocument, BadInput, did_you_mean
from flasher.rig.profile import Profile
from flasher.rig.role import Role, fill
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
        known = (name for node in self.nodes for name in (node.position, node.name))
        guess = did_you_mean(wanted, known)
        first, last = (f"{node.name} ({node.position})" for node in (self.nodes[0], self.nodes[-1]))
        hint = f"{guess} They go from {first} to {last}.".lstrip()
        raise BadInput("no-such-node", f"{self.profile.name} has no node {word!r}.", hint)

    def role_of(self, node: Node) -> Role:
        """The role that a node plays."""
        return next(role for role in self.profile.roles if role.name == node.role)

    def fill(self, node: Node, template: str) -> str:
        """A text with the node's {column}, {row} and {number} in it."""
        number = (node.column - 1) * self.role_of(node).rows + node.row
        return fill(template, node.column, node.row, number)

    def wired_of(self, node: Node) -> Wired | None:
        """The node's fixed addresses; None where it asks for one."""
        wired = self.role_of(node).wired
        if wired is None:
            return None
        return replace(wired, addresses=tuple(self.fill(node, text) for text in wired.addresses))

    @property
    def server(self) -> Node | None:
        """The node that gives the others addresses and names."""
        roles = {role.name for role in self.profile.roles if role.serves}
        return next((node for node in self.nodes if node.role in roles), None)

    @property
    def hosts(self) -> dict[str, str]:
        """The first fixed address of each node that has one, by name."""
        wired = ((node.name, self.wired_of(node)) for node in self.nodes)
        return {name: w.addresses[0].partition("/")[0] for name, w in wired if w and w.addresses}


def lay_out(profile: Profile, site: Site, secrets: SiteSecrets) -> RigMap:
    """Lay a profile out at a site.

    Raises:
        BadDocument: two nodes would share a name or a position, or a name is no host name; a
            template makes many such faults, of which the first few are told. Or Linux would not
            run one of the scripts that were added on this computer.
    """
    nodes = nodes_of(profile)
    _check_own(profile)
    rig = RigMap(profile, site, secrets, nodes)
    whats = [*_shared(nodes), *(what for role in profile.roles for what in _unfit(role))]
    whats = whats or list(_unfit_addresses(rig)) or [*_shared_addresses(rig), *_unserved(rig)]
    if whats:
        raise BadDocument("scanner profile", tuple(_faults(str(profile.path), whats)))
    return rig


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


def _unfit_addresses(rig: RigMap) -> Iterator[tuple[str, str]]:
    """The same for each fixed address that is none."""
    for node in rig.nodes:
        wired = rig.wired_of(node)
        for address in wired.addresses if wired else ():
            if remedy := interface_complaint(address):
                yield f"{node.name} would have the address {address!r}.", remedy


def _shared_addresses(rig: RigMap) -> Iterator[tuple[str, str]]:
    """The same for each fixed address that more than one node has."""
    wired = [rig.wired_of(node) for node in rig.nodes]
    addresses = Counter(text.partition("/")[0] for w in wired if w for text in w.addresses)
    for address, count in addresses.items():
        if count > 1:
            yield f"{count} nodes would have the address {address}.", "Mend the template."


def _unserved(rig: RigMap) -> Iterator[tuple[str, str]]:
    """The same where addresses would be given away that belong to nodes."""
    if rig.server and (serves := rig.role_of(rig.server).serves):
        serves = replace(serves, hosts=rig.hosts)
        for _, what, remedy in complaints(serves, rig.wired_of(rig.server)):
            yield what, remedy


def _faults(file: str, whats: Sequence[tuple[str, str]]) -> Iterator[Fault]:
    for what, remedy in whats[:_MOST_FAULTS]:
        yield Fault(file, 0, 0, what, remedy)
    if (more := len(whats) - _MOST_FAULTS) > 0:
        yield Fault(file, 0, 0, f"and {more} more.", "Mend the template.")


def nodes_of(profile: Profile) -> tuple[Node, ...]:
    """Every node of a kind of rig, in the order in which cards are made."""
    return tuple(node for role in profile.roles for node in _nodes(role))


def _check_own(profile: Profile) -> None:
    found = [script.examine() for script in profile.own if script.enabled]
    faults = [fault for one in found for fault in (*one.mendable, *one.faults)]
    if faults:
        raise BadDocument("own script", tuple(faults))


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
