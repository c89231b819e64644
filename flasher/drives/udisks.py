"""Drives without the rights of root: through udisks2, and whomever polkit lets in.

Interfaces, options and names of errors after udisks2's own reference, version 2.9.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flasher.drives.agent import text_agent
from flasher.drives.bus import Ask, BusError, conversation
from flasher.errors import Cancelled, EnvironmentLacks, FlasherError

if TYPE_CHECKING:
    from dbus_fast import Message

_SERVICE = "org.freedesktop.UDisks2"
_MANAGER = "/org/freedesktop/UDisks2/Manager"
# udisks2 hands on the kernel's words, in C's own language; these are what a drive can meet.
_FAULTS = (errno.EBUSY, errno.EROFS, errno.ENOMEDIUM, errno.ENXIO, errno.ENODEV, errno.ENOENT)
_DOING = {"OpenDevice": "open", "Unmount": "unmount", "Eject": "eject"}
# A person is asked for one password after the other, however many drives are opened at once.
_one_question = threading.Lock()


def open_device(path: Path, *, writable: bool, ask: bool = True) -> int:
    """A descriptor of a block device, exclusive where it is writable; the caller's to close.

    Args:
        path: the device node.
        writable: else for reading only.
        ask: let polkit ask for a password where it wants one.

    Raises:
        OSError: as the kernel says.
        EnvironmentLacks: ``no-permission``; there is no udisks2, or it does not let you.
        Cancelled: the password was not given.
    """
    mode, flags = ("rw", os.O_EXCL | os.O_CLOEXEC) if writable else ("r", os.O_CLOEXEC)
    reply = _call(path, "Block", "OpenDevice", mode, ask=ask, flags=("i", flags))
    descriptor: int = reply.unix_fds[reply.body[0]]
    fcntl.fcntl(descriptor, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    return descriptor


def unmount_device(path: Path, *, ask: bool = True) -> None:
    """Unmount the file system of a partition or drive from one of its places, without force.

    Raises:
        OSError: ``EBUSY``, a program uses it.
        EnvironmentLacks: ``no-permission``, as for `open_device`.
        Cancelled: the password was not given.
    """
    _call(path, "Filesystem", "Unmount", ask=ask)


def eject_device(path: Path, *, ask: bool = True) -> None:
    """Have a reader let go of its card, of which nothing may be mounted.

    Raises:
        OSError: ``EBUSY``, a program uses it; ``ENOTTY``, the reader cannot.
        EnvironmentLacks: ``no-permission``, as for `open_device`.
        Cancelled: the password was not given.
    """
    _call(path, "Drive", "Eject", ask=ask)


def _call(
    path: Path, interface: str, member: str, *values: str, ask: bool, **options: tuple[str, object]
) -> Message:
    """Call a method of a device, of its file system, or of the reader that it is in."""
    told = {**options, "auth.no_user_interaction": ("b", not ask)}
    try:
        with ExitStack() as stack:
            if ask:
                stack.enter_context(_one_question)
                stack.enter_context(text_agent())
            return asyncio.run(_request(path, interface, member, values, told))
    except BusError as error:
        raise _explain(path, _DOING[member], error) from error


async def _request(
    path: Path,
    interface: str,
    member: str,
    values: tuple[str, ...],
    options: dict[str, tuple[str, object]],
) -> Message:
    from dbus_fast import Variant

    async with conversation(_SERVICE) as ask:
        place = await _block(ask, path)
        if interface == "Drive":
            place = await _ejectable_drive(ask, place)
        given = {name: Variant(*option) for name, option in options.items()}
        signature = "s" * len(values) + "a{sv}"
        return await ask(place, f"{_SERVICE}.{interface}", member, signature, *values, given)


async def _block(ask: Ask, path: Path) -> str:
    """What udisks2 calls a device."""
    from dbus_fast import Variant

    wanted: dict[str, Any] = {"path": Variant("s", str(path))}
    manager = f"{_SERVICE}.Manager"
    reply = await ask(_MANAGER, manager, "ResolveDevice", "a{sv}a{sv}", wanted, {})
    if not reply.body[0]:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
    return str(reply.body[0][0])


async def _ejectable_drive(ask: Ask, block: str) -> str:
    """What udisks2 calls the reader that a device is in; loop devices are in none."""
    drive = str(await _property(ask, block, "Block", "Drive"))
    if drive == "/" or not await _property(ask, drive, "Drive", "Ejectable"):
        raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
    return drive


async def _property(ask: Ask, place: str, interface: str, name: str) -> object:
    properties = "org.freedesktop.DBus.Properties"
    reply = await ask(place, properties, "Get", "ss", f"{_SERVICE}.{interface}", name)
    return reply.body[0].value


def _explain(path: Path, doing: str, error: BusError) -> Exception:
    """The error that a person gets, or the kernel's own, for one from udisks2 or its bus."""
    if error.name.endswith(".NotAuthorizedDismissed"):
        return Cancelled(f"The password for {path}")
    if ".Error.NotAuthorized" in error.name:
        return _not_allowed(path, doing, "polkit does not let you through udisks2 either")
    if error.name.endswith(".DBus.Error.ServiceUnknown"):
        return _not_allowed(path, doing, "udisks2, which could do it for you, is not installed")
    if ".DBus.Error." in error.name and ".Unknown" not in error.name:
        return _not_allowed(path, doing, "udisks2, which could do it for you, does not answer")
    if error.name.endswith(".DeviceBusy"):
        return OSError(errno.EBUSY, error.text)
    for number in _FAULTS:
        if os.strerror(number) in error.text:
            return OSError(number, error.text)
    return FlasherError(
        "udisks-failed",
        f"udisks2 could not {doing} {path}: {error.text}.",
        "Try again; if it comes back, run the command with sudo.",
    )


def _not_allowed(path: Path, doing: str, why: str) -> EnvironmentLacks:
    return EnvironmentLacks(
        "no-permission",
        f"You may not {doing} {path}, and {why}.",
        "Run the command with sudo, or install udisks2 and the rule for polkit (docs/cards.md).",
    )
