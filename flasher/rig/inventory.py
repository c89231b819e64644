"""The rig as other programs know it: an inventory for Ansible, and SSH's known hosts.

Both come from the ledger alone, before any node has started. Sources: Ansible, "How to build your
inventory" (groups and hosts share one space of names, and a group's name is a variable's); sshd(8),
"SSH_KNOWN_HOSTS FILE FORMAT".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from itertools import groupby

from flasher.errors import BadInput
from flasher.rig.entry import Entry
from flasher.rig.present import present

# A node without a fixed address answers to its name in multicast DNS (RFC 6762).
_LOCAL = ".local"


def latest_cards(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The latest card of each node, by site, profile and node; entries oldest first."""
    cards = present(entries).values()
    return tuple(sorted(cards, key=lambda card: (card.site, card.profile, card.node)))


def host_of(card: Entry) -> str:
    """Where a node is found: its fixed address, or its name in multicast DNS."""
    return card.address or f"{card.node}{_LOCAL}"


def known_hosts(cards: Iterable[Entry]) -> str:
    """The lines for ``known_hosts`` of all cards that brought a host key."""
    lines = (f"{','.join(_names(card))} {card.host_key}" for card in cards if card.host_key)
    return "".join(f"{line}\n" for line in lines)


def inventory(cards: Iterable[Entry], known_hosts_file: str = "") -> str:
    """An inventory in YAML: each node in a group for its role, its site and its profile.

    Args:
        known_hosts_file: name of the file with `known_hosts`, which lies beside the inventory.

    Raises:
        BadInput: ``node-ambiguous``, two rigs have a node of one name.
    """
    hosts = _hosts(cards)
    groups: dict[str, list[str]] = {}
    for node, card in hosts.items():
        for kind, name in (("role", card.role), ("site", card.site), ("scanner", card.profile)):
            if name:
                groups.setdefault(_group(kind, name), []).append(node)
    lines = ["all:", "  hosts:" if hosts else "  hosts: {}"]
    for node, card in hosts.items():
        lines += [f"    {json.dumps(node)}:", *_pairs(_variables(card), 6)]
    if known_hosts_file:
        lines += ["  vars:", *_pairs({"ansible_ssh_common_args": _knowing(known_hosts_file)}, 4)]
    if groups:
        lines.append("  children:")
    for group in sorted(groups):
        lines += [
            f"    {group}:",
            "      hosts:",
            *(f"        {json.dumps(node)}:" for node in groups[group]),
        ]
    return "".join(f"{line}\n" for line in lines)


def _hosts(cards: Iterable[Entry]) -> dict[str, Entry]:
    hosts: dict[str, Entry] = {}
    for node, same in groupby(sorted(cards, key=lambda card: card.node), lambda card: card.node):
        first, *others = same
        if others:
            rigs = " and ".join(f"{card.profile} at {card.site}" for card in (first, *others))
            what = f"{node} is a node of {rigs}; an inventory can have one of that name."
            raise BadInput("node-ambiguous", what, "Name one of them: --site NAME --scanner NAME.")
        hosts[node] = first
    return hosts


def _names(card: Entry) -> list[str]:
    """Under which SSH may look for the key, and the address where it is fixed."""
    return [card.node, f"{card.node}{_LOCAL}", *([card.address] if card.address else [])]


def _group(kind: str, name: str) -> str:
    return f"{kind}_{re.sub(r'[^a-z0-9_]', '_', name.lower())}"


def _variables(card: Entry) -> dict[str, str]:
    user = {"ansible_user": card.user} if card.user else {}
    return {
        "ansible_host": host_of(card),
        **user,
        "flasher_position": card.position,
        "flasher_generation": str(card.generation),
        "flasher_card": card.card_id,
        "flasher_image": card.image_digest,
    }


def _knowing(file: str) -> str:
    """For ssh: the rig's keys first, and those that the person knows."""
    return f"""-o 'UserKnownHostsFile="{{{{ inventory_dir }}}}/{file}" ~/.ssh/known_hosts'"""


def _pairs(values: Mapping[str, str], indent: int) -> list[str]:
    """Text in JSON's quotes, which are YAML's too."""
    return [f"{' ' * indent}{name}: {json.dumps(value)}" for name, value in values.items()]
