"""Whether the nodes of an image take a payload: whom they trust stands on its root file system."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from autosetup.faults import Faulty
from autosetup.site_key import SiteKey, read_keys
from autosetup.trust import (
    POLICY,
    TRUSTED,
    UPDATE_ROOT,
    Trusted,
    judge,
    look,
    read_policy,
    untrusted,
)
from flasher.card.record import open_volume
from flasher.errors import BadInput, FlasherError
from flasher.image.blocks import SECTOR, Blocks
from flasher.image.ext4 import Ext4Volume
from flasher.image.mbr import LINUX, Mbr


def check_trust(image: Blocks, payload: Mapping[str, bytes]) -> None:
    """Refuse a payload that every new node of an image would refuse.

    Args:
        image: the base image, or a card.
        payload: the files of the folder `autosetup/`, by path in it.

    Raises:
        BadInput: ``untrusted``. What cannot be read here refuses nothing: the node will tell.
    """
    for volume in _volumes(image):
        try:
            trusted = Trusted(tuple(_keys(volume)), baked=True)
            raw = _content(volume, POLICY)
            policy = read_policy(POLICY, raw) if raw else "refuse"
        except (FlasherError, Faulty):
            continue
        if not trusted.keys or policy == "allow":
            continue
        signature = look(payload, trusted.keys)
        if judge(signature, trusted, "refuse", edited=False) is None:
            why = untrusted(signature, trusted).reason
            hint = "Take the site whose key that is, or build the image again with --trust for it."
            raise BadInput("untrusted", f"The nodes of this image would refuse it. {why}", hint)


def update_root(image: Blocks) -> bytes | None:
    """The root of the repository whose releases the nodes of an image take.

    Args:
        image: the base image, or a card.

    Returns:
        the file that was baked in; empty where none was, and the nodes take no release; None where
        that cannot be read here.
    """
    found = None
    for volume in _volumes(image):
        with suppress(FlasherError):
            found = found or _content(volume, UPDATE_ROOT)
    return found


def _volumes(image: Blocks) -> Iterator[Ext4Volume]:
    for partition in Mbr.from_bytes(image.read(0, SECTOR)).partitions:
        if partition.type == LINUX:
            with suppress(FlasherError):
                yield open_volume(image, partition.offset)


def _keys(volume: Ext4Volume) -> Iterator[SiteKey]:
    folder = volume.find(TRUSTED.strip("/"))
    for name, number in volume.names(folder) if folder else ():
        if name.endswith(b".pub"):
            yield from read_keys(TRUSTED, volume.content(volume.inode(number)))


def _content(volume: Ext4Volume, path: str) -> bytes:
    inode = volume.find(path.strip("/"))
    return volume.content(inode) if inode else b""
