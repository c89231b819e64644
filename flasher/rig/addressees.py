"""For whom the scripts added to a profile are, and whether it has these nodes (any more)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from flasher.errors import BadInput, did_you_mean
from flasher.rig.own_script import OwnScript
from flasher.rig.profile import Profile
from flasher.rig.rigmap import Node, nodes_of


def meant_for(
    profile: Profile, script: OwnScript, roles: Sequence[str], nodes: Sequence[str]
) -> OwnScript:
    """The script for these roles and nodes; for every node where none are named.

    Args:
        profile: which has them.
        script: as it was.
        roles: by name.
        nodes: by name or position, whatever the case.

    Raises:
        BadInput: ``no-such-role``, ``no-such-node``.
    """
    known = [role.name for role in profile.roles]
    for role in roles:
        if role not in known:
            raise BadInput(
                "no-such-role", f"{profile.name} has no role {role!r}.", _near(role, known)
            )
    names = (_named(profile, word).name for word in nodes)
    return replace(script, roles=tuple(dict.fromkeys(roles)), nodes=tuple(dict.fromkeys(names)))


def getting(profile: Profile, script: OwnScript) -> tuple[Node, ...]:
    """The nodes that get a script; none where it is switched off."""
    return tuple(node for node in nodes_of(profile) if script.is_for(node.role, node.name))


def missing(profile: Profile, script: OwnScript) -> tuple[str, ...]:
    """Roles and nodes that a script is for, and that the profile does not have any more."""
    roles = {role.name for role in profile.roles}
    nodes = {node.name for node in nodes_of(profile)}
    return (
        *(role for role in script.roles if role not in roles),
        *(node for node in script.nodes if node not in nodes),
    )


def _named(profile: Profile, word: str) -> Node:
    wanted = word.strip().lower()
    nodes = nodes_of(profile)
    for node in nodes:
        if wanted in (node.name, node.position.lower()):
            return node
    known = [name for node in nodes for name in (node.name, node.position)]
    raise BadInput("no-such-node", f"{profile.name} has no node {word!r}.", _near(word, known))


def _near(word: str, known: Sequence[str]) -> str:
    return did_you_mean(word.strip(), known) or f"There are: {', '.join(known[:8])}."
