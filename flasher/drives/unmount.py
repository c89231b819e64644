"""Politely unmounting all that is mounted from a drive; never by force, never lazily."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from flasher.drives.faults import card_faults
from flasher.drives.holders import Holder, holders_of, mounted_by_others, writer_of
from flasher.drives.model import Drive
from flasher.drives.tables import Mount, is_below, mounts, plain
from flasher.drives.usage import devices_of, use_of
from flasher.errors import FlasherError, Refused
from flasher.process import ProgramFailed, run

_HINT = "Close it, or let it finish, and try again."
_PATIENCE_SECONDS = 2.0  # desktops look into a card that was just put in
_LOOK_EVERY_SECONDS = 0.1
_ROUNDS = 8  # the same may be mounted several times at one place


def unmount_drive(drive: Drive, patience: float = _PATIENCE_SECONDS) -> tuple[str, ...]:
    """Unmount all that is mounted from a drive and its partitions.

    Where a program holds any of it, nothing is unmounted.

    Args:
        drive: as it was found.
        patience: for how many seconds programs are waited for.

    Returns:
        Where something was mounted, in the order in which it was unmounted.

    Raises:
        Refused: ``drive-refused``, a system path, swap or a device of another kind stands on it;
            ``drive-busy``, a program holds it: the message names it.
        FlasherError: you may not unmount it, or what is written to it cannot be finished.
    """
    if drive.kind == "file":
        return ()
    done: list[str] = []
    for _ in range(_ROUNDS):
        mounted = _mounted(drive)
        if not mounted:
            _wait_until_free(partial(_held_elsewhere, drive), patience)
            return tuple(done)
        _wait_until_free(partial(_held, drive, mounted), patience)
        for mount in reversed(mounted):
            _unmount(drive, mount)
            done.append(mount.place)
    what = f"{drive.path} is mounted again each time it is unmounted, at {plain(done[-1])}."
    raise Refused("drive-busy", what, "Stop what mounts it, and try again.")


def _mounted(drive: Drive) -> tuple[Mount, ...]:
    use = use_of(drive.path.name)
    if use.refusal:
        what = f"{drive.path} is never written: {use.refusal}."
        raise Refused("drive-refused", what, "`flasher drives` tells which drives may be written.")
    return use.mounts


def _wait_until_free(look: Callable[[], Refused | None], seconds: float) -> None:
    until = time.monotonic() + seconds
    while found := look():
        if time.monotonic() >= until:
            raise found
        time.sleep(_LOOK_EVERY_SECONDS)


def _held(drive: Drive, mounted: tuple[Mount, ...]) -> Refused | None:
    places = [mount.place for mount in mounted]
    for holder in holders_of(places):
        return busy(drive, holder)
    for mount in mounts():
        if mount not in mounted and any(is_below(mount.place, place) for place in places):
            what = (
                f"{drive.path} is in use: something else is mounted in it, at {plain(mount.place)}."
            )
            return Refused("drive-busy", what, "Unmount that, and try again.")
    return None


def _unmount(drive: Drive, mount: Mount) -> None:
    try:
        run(["umount", mount.place])
    except ProgramFailed as failure:
        holders = holders_of([mount.place])
        if holders:
            raise busy(drive, holders[0]) from failure
        if os.geteuid() != 0:
            _unmount_through_udisks(drive, mount)
            return
        said = failure.finished.errors.strip() or f"umount ended with {failure.finished.status}"
        what = f"{drive.path} cannot be unmounted from {plain(mount.place)}: {said}."
        hint = f"Unmount it yourself, and try again: umount {plain(mount.place)}"
        raise FlasherError("cannot-unmount", what, hint) from failure


def _unmount_through_udisks(drive: Drive, mount: Mount) -> None:
    from flasher.drives.udisks import unmount_device

    name = Path("/sys/dev/block", mount.device).resolve().name
    with card_faults(drive.path, "unmounting it"):
        unmount_device(Path("/dev", name))


def _held_elsewhere(drive: Drive) -> Refused | None:
    holder = mounted_by_others(devices_of(drive.path.name))
    if holder is None:
        return None
    what = (
        f"{drive.path} is in use: {holder.name} (process {holder.pid}) has it mounted at "
        f"{holder.path}, in a name space of its own."
    )
    return Refused("drive-busy", what, _HINT)


def require_no_writer(drive: Drive, patience: float = _PATIENCE_SECONDS) -> None:
    """Make sure that no other program has a drive, or a partition of it, open for writing.

    To hold it exclusively is no hindrance for those. Root sees all programs, users their own.

    Raises:
        Refused: ``drive-busy``, after so many seconds: the message names the program.
    """
    if drive.kind != "file":
        _wait_until_free(partial(_written, drive), patience)


def _written(drive: Drive) -> Refused | None:
    holder = writer_of(devices_of(drive.path.name))
    if holder is None:
        return None
    return Refused("drive-busy", f"{drive.path} is in use: {holder} for writing.", _HINT)


def busy(drive: Drive, holder: Holder) -> Refused:
    """The error for a drive that a program holds."""
    return Refused("drive-busy", f"{drive.path} is in use: {holder}.", _HINT)
