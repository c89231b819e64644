"""Looking at every drive that was named before the first of them is written."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from flasher import paths
from flasher.drives.faults import write_protected
from flasher.drives.files import create_virtual_card
from flasher.drives.find import find_drive
from flasher.drives.model import Drive, guard, named
from flasher.drives.usage import holds_file
from flasher.errors import BadInput, FlasherError, Refused
from flasher.progress import readable_size


def add_serial(parser: argparse.ArgumentParser) -> None:
    """Add ``--serial``, for drives that are no cards of usual size; it gives ``args.serial``."""
    parser.add_argument(
        "--serial",
        action="append",
        default=[],
        metavar="S",
        help="serial of a drive that is no card of usual size, as `flasher drives` shows it",
    )


def choose_drive(place: Path | str, serials: Sequence[str] = ()) -> Drive:
    """The drive behind a path, if it may be written.

    Args:
        place: path of a block device or of a regular file.
        serials: those that a person typed.

    Raises:
        Refused: it may never be written.
        BadInput: there is none, or its serial was not typed.
    """
    return guard(named(find_drive(str(place)), tuple(serials)))


def check_drives(
    places: Iterable[Path | str], serials: Sequence[str] = (), images: Iterable[Path] = ()
) -> list[Drive]:
    """The drives behind paths, each of which may be written and is named once.

    Args:
        places: paths of block devices or regular files.
        serials: those that a person typed.
        images: what is to be written; no drive may hold it.

    Raises:
        Refused: one of them may never be written, or holds an image.
        BadInput: there is none, one is named twice, under whatever name, or its serial was not
            typed; or a serial is that of none of them.
    """
    drives = [choose_drive(place, serials) for place in places]
    _check_serials(drives, serials)
    for image in images:
        check_source(drives, image)
    seen: dict[str, Drive] = {}
    for drive in drives:
        twin = seen.setdefault(drive.identity or str(drive.path), drive)
        if twin is not drive:
            what = f"{drive.path} is named twice: the second card would erase the first."
            raise BadInput("drive-twice", what, "Name each drive once.")
    return drives


@contextmanager
def taking(drive: Drive | None, place: Path, size: int | None) -> Iterator[Drive]:
    """The drive; where there is none yet, a virtual card, which does not outlive a failure.

    Args:
        drive: None for a virtual card to be made.
        place: where it is made, of `size` bytes.
    """
    if drive is not None:
        yield drive
        return
    made = create_virtual_card(place, size or 0)
    try:
        yield made
    except BaseException:
        place.unlink(missing_ok=True)
        raise
    paths.hand_over(place)


def holding(drive: Drive, *, agreed: bool = False) -> str:
    """What a drive is, what it holds, and what is done to it first: to be read before a yes.

    Args:
        agreed: whether the yes is given already, so that nobody waits for names of files.
    """
    what = f"{drive.path} ({readable_size(drive.size)}, {drive.model or drive.kind})"
    mounted = f"\nIt is unmounted first from {', '.join(drive.mounted)}." if drive.mounted else ""
    files = "" if agreed or drive.node else "".join(f"\n{line}" for line in _files(drive))
    return f"{what} holds: {drive.holds}.{files}{mounted}"


def _files(drive: Drive) -> Iterator[str]:
    """A line for each volume with files of somebody's."""
    from flasher.drives.lost import lost_on

    for volume in lost_on(drive):
        if not volume.count:
            continue
        count = f"{'' if volume.is_all else 'at least '}{volume.count} "
        count += "file" if volume.count == 1 else "files"
        named = ", ".join(f"{file.path} ({readable_size(file.size)})" for file in volume.largest)
        yield f"{volume.label or volume.holds}: {count}, {readable_size(volume.size)}: {named} …"


def _check_serials(drives: Iterable[Drive], serials: Sequence[str]) -> None:
    for serial in serials:
        if not any(drive.serial == serial for drive in drives):
            what = f"None of the drives has the serial {serial}."
            raise BadInput("no-such-serial", what, "`flasher drives` shows the serials.")


def check_source(drives: Iterable[Drive], image: Path) -> None:
    """Refuse drives that hold what is to be written; raises Refused, ``holds-image``."""
    for drive in drives:
        if drive.kind != "file" and holds_file(drive.path.name, image):
            what = f"{drive.path} is never written: it holds the image itself, {image}."
            raise Refused("holds-image", what, "Copy the image to this computer, or take another.")


def check_sizes(drives: Iterable[Drive], needed: int) -> None:
    """Refuse drives that are write-protected or too small.

    Raises:
        FlasherError: ``card-read-only``.
        BadInput: ``card-too-small``.
    """
    for drive in drives:
        if drive.read_only:
            raise _not_yours(drive.path) if drive.kind == "file" else write_protected(drive.path)
        if drive.size < needed:
            raise too_small(str(drive.path), drive.size, needed)


def too_small(what: str, size: int, needed: int) -> BadInput:
    """The error for a card that cannot hold an image."""
    return BadInput(
        "card-too-small",
        f"{what} has {readable_size(size)}; {readable_size(needed)} are needed, "
        f"{readable_size(needed - size)} more.",
        "Take a larger card.",
    )


def _not_yours(path: Path) -> FlasherError:
    return FlasherError(
        "card-read-only", f"You may not write {path}.", "Mend the file's rights, or name another."
    )
