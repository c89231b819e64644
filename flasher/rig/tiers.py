"""The tiers of a rig: people come to the central node by SSH, and only from there to the others.

The key with which a central node opens the others is computed from the site's own key, so each card
can be made before the other, on any computer that has the site, and nothing is kept twice.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from autosetup.host_key import key_body, public_line
from flasher import paths
from flasher.errors import BadInput
from flasher.rig.rigmap import Node, RigMap

_SEED_BYTES = 32


def keys_to(rig: RigMap, node: Node) -> tuple[str, ...]:
    """The lines of ``authorized_keys`` for a node's user; raises as `tier_key` does.

    A node that is reached from others is opened by their key; and where their addresses are fixed,
    by people's own keys, for those who come through them (``ssh -J``).
    """
    central, people = rig.role_of(node).reached_from, rig.site.user.authorized_keys
    if not central:
        return people
    addresses = [address for own in _entrances(rig, central).values() for address in own]
    jumping = f'from="{",".join(addresses)}" '
    return (opened_by(rig, central), *(jumping + key for key in people if addresses))


def entrance(rig: RigMap, role: str) -> str:
    """The node through which people's own keys open those of a role; empty where none is."""
    central = next((each.reached_from for each in rig.profile.roles if each.name == role), "")
    return next(iter(_entrances(rig, central)), "")


def _entrances(rig: RigMap, role: str) -> dict[str, list[str]]:
    """The fixed addresses of the nodes of a role, by their names; without those that have none."""
    wired = {node.name: rig.wired_of(node) for node in rig.nodes if node.role == role}
    return {
        name: [text.partition("/")[0] for text in found.addresses]
        for name, found in wired.items()
        if found and found.addresses
    }


def is_central(rig: RigMap, role: str) -> bool:
    """Whether other nodes are reached from those of a role."""
    return any(other.reached_from == role for other in rig.profile.roles)


def tier_key(rig: RigMap, role: str) -> str:
    """The SSH key of a role's nodes, see `autosetup.host_key`; the same whenever it is asked for.

    Raises:
        BadInput: ``no-site-key``, the site has none from which it could be computed.
    """
    seed = _expand(_site_key(rig), f"ssh key of {rig.profile.name}/{role}")
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return key_body(seed, public)


def opened_by(rig: RigMap, role: str) -> str:
    """The public half of it, as a line of ``authorized_keys``; raises as `tier_key` does."""
    return f"{public_line(tier_key(rig, role))} {role} of {rig.site.name}"


def _site_key(rig: RigMap) -> bytes:
    site, signer = rig.site, rig.secrets.signer
    if signer:
        return signer.key.private_bytes_raw()
    if site.path.is_relative_to(paths.assets()):  # what ships is public, and so are its keys
        return site.digest.encode()
    raise BadInput(
        "no-site-key",
        f"The site {site.name} has no key, from which its central nodes' keys come.",
        f"Make it once, and keep it: flasher site key {site.name}",
    )


def _expand(secret: bytes, purpose: str) -> bytes:
    """A secret of its own for each purpose, which tells nothing of the one that it comes from."""
    return HKDF(SHA256(), _SEED_BYTES, salt=None, info=purpose.encode()).derive(secret)
