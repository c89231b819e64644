"""What is known of a drive, and the rules about writing to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

from flasher.errors import BadInput, Refused

DriveKind = Literal["usb", "mmc", "nvme", "ata", "loop", "file", "other"]

# A card for a node is sold with up to 256 GB (256 × 10⁹ bytes, some makers give a little more).
# Disks begin at about that size, and some enclosures call themselves removable media.
CARD_LIMIT = 260 * 10**9
# What a drive holds that is neither blank nor divided, such as a card that was half written.
NO_TABLE = "no partition table"
# What a card of ours holds that was half written, before its node's name.
HALF_MADE = "half made: "


@dataclass(frozen=True, slots=True)
class DrivePartition:
    """A partition of a drive, as the kernel or its table tells.

    Attributes:
        number: from 1 on.
        offset, size: bytes.
        holds: the kind of its contents, such as ``FAT32``; its type where that cannot be told.
        label: of its file system; empty where it has none.
    """

    number: int
    offset: int
    size: int
    holds: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Drive:
    """A block device in a reader, or a file that stands for one (a virtual card).

    Attributes:
        path: device node or file, links resolved.
        size: bytes.
        kind: how it is connected.
        vendor, model: as the reader says them; empty where it does not.
        serial: of the reader or stick; of the card itself in a slot without USB; may be empty.
        removable: what the kernel says; built-in readers say no.
        read_only: locked, or not to be written for another reason.
        holds: one phrase: ``empty``, ``cam-0103, done``, ``2 partitions: bootfs, rootfs``.
        refusal: why it may never be written; None where it may.
        identity: changes when another card takes the drive's place; compared when it is opened.
        mounted: where something of it is mounted; it is unmounted before it is written.
        caution: why its serial must be typed before it is written; None where that is not asked.
        named: whether a person did type it.
        port: where it is plugged in, such as ``usb 1-2.3:lun0``; the same after each start.
        partitions: by number.
        node: whose card it is; empty where it is none of ours.
        blank: whether samples all over it hold nothing but zeros, or nothing but ones.
        card_id: what an SD card says of itself (its CID, 32 hex digits); readers on USB hide it.
    """

    path: Path
    size: int
    kind: DriveKind
    vendor: str = ""
    model: str = ""
    serial: str = ""
    removable: bool = False
    read_only: bool = False
    holds: str = ""
    refusal: str | None = None
    identity: str = ""
    mounted: tuple[str, ...] = ()
    caution: str | None = None
    named: bool = False
    port: str = ""
    partitions: tuple[DrivePartition, ...] = ()
    node: str = ""
    blank: bool = False
    card_id: str = ""

    @property
    def holds_nothing(self) -> bool:
        """Whether nothing could be lost on it: it is a blank virtual card."""
        return self.kind == "file" and self.holds == "empty"

    @property
    def is_half_made(self) -> bool:
        """Whether making it a node's card was begun and never ended."""
        return self.holds.startswith(HALF_MADE)

    @property
    def obstacle(self) -> str | None:
        """Why it may not be written as things are; None where it may."""
        return self.refusal or (None if self.named else self.caution)


class DriveCatalog(Protocol):
    """Where drives are looked up."""

    def drives(self) -> tuple[Drive, ...]:
        """All drives there are now, those that may not be written included."""
        ...

    def find(self, argument: str) -> Drive:
        """The drive that a person named. Raises BadInput where there is none."""
        ...


def guard(drive: Drive) -> Drive:
    """The drive itself, if it may be written.

    Raises:
        Refused: it may not; nothing overrides that.
        BadInput: ``serial-needed``, its serial was not typed.
    """
    if drive.refusal is not None:
        raise Refused(
            "drive-refused",
            f"{drive.path} is never written: {drive.refusal}.",
            "Choose a card in a card reader; `flasher drives` lists them.",
        )
    if drive.obstacle is not None:
        raise BadInput(
            "serial-needed",
            f"{drive.path} is written only when its serial is typed: {drive.obstacle}.",
            "Make sure that it is the right one, and add --serial as `flasher drives` shows it.",
        )
    return drive


def named(drive: Drive, serials: tuple[str, ...]) -> Drive:
    """The drive, marked as named by a person where one of the serials typed is its own."""
    return replace(drive, named=bool(drive.serial) and drive.serial in serials)


def may_start_by_itself(drive: Drive, *, is_ours: bool = False) -> bool:
    """Whether a card may be written without a person who says yes to it.

    Only what is blank all over, or ours to be made anew; of a card's size; and in a card reader, or
    a file that plays a card. What looks blank on a larger drive may be a disk whose encryption
    hides even that.

    Args:
        is_ours: whether it is known to be a card of ours that no node needs.
    """
    in_reader = drive.kind in ("mmc", "file") or (drive.kind == "usb" and drive.removable)
    in_peace = drive.obstacle is None and drive.caution is None and not drive.mounted
    is_free = not drive.read_only and (drive.blank or is_ours)
    return in_reader and in_peace and is_free and 0 < drive.size <= CARD_LIMIT
