"""What makes a base image one particular node: its payload, composed from the rig map."""

from __future__ import annotations

import secrets as randomness
from dataclasses import dataclass, field, replace
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from autosetup.faults import Faulty
from autosetup.payload import NodeSettings, Secrets, Wired, pack
from flasher.errors import BadDocument
from flasher.rig.profile import fill
from flasher.rig.rigmap import Node, RigMap

NONCE_BYTES = 32
CARD_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class CardIdentity:
    """What tells this card from every other one ever written.

    Attributes:
        generation: the UTC second in which it was planned.
        card_id: 32 hex digits, random.
        nonce: 32 random bytes, so that the digest of the secrets tells nothing about them.
        host_key: an SSH host key, see `autosetup.host_key`; used if the site wants.
        planned_at: UTC.
    """

    generation: int
    card_id: str
    nonce: bytes
    planned_at: datetime
    host_key: str = field(repr=False)

    @classmethod
    def fresh(cls, now: datetime) -> CardIdentity:
        """A new identity for a card planned at `now` (UTC)."""
        return cls(
            int(now.timestamp()),
            randomness.token_hex(CARD_ID_BYTES),
            randomness.token_bytes(NONCE_BYTES),
            now,
            _new_host_key(),
        )


def _new_host_key() -> str:
    raw = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
    )
    return "".join(raw.decode().splitlines()[1:-1])


def compose(rig: RigMap, node: Node, identity: CardIdentity, image_digest: str) -> dict[str, bytes]:
    """Every file of the node's payload folder, by path relative to it; signed by the site.

    Raises:
        BadDocument: no node would accept it: a template may name what nobody knows.
    """
    try:
        packed = _pack(rig, node, identity, image_digest)
    except Faulty as faulty:
        raise BadDocument(f"payload of {node.name}", faulty.faults) from None
    return rig.secrets.signer.seal(packed) if rig.secrets.signer else packed


def _pack(rig: RigMap, node: Node, identity: CardIdentity, image_digest: str) -> dict[str, bytes]:
    role = rig.role_of(node)
    return pack(
        _settings(rig, node),
        _secrets(rig, identity),
        role.contents,
        generation=identity.generation,
        card_id=identity.card_id,
        profile_digest=rig.profile.digest,
        site_digest=rig.site.digest,
        flashed_at=identity.planned_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        image_digest=image_digest,
    )


def _settings(rig: RigMap, node: Node) -> NodeSettings:
    role, site = rig.role_of(node), rig.site
    return NodeSettings(
        name=node.name,
        role=node.role,
        position=node.position,
        users=(replace(site.user, groups=(*site.user.groups, *role.groups)),),
        country=site.country,
        domain=site.domain,
        wifi=site.wifi,
        wired=_wired(rig, node),
        time=replace(role.time, ntp=(*role.time.ntp, *site.ntp)),
        boot=role.boot,
        variables=_variables(rig, node),
        locale=site.locale,
        files=role.files,
        services=role.services,
        scripts=role.scripts,
    )


def _variables(rig: RigMap, node: Node) -> dict[str, str]:
    """The site's values and the role's own, which win."""
    own = rig.role_of(node).variables
    return rig.site.variables | {name: _filled(rig, node, text) for name, text in own.items()}


def _wired(rig: RigMap, node: Node) -> Wired | None:
    wired = rig.role_of(node).wired
    if wired is None:
        return None
    return replace(wired, addresses=tuple(_filled(rig, node, text) for text in wired.addresses))


def _filled(rig: RigMap, node: Node, template: str) -> str:
    number = rig.nodes_of(node.role).index(node) + 1
    return fill(template, node.column, node.row, number)


def _secrets(rig: RigMap, identity: CardIdentity) -> Secrets:
    hashed = rig.secrets.password_hash
    passphrases = {
        wifi.ssid: rig.secrets.wifi_passphrases[wifi.ssid]
        for wifi in rig.site.wifi
        if wifi.security != "open"
    }
    return Secrets(
        identity.nonce,
        {rig.site.user.name: hashed} if hashed else {},
        passphrases,
        identity.host_key if rig.site.host_keys else "",
    )
