"""The rig as other programs know it: an inventory for Ansible, and SSH's known hosts.

Both come from the ledger, before any node has started; what nodes said since is put beside it.
Sources: Ansible, "How to build your inventory" (groups and hosts share one space of names, and a
group's name is a variable's); sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import groupby

from flasher.errors import BadInput
from flasher.rig.entry import Entry
from flasher.rig.present import present

# A node without a fixed address answers to its name in multicast DNS (RFC 6762).
_LOCAL = ".local"
# A variable of the inventory: what ssh is told so that it knows the rig's keys.
_KNOWN = "flasher_ssh_args"


@dataclass(frozen=True, slots=True)
class Reported:
    """What a node last said of itself, by card id. Empty, or 0, where nothing is known.

    Attributes:
        generation: that it had.
        address: from where it said so.
        at: when; UTC, ISO 8601.
    """

    generation: int = 0
    address: str = ""
    at: str = ""


_NOTHING = Reported()


def latest_cards(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The latest card of each node, by site, profile and node; entries oldest first."""
    cards = present(entries).values()
    return tuple(sorted(cards, key=lambda card: (card.site, card.profile, card.node)))


def reported_in(entries: Iterable[Entry]) -> dict[str, Reported]:
    """What nodes said, by card id, as far as the ledger has it: which generation works there."""
    alive = (line for line in entries if line.result == "alive")
    return {line.card_id: Reported(line.generation, at=line.written_at) for line in alive}


def host_of(card: Entry, said: Reported = _NOTHING) -> str:
    """Where a node is found: its fixed address, the one it last had, or its name in mDNS."""
    return card.address or _lasting(said.address) or f"{card.node}{_LOCAL}"


def known_hosts(cards: Iterable[Entry], reported: Mapping[str, Reported]) -> str:
    """The lines for ``known_hosts`` of all cards that brought a host key."""
    lines = (
        f"{','.join(_names(card, reported.get(card.card_id, _NOTHING)))} {card.host_key}"
        for card in cards
        if card.host_key
    )
    return "".join(f"{line}\n" for line in lines)


def inventory(
    cards: Iterable[Entry], reported: Mapping[str, Reported], known_hosts_file: str = ""
) -> str:
    """An inventory in YAML: each node in a group for its role, its site and its profile.

    Args:
        reported: what nodes said, by card id.
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
        own = _variables(card, reported) | _way(card, _central(card, hosts), known_hosts_file)
        lines += [f"    {json.dumps(node)}:", *_pairs(own, 6)]
    if known_hosts_file:
        lines += ["  vars:", *_pairs(_knowing(known_hosts_file), 4)]
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


def _names(card: Entry, said: Reported) -> list[str]:
    """Under which SSH may look for the key, and the address where one is known."""
    names = (card.node, f"{card.node}{_LOCAL}", host_of(card, said))
    return list(dict.fromkeys(names))


def _lasting(address: str) -> str:
    """An address that counts beyond the link and this computer (a relay's); empty for others."""
    if not address:
        return ""
    parsed = ip_address(address)
    return "" if parsed.is_link_local or parsed.is_loopback else address


def _group(kind: str, name: str) -> str:
    return f"{kind}_{re.sub(r'[^a-z0-9_]', '_', name.lower())}"


def _variables(card: Entry, reported: Mapping[str, Reported]) -> dict[str, str]:
    said = reported.get(card.card_id, _NOTHING)
    user = {"ansible_user": card.user} if card.user else {}
    return {
        "ansible_host": host_of(card, said),
        **user,
        "flasher_position": card.position,
        "flasher_generation_published": str(card.generation),
        "flasher_generation_reported": str(said.generation or ""),
        "flasher_address_reported": said.address,
        "flasher_reported_at": said.at,
        "flasher_card": card.card_id,
        "flasher_image": card.image_digest,
    }


def _knowing(file: str) -> dict[str, str]:
    """For every node: ssh looks for its key among the rig's first, then among the person's.

    Ansible fills in what stands in braces, and takes the text apart as a shell does.
    """
    beside = f"(inventory_dir ~ '/' ~ {json.dumps(file, ensure_ascii=False)}) | replace('%', '%%')"
    option = f"""'UserKnownHostsFile="' ~ {beside} ~ '" ~/.ssh/known_hosts'"""
    known = f"-o {{{{ ({option}) | quote }}}}"
    return {_KNOWN: known, "ansible_ssh_common_args": f"{{{{ {_KNOWN} }}}}"}


def _central(card: Entry, hosts: Mapping[str, Entry]) -> Entry | None:
    """The card of the node through which people come to another; None where that is not told."""
    found = hosts.get(card.reached_from)
    same_rig = found and (found.site, found.profile) == (card.site, card.profile)
    return found if same_rig else None


def _way(card: Entry, central: Entry | None, known_hosts_file: str) -> dict[str, str]:
    """How ssh finds a node's key, whatever its address; and first goes to the one that leads there.

    `ProxyJump` would look for that one's key among those that the person knows, and nowhere else.
    """
    alias = _alias(card, known_hosts_file)
    if not (alias or central):
        return {}
    known = f"{_KNOWN} | default('')"
    args = f"{{{{ {known} }}}}{alias}"
    if central:
        user = f"{central.user}@" if central.user else ""
        on = f"{_alias(central, known_hosts_file)} -W [%h]:%p {user}"
        there = f"hostvars[{json.dumps(central.node)}].ansible_host"
        command = f"'ProxyCommand=ssh ' ~ {known} | replace('%', '%%') ~ '{on}' ~ {there}"
        args += f" -o {{{{ ({command}) | quote }}}}"
    return {"ansible_ssh_common_args": args}


def _alias(card: Entry, known_hosts_file: str) -> str:
    """For ssh: under which name that file has the node's key; empty where it has none."""
    return f" -o HostKeyAlias={card.node}" if known_hosts_file and card.host_key else ""


def _pairs(values: Mapping[str, str], indent: int) -> list[str]:
    """Text in JSON's quotes, which are YAML's too."""
    return [f"{' ' * indent}{name}: {json.dumps(value)}" for name, value in values.items()]
