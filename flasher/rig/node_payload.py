"""What makes a base image one particular node: its payload, composed from the rig map."""

from __future__ import annotations

import secrets as randomness
from base64 import b64decode, b64encode
from dataclasses import dataclass, field, replace
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from autosetup.faults import Faulty
from autosetup.hpke import public_half
from autosetup.payload import NodeSettings, Packages, Secrets, User, pack
from autosetup.settings import Update
from autosetup.trust import brought
from flasher.errors import BadDocument, BadInput
from flasher.rig.networks import serves_of, time_of, wifi_of, wired_of
from flasher.rig.own_script import OwnScript
from flasher.rig.rigmap import Node, RigMap
from flasher.rig.role import Role
from flasher.rig.site_authority import authority_pem
from flasher.rig.tiers import is_central, keys_to, tier_key

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
        sealing_key, report_key: private, in base64, see `Secrets`; empty to leave a node its own.
    """

    generation: int
    card_id: str
    nonce: bytes
    planned_at: datetime
    host_key: str = field(repr=False)
    sealing_key: str = field(default="", repr=False)
    report_key: str = field(default="", repr=False)

    @classmethod
    def fresh(cls, now: datetime) -> CardIdentity:
        """A new identity for a card planned at `now` (UTC)."""
        return cls(
            int(now.timestamp()),
            randomness.token_hex(CARD_ID_BYTES),
            randomness.token_bytes(NONCE_BYTES),
            now,
            _new_host_key(),
            _text(X25519PrivateKey.generate().private_bytes_raw()),
            _text(Ed25519PrivateKey.generate().private_bytes_raw()),
        )

    @property
    def public_keys(self) -> tuple[str, str]:
        """The public halves of `sealing_key` and `report_key`, in base64; empty for none."""
        sealing, report = map(b64decode, (self.sealing_key, self.report_key))
        return (
            _text(public_half(sealing)) if sealing else "",
            _text(_signing_half(report)) if report else "",
        )


def _signing_half(private: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def _text(data: bytes) -> str:
    return b64encode(data).decode()


def _new_host_key() -> str:
    raw = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
    )
    return "".join(raw.decode().splitlines()[1:-1])


def compose(rig: RigMap, node: Node, identity: CardIdentity, image_digest: str) -> dict[str, bytes]:
    """Every file of the node's payload folder, by path relative to it; signed by the site.

    Raises:
        BadDocument: no node would accept it: a template may name what nobody knows.
        BadInput: ``untrusted``, it is about whom nodes trust, and the site has no key.
    """
    settings = _settings(rig, node)
    try:
        packed = _pack(rig, node, identity, image_digest, settings)
    except Faulty as faulty:
        raise BadDocument(f"payload of {node.name}", faulty.faults) from None
    if rig.secrets.signer:
        return rig.secrets.signer.seal(packed)
    if places := list(brought(settings)):
        what = f"The profile brings {places[0]}, which is about whom nodes trust"
        hint = f"Give the site a key to sign with: flasher site key {rig.site.name}"
        raise BadInput("untrusted", f"{what}: only a signed payload may.", hint)
    return packed


def _pack(
    rig: RigMap, node: Node, identity: CardIdentity, image_digest: str, settings: NodeSettings
) -> dict[str, bytes]:
    role = rig.role_of(node)
    return pack(
        settings,
        _secrets(rig, node, identity),
        role.contents | {script.source: script.content for script in own_scripts_of(rig, node)},
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
        users=(_user(rig, node),),
        country=site.country,
        domain=site.domain,
        wifi=wifi_of(rig, node),
        wired=wired_of(rig, node),
        time=time_of(rig, node),
        serves=serves_of(rig, node),
        keys_only=site.keys_only or bool(role.reached_from),
        boot=role.boot,
        variables=_variables(rig, node),
        locale=site.locale,
        packages=Packages(role.packages, site.mirror if _asks_archives(rig, role) else ""),
        files=role.files,
        services=role.services,
        scripts=(*role.scripts, *(script.on_card for script in own_scripts_of(rig, node))),
        health=role.health,
        update=_update(rig),
        software=role.software,
    )


def _asks_archives(rig: RigMap, role: Role) -> bool:
    return bool(role.packages) or rig.site.update.packages != "none"


def _update(rig: RigMap) -> Update:
    """The site's choice, with what its releases and servers are known by."""
    signer = rig.secrets.signer
    authority = authority_pem(signer) if signer else ""
    return replace(rig.site.update, site=rig.site.name, authority=authority)


def own_scripts_of(rig: RigMap, node: Node) -> tuple[OwnScript, ...]:
    """The scripts added on this computer that a node gets, in their order."""
    return tuple(script for script in rig.profile.own if script.is_for(node.role, node.name))


def _user(rig: RigMap, node: Node) -> User:
    user = rig.site.user
    groups = (*user.groups, *rig.role_of(node).groups)
    return replace(user, groups=groups, authorized_keys=keys_to(rig, node))


def _variables(rig: RigMap, node: Node) -> dict[str, str]:
    """The site's values and the role's own, which win."""
    own = rig.role_of(node).variables
    return rig.site.variables | {name: rig.fill(node, text) for name, text in own.items()}


def _secrets(rig: RigMap, node: Node, identity: CardIdentity) -> Secrets:
    hashed = rig.secrets.password_hash
    passphrases = {
        wifi.ssid: rig.secrets.wifi_passphrases[wifi.ssid]
        for wifi in wifi_of(rig, node)
        if wifi.security != "open"
    }
    return Secrets(
        identity.nonce,
        {rig.site.user.name: hashed} if hashed else {},
        passphrases,
        identity.host_key if rig.site.host_keys else "",
        {rig.site.user.name: tier_key(rig, node.role)} if is_central(rig, node.role) else {},
        identity.sealing_key,
        identity.report_key,
    )
