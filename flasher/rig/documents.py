"""Finding and reading the TOML files of profiles and sites, by name or by path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from autosetup.faults import Faulty
from autosetup.strict import Table, pattern, reading
from flasher.errors import BadDocument, BadInput, did_you_mean

FORMAT = 1
LARGEST = 1 << 20
NAME = pattern(r"[a-z0-9][a-z0-9-]{0,62}", "small letters, digits and hyphens")


def find_document(kind: str, argument: str, file: str, shelves: Sequence[Path]) -> Path:
    """Path of ``file`` for a name on one of the shelves, or for a path of it or of its folder.

    A name means the shelf, whatever lies in the present folder; ``./NAME`` is a path.

    Raises:
        BadInput: there is none; the hint names the nearest.
    """
    given = Path(argument)
    here = [given, given / file] if given.exists() else []
    shelved = [shelf / argument / file for shelf in shelves]
    candidates = shelved + here if given.name == argument else here + shelved
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    names = list_documents(file, shelves)
    hint = did_you_mean(argument, names) or f"There are: {', '.join(names) or 'none yet'}."
    raise BadInput(f"no-such-{kind}", f"There is no {kind} {argument!r}.", hint)


def list_documents(file: str, shelves: Sequence[Path]) -> list[str]:
    """Names on the shelves; where two shelves hold one name, the first one counts."""
    return sorted({path.parent.name for shelf in shelves for path in shelf.glob(f"*/{file}")})


@contextmanager
def reading_document(kind: str, path: Path, raw: bytes) -> Iterator[Table]:
    """Read a document of this project's format 1; raises `BadDocument` with all its faults."""
    try:
        with reading(str(path), raw) as top:
            top.integer("format", low=FORMAT, high=FORMAT)
            yield top
    except Faulty as faulty:
        raise BadDocument(kind, faulty.faults) from None


def read_bytes(kind: str, path: Path, largest: int = LARGEST) -> bytes:
    """The bytes of a document; raises `BadInput` where it cannot be read, or is larger."""
    try:
        with path.open("rb") as file:
            raw = file.read(largest + 1)
    except OSError as error:
        raise BadInput(
            f"unreadable-{kind}",
            f"{path} cannot be read: {error.strerror}.",
            "Check the path and your rights to it.",
        ) from error
    if len(raw) > largest:
        what = f"{path} is larger than {largest >> 20} MiB: it is no {kind}."
        raise BadInput(f"unreadable-{kind}", what, "Put the right file in its place.")
    return raw
