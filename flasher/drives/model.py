"""What is known of a drive, and the one rule about writing to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from flasher.errors import Refused

DriveKind = Literal["usb", "mmc", "nvme", "ata", "loop", "file", "other"]


@dataclass(frozen=True, slots=True)
class Drive:
    """A block device in a reader, or a file that stands for one (a virtual card).

    Attributes:
        path: device node or file, links resolved.
        size: bytes.
        kind: how it is connected.
        vendor, model, serial: as the reader says them; empty where it does not.
        removable: what the kernel says; built-in readers say no.
        read_only: locked, or not to be written for another reason.
        holds: one phrase: ``empty``, ``cam-0103, done``, ``2 partitions: bootfs, rootfs``.
        refusal: why it may never be written; None where it may.
        identity: changes when another card takes the drive's place; compared when it is opened.
        mounted: where something of it is mounted; it is unmounted before it is written.
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
    """
    if drive.refusal is not None:
        raise Refused(
            "drive-refused",
            f"{drive.path} is never written: {drive.refusal}.",
            "Choose a card in a card reader; `flasher drives` lists them.",
        )
    return drive
