"""The protect list: drives and readers that a person has told never to write to.

``protect.toml`` in the data folder; what is on it is refused whatever else is said.

    format = 1

    [[drive]]
    serial = "4C530001230719115131"
    what = "SanDisk Cruzer Blade"

    [[drive]]
    port = "usb 1-4.2"              # with all its slots; "usb 1-4.2:lun0" for one of them
    what = "the reader on the left"
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autosetup.faults import Faulty
from autosetup.strict import reading
from autosetup.toml_writer import dumps
from flasher import paths
from flasher.drives.model import Drive
from flasher.errors import BadDocument, BadInput
from flasher.files import write_atomic

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Protection:
    """One drive or reader: by its serial, or by the port that it is plugged into; never by both.

    Attributes:
        what: a name for people; it may be empty.
    """

    serial: str = ""
    port: str = ""
    what: str = ""

    def __str__(self) -> str:
        return f"serial {self.serial}" if self.serial else f"port {self.port}"

    def covers(self, serial: str, port: str) -> bool:
        """Whether a drive of that serial at that port is meant."""
        if self.serial:
            return serial == self.serial
        return port == self.port or port.startswith(f"{self.port}:")


def protect_file() -> Path:
    """Where the list is kept."""
    return paths.data() / "protect.toml"


def read_protected() -> tuple[Protection, ...]:
    """The whole list; empty where there is none.

    Raises:
        BadDocument: it cannot be read as one; then no drive may be written.
    """
    path = protect_file()
    try:
        raw = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return ()
    try:
        with reading(str(path), raw) as top:
            top.integer("format", low=FORMAT, high=FORMAT)
            found = []
            for table in top.tables("drive"):
                serial, port = (table.string(key, default="") for key in ("serial", "port"))
                if bool(serial) is bool(port):
                    table.fault("serial", "A drive is named by serial or by port.", "Give one.")
                found.append(Protection(serial, port, table.string("what", default="")))
    except Faulty as faulty:
        raise BadDocument("protect list", faulty.faults) from None
    return tuple(found)


def why_protected(serial: str, port: str, listed: Iterable[Protection]) -> str | None:
    """By what the list names a drive; None where it does not."""
    return next((str(one) for one in listed if one.covers(serial, port)), None)


def protect(drive: Drive, *, by_port: bool = False) -> Protection:
    """Put a drive on the list: by its serial, or by its port where it has none or that is asked.

    Raises:
        BadInput: there is nothing to know it by.
    """
    serial = "" if by_port else drive.serial
    port = "" if serial else drive.port
    if not (serial or port):
        what = f"{drive.path} has neither serial nor port by which to know it again."
        raise BadInput("cannot-protect", what, "A virtual card is protected by its file's rights.")
    made = Protection(serial, port, " ".join(filter(None, (drive.vendor, drive.model))))
    listed = read_protected()
    if str(made) not in map(str, listed):
        _write((*listed, made))
    return made


def unprotect(serial: str, port: str) -> tuple[Protection, ...]:
    """Take off the list whatever names a drive of that serial, or at that port; return it.

    Raises:
        BadInput: nothing does.
    """
    listed = read_protected()
    taken = tuple(one for one in listed if one.covers(serial, port))
    if not taken:
        there = ", ".join(map(str, listed))
        hint = f"Name what is on the list: {there}." if there else "There is nothing on the list."
        raise BadInput("not-protected", "No such drive is protected.", hint)
    _write(one for one in listed if one not in taken)
    return taken


def _write(listed: Iterable[Protection]) -> None:
    tables = [
        {key: value for key, value in values if value}
        for one in listed
        for values in [(("serial", one.serial), ("port", one.port), ("what", one.what))]
    ]
    path = protect_file()
    paths.make_folder(path.parent)
    write_atomic(path, dumps({"format": FORMAT, "drive": tables} if tables else {"format": FORMAT}))
    paths.hand_over(path)
