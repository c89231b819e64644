"""The practice bench: readers, and a box of cards that are put into them and pulled out again.

A card is a file in the box. While it is in a reader it also has the reader's name, a second link to
the same file: whatever happens to the program, no card is lost, and none is in two places.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from threading import RLock

from flasher.card.making import Making
from flasher.card.target import Held, open_target
from flasher.drives.faults import write_protected
from flasher.drives.files import create_virtual_card, file_drive
from flasher.drives.model import Drive
from flasher.errors import BadInput, FlasherError
from flasher.paths import hand_over, make_folder
from flasher.practice.claim import claim
from flasher.practice.condition import Condition, Pace
from flasher.practice.kinds import KINDS, NEW, Kind
from flasher.practice.nodes import filler
from flasher.practice.signal import Bell, BellSignal
from flasher.practice.target import CardInReader, PracticeTarget
from flasher.rig.ledger import Ledger
from flasher.rig.rigmap import RigMap

READERS = 3
_KINDS = {kind.name: kind for kind in KINDS}
_SUFFIX = ".card"


@dataclass(frozen=True, slots=True)
class PracticeCard:
    """A card of the box.

    Attributes:
        name: such as ``new-2``.
        kind: such as ``new``.
        condition: what is wrong with it now.
        reader: the one that it is in, from 1 on; None where it lies in the box.
        is_held: whether it is being written.
        drive: what it is and holds; None where it was never in a reader.
    """

    name: str
    kind: str
    condition: Condition
    reader: int | None = None
    is_held: bool = False
    drive: Drive | None = None


class PracticeBench:
    """A `DriveCatalog` whose readers are played.

    Args:
        folder: where the cards are kept.
        readers: how many.
        pace: of the readers; None: as fast as files are.
        ledger: told that the old card of ours is needed no more; None: nobody is.

    Raises:
        BadInput: ``practice-in-use``, another program has this folder.
    """

    def __init__(
        self,
        folder: Path,
        *,
        readers: int = READERS,
        pace: Pace | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self.readers = tuple(range(1, readers + 1))
        self._box, self._slots = folder / "box", folder / "readers"
        self._pace, self._ledger = pace, ledger
        self._bell = Bell()
        self._lock = RLock()
        self._conditions: dict[str, Condition] = {}
        self._written: dict[str, int] = {}
        self._inside: dict[int, tuple[str, CardInReader]] = {}
        self._rig: RigMap | None = None
        for each in (self._box, self._slots):
            make_folder(each)
        folder.chmod(0o700)
        claim(folder, self)
        for left in self._slots.iterdir():
            left.unlink()

    @property
    def making(self) -> Making:
        """How cards are made here: held as these readers do, and probed as real ones are."""
        return Making(hold=self.hold, probe_files=True)

    def signal(self) -> BellSignal:
        """Tells at once that a card was put in, pulled, or written."""
        return BellSignal(self._bell)

    def lay_out(self, rig: RigMap) -> None:
        """Have the cards of nodes be those of this rig."""
        with self._lock:
            self._rig = rig

    def drives(self) -> tuple[Drive, ...]:
        """The readers with cards, in their order; one that gave its card back shows none."""
        with self._lock:
            inside = sorted(self._inside.items())
        found = []
        for reader, (name, card) in inside:
            with suppress(OSError):  # it was pulled meanwhile
                drive = self._drive(self.path_of(reader), name, reader)
                found.append(_without_card(drive) if card.is_given_back else drive)
        return tuple(found)

    def find(self, argument: str) -> Drive:
        """The card in a reader, by its path."""
        for drive in self.drives():
            if str(drive.path) == argument:
                return drive
        what = f"There is no card in {argument}."
        raise BadInput("no-such-drive", what, "Put one into a reader first.")

    def box(self) -> tuple[PracticeCard, ...]:
        """All cards there are, by kind and number; looks at what each holds."""
        with self._lock:
            names = {path.stem for path in self._box.glob(f"*{_SUFFIX}")}
            names |= {f"{kind.name}-1" for kind in KINDS}
            where = {name: (reader, card.is_held) for reader, (name, card) in self._inside.items()}
        order = [kind.name for kind in KINDS]
        ranked = sorted(names, key=lambda name: (order.index(_kind_of(name).name), _number(name)))
        return tuple(self._card(name, *where.get(name, (None, False))) for name in ranked)

    def insert(self, reader: int, name: str) -> None:
        """Put a card into an empty reader; it is made where it is new.

        Raises:
            BadInput: ``reader-full``, ``card-elsewhere``, ``no-such-card``.
            FlasherError: it cannot be made.
        """
        kind = _kind_of(name)
        with self._lock:
            self._check_free(reader, name)
            self._provide(kind, name)
            self.path_of(reader).hardlink_to(self.file_of(name))
            card = CardInReader(self.condition_of(name), self._pace, self._written.get(name, 0))
            self._inside[reader] = name, card
        self._bell.ring()

    def pull(self, reader: int) -> str | None:
        """Take out what is in a reader, whatever is done with it; its name."""
        with self._lock:
            name, card = self._inside.pop(reader, (None, None))
            if name is None or card is None:
                return None
            card.out.set()
            self.path_of(reader).unlink(missing_ok=True)
            self._written[name] = card.written
        self._bell.ring()
        return name

    def throw_away(self, name: str) -> None:
        """Be rid of a card that is in no reader; another of its name would be as the first was."""
        with self._lock:
            if not any(name == inside for inside, _ in self._inside.values()):
                self.file_of(name).unlink(missing_ok=True)
                self._conditions.pop(name, None)
                self._written.pop(name, None)
        self._bell.ring()

    def afflict(self, name: str, condition: Condition) -> None:
        """Have something go wrong with a card from now on; or mend it."""
        with self._lock:
            self._conditions[name] = condition
            for inside, card in self._inside.values():
                if inside == name:
                    card.condition = condition
                    card.written = 0
            self._written[name] = 0
        self._bell.ring()

    def path_of(self, reader: int) -> Path:
        """Where a reader's card is, while there is one in it."""
        return self._slots / f"reader-{reader}"

    def inside(self, reader: int) -> str | None:
        """Name of the card in a reader."""
        with self._lock:
            return self._inside[reader][0] if reader in self._inside else None

    def condition_of(self, name: str) -> Condition:
        """What is wrong with a card now."""
        return self._conditions.get(name, _kind_of(name).condition)

    def fresh(self) -> str:
        """Name of a new card that nothing was ever written to, and that is in no reader."""
        with self._lock:
            busy = {name for name, _ in self._inside.values()}
            names = (f"{NEW.name}-{number}" for number in count(1))
            return next(name for name in names if name not in busy and self._is_fresh(name))

    @contextmanager
    def hold(self, drive: Drive, needed: int = 0) -> Iterator[Held]:
        """Hold a card in a reader, as `flasher.card.target.open_target` does."""
        card = self._played(drive)
        if card.condition.locked:
            raise write_protected(drive.path)
        try:
            with open_target(drive, needed) as held:
                card.is_held = True
                self._bell.ring()
                yield PracticeTarget(held, card)
        finally:
            card.is_held = False
            self._bell.ring()  # a drive that was written is looked at again, real ones too

    def _played(self, drive: Drive) -> CardInReader:
        with self._lock:
            for reader, (_, card) in self._inside.items():
                if self.path_of(reader) == drive.path:
                    return card
        what = f"The card in {drive.path} was pulled out."
        raise FlasherError("card-pulled", what, "Put it back in and start again.")

    def _check_free(self, reader: int, name: str) -> None:
        if reader not in self.readers or reader in self._inside:
            what = f"Reader {reader} has no room for a card."
            raise BadInput("reader-full", what, "Take an empty one.")
        if any(name == inside for inside, _ in self._inside.values()):
            what = f"The card {name} is in another reader."
            raise BadInput("card-elsewhere", what, "Pull it first.")

    def _provide(self, kind: Kind, name: str) -> None:
        path = self.file_of(name)
        if path.exists():
            return
        if fill := kind.fill or filler(kind, self._rig, self._ledger):
            draft = path.with_suffix(".draft")
            fill(draft, kind.size)
            draft.replace(path)
        else:
            create_virtual_card(path, kind.size)
        hand_over(path)

    def _is_fresh(self, name: str) -> bool:
        path = self.file_of(name)
        return not path.exists() or path.stat().st_blocks == 0

    def _card(self, name: str, reader: int | None, is_held: bool) -> PracticeCard:
        kind, path = _kind_of(name), self.file_of(name)
        drive = self._drive(path, name, reader) if path.exists() else None
        return PracticeCard(name, kind.name, self.condition_of(name), reader, is_held, drive)

    def _drive(self, path: Path, name: str, reader: int | None) -> Drive:
        condition = self.condition_of(name)
        return replace(
            file_drive(path),
            model="practice card",
            read_only=condition.locked,
            refusal=condition.refusal or None,
            port=f"reader-{reader}" if reader else "",
        )

    def file_of(self, name: str) -> Path:
        """Where a card lies in the box, in a reader or not."""
        return self._box / f"{name}{_SUFFIX}"


def _without_card(drive: Drive) -> Drive:
    """The reader, as real ones look until the card that they gave back is taken out."""
    return replace(drive, size=0, holds="no card", partitions=(), node="", blank=False)


def _kind_of(name: str) -> Kind:
    kind = _KINDS.get(name.rpartition("-")[0])
    if kind is None:
        raise BadInput("no-such-card", f"There is no card {name}.", "Take one from the box.")
    return kind


def _number(name: str) -> int:
    number = name.rpartition("-")[2]
    return int(number) if number.isdigit() else 0
