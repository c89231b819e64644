"""Cards of nodes to practise with: of one that was set aside, and of one that failed in the rig."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from autosetup.codes import CODES
from autosetup.payload import FOLDER, STATUS
from autosetup.status import Status
from flasher.image.blocks import SECTOR
from flasher.image.fat_edit import WritableFatVolume
from flasher.image.mbr import FAT32_LBA, Partition
from flasher.practice.kinds import FAILED, OWN, Kind
from flasher.practice.volumes import format_fat32, open_new
from flasher.recording import NO_NODE
from flasher.rig.entry import Entry
from flasher.rig.ledger import Ledger
from flasher.rig.node_payload import CardIdentity, compose
from flasher.rig.passwords import hash_password
from flasher.rig.rigmap import Node, RigMap

_MIB = 1 << 20
_BOOT = Partition(1, FAT32_LBA, 4 * _MIB // SECTOR, 64 * _MIB // SECTOR)
_NO_IMAGE = "0" * 64
_AGE = timedelta(days=3)
_CODE = "script-failed"
_PASSPHRASE = "only for practice"  # noqa: S105  (for everybody to see)


def filler(
    kind: Kind, rig: RigMap | None, ledger: Ledger | None
) -> Callable[[Path, int], None] | None:
    """What puts onto a card what its node has; None for kinds that are no node's.

    Args:
        kind: of card.
        rig: whose node it is; without one it stays blank.
        ledger: told that the old card of ours is needed no more.
    """
    if rig is None or kind not in (OWN, FAILED):
        return None
    node = rig.nodes[len(rig.nodes) // 2]
    if kind == OWN:  # of a rig that is no more
        node = rig.nodes[-1]._replace(name=f"old-{rig.nodes[-1].name}")

    def fill(path: Path, size: int) -> None:
        card_id = make_node_card(path, size, rig, node, failed=kind == FAILED)
        if kind == OWN and ledger:
            ledger.record(_set_aside(node, card_id))

    return fill


def make_node_card(path: Path, size: int, rig: RigMap, node: Node, *, failed: bool) -> str:
    """A card of a node, as far as it can be read without starting it: its boot partition.

    Args:
        path: of the card; what it held is gone.
        size: bytes.
        failed: whether its node says that a script went wrong; else it has not started yet.

    Returns:
        the card's id.
    """
    planned_at = datetime.now(UTC).replace(microsecond=0) - _AGE
    identity = CardIdentity.fresh(planned_at)
    payload = compose(_without_secrets(rig), node, identity, _NO_IMAGE)
    if failed:
        payload[STATUS] = _failed(node, identity).to_json()
    with open_new(path, size, (_BOOT,)) as blocks:
        format_fat32(blocks, _BOOT, "BOOTFS")
        volume = WritableFatVolume(blocks, _BOOT.offset)
        for name, data in sorted(payload.items()):
            volume.write(f"{FOLDER}/{name}", data, modified=planned_at)
    return identity.card_id


def _set_aside(node: Node, card_id: str) -> Entry:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    line = replace(NO_NODE, written_at=now, node=node.name, card_id=card_id)
    return replace(line, result="failed", reason="It was set aside.")


def _without_secrets(rig: RigMap) -> RigMap:
    """Nobody typed the passphrase of a locked site in order to have it in the practice box."""
    secrets = rig.secrets
    played = dict.fromkeys(secrets.wifi_passphrases, _PASSPHRASE)
    hashed = hash_password(_PASSPHRASE) if secrets.password_hash else None
    return replace(rig, secrets=replace(secrets, wifi_passphrases=played, password_hash=hashed))


def _failed(node: Node, identity: CardIdentity) -> Status:
    return Status(
        state="failed",
        node=node.name,
        generation=identity.generation,
        card_id=identity.card_id,
        attempt=1,
        step="scripts",
        step_number=8,
        step_count=9,
        code=_CODE,
        reason="10-camera ended with 1: no camera was found.",
        hint=CODES[_CODE].remedy,
        pi_serial="10000000c7a5d1e0",
        pi_model="Raspberry Pi 4 Model B Rev 1.4",
        started_at=_utc(identity.planned_at + timedelta(hours=2)),
        finished_at=_utc(identity.planned_at + timedelta(hours=2, minutes=1)),
    )


def _utc(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
