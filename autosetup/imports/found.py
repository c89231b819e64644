"""Files of other systems on the boot partition: found, offered as a payload, erased after use.

They count where the card has no payload, and never while a run is under way. Their payload has the
generation behind the newest that the node knows, so every payload of a rig is newer than theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from autosetup import board, forms
from autosetup.card import BOOT_FOLDERS
from autosetup.decide import is_unfinished
from autosetup.errors import AgentError
from autosetup.faults import Fault, Faulty
from autosetup.imports.names import NAMES, SSH
from autosetup.imports.taken import read_taken, write_taken
from autosetup.payload import FOLDER, Payload, unpack
from autosetup.record import Record
from autosetup.run import Tools
from autosetup.scrub import overwrite, wipe_free
from autosetup.sealing import card_to_write
from autosetup.system import System, sync_folder

if TYPE_CHECKING:
    from autosetup.imports.convert import Here

_LARGEST = 2 << 20
_MARK = b"# Taken over by autosetup, and erased."
_NOTE = _MARK + b" To change the node, put a new file in place of this one.\n"
# FAT knows local time only, which is ahead of UTC by no more than this.
_MOST_AHEAD = 14 * 3600
_PROGRAMS = ("sshd", "raspi-config")
_INTERFACES = "/sys/class/net"


def make_card_folder(system: System) -> Path | None:
    """The payload's folder, made beside files of other systems, so that the card can tell of them.

    None where there are no such files, or the boot partition cannot be written.
    """
    for boot in BOOT_FOLDERS:
        folder = system.path(boot)
        with suppress(OSError):
            if any(_names(folder)):
                with card_to_write(system, str(folder)):
                    (folder / FOLDER).mkdir(exist_ok=True)
                return folder / FOLDER
    return None


def offered(tools: Tools, record: Record | None) -> dict[str, bytes]:
    """A payload made of them: its files by path; none where nothing is to be taken over.

    Raises:
        Faulty: with every fault of every file.
        OSError: the card cannot be read.
    """
    if tools.outlets.card is None or (record and is_unfinished(record)):
        return {}
    files = _read(tools.outlets.card.parent)
    newest = record.newest[0] if record else 0
    taken = read_taken(tools.journal.folder)
    others = {name: data for name, data in files.items() if not taken.has(name, data)}
    if taken.generation == newest and record:
        if not others:
            return tools.journal.payload(newest) if files else {}
        if record.status.state == "done":
            files = others
    if not files:
        return {}
    from autosetup.imports.convert import convert  # which few nodes need

    raw = convert(files, _here(tools, record, newest + 1))
    write_taken(tools.journal.folder, newest + 1, files)
    return raw


def note_ignored(tools: Tools, generation: int) -> None:
    """Tell the log about files of other systems that lie beside a payload of this generation."""
    if tools.outlets.card and read_taken(tools.journal.folder).generation != generation:
        with suppress(OSError):  # they are not needed
            for name in _names(tools.outlets.card.parent):
                what = "is not read, as this card has a payload"
                tools.outlets.log(f"{name} {what}: remove it, for it may hold secrets.")


def erase(tools: Tools, generations: Iterable[int]) -> None:
    """Erase the files that one of these generations was made of; what was put in since stays."""
    taken = read_taken(tools.journal.folder)
    if tools.outlets.card is None or taken.generation not in generations:
        return
    boot = tools.outlets.card.parent
    try:
        names = [name for name, data in _read(boot).items() if taken.has(name, data)]
        if not names:
            return
        with tools.outlets.writing():
            _erase(boot, names)
    except (OSError, AgentError, Faulty) as error:
        tools.outlets.log(f"What was taken over could not be erased: {error}")
    else:
        tools.outlets.log(f"Taken over, and erased: {', '.join(names)}.")


def _erase(boot: Path, names: Iterable[str]) -> None:
    """First the copies that editors left: when the files themselves are gone, nobody would look."""
    secret = [name for name in names if name not in SSH]
    if secret:
        wipe_free(boot)
    for name in secret:
        overwrite(boot / name, _remainder((boot / name).stat().st_size))
    for name in names:
        if name in SSH:
            (boot / name).unlink()
    sync_folder(boot)


def _remainder(size: int) -> bytes:
    return _NOTE[:size].ljust(size, b"\n")


def _is_remainder(raw: bytes) -> bool:
    return bool(raw) and raw[: len(_MARK)] == _MARK[: len(raw)]


def _names(boot: Path) -> Iterator[str]:
    """Those that are there and were not taken over yet; a folder of such a name is none."""
    for name in NAMES:
        with suppress(FileNotFoundError, IsADirectoryError), (boot / name).open("rb") as handle:
            if not _is_remainder(handle.read(len(_MARK))):
                yield name


def _read(boot: Path) -> dict[str, bytes]:
    files = {}
    for name in _names(boot):
        with (boot / name).open("rb") as handle:
            files[name] = handle.read(_LARGEST + 1)
        if len(files[name]) > _LARGEST:
            what = f"It is larger than {_LARGEST >> 20} MiB."
            raise Faulty([Fault(name, 0, 0, what, "Remove it, or make it anew.")])
    return files


def _here(tools: Tools, record: Record | None, generation: int) -> Here:
    from autosetup.imports.convert import Here

    boot = tools.outlets.card.parent if tools.outlets.card else Path()
    times = [(boot / name).stat().st_mtime for name in _names(boot)]
    past = max(0, max(times) - _MOST_AHEAD)
    programs = {name for name in _PROGRAMS if tools.system.has_program(name)}
    return Here(
        generation,
        _hardware(tools.system),
        forms.utc_text(past),
        programs,
        _before(tools, record),
    )


def _before(tools: Tools, record: Record | None) -> Payload | None:
    """The last payload that was proven good; None where there is none, or its copy is spoiled."""
    if record and record.good:
        with suppress(Faulty):
            return unpack(tools.journal.payload(record.good[0].generation))
    return None


def _hardware(system: System) -> str:
    """The wired network's address, as the seed project names nodes; else the serial number."""
    addresses: Mapping[str, str] = {
        path.parent.name: path.read_text().strip().replace(":", "")
        for path in sorted(system.path(_INTERFACES).glob("e*/address"))
    }
    found = addresses.get("eth0") or next(iter(addresses.values()), "")
    return found or board.serial()[-12:].lower() or "0" * 12
