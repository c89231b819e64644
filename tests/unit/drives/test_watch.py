"""What happened between two looks at the drives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from flasher.drives.model import Drive
from flasher.drives.watch import Appeared, Changed, Gone, PollSignal, differences, watch
from flasher.errors import BadInput
from flasher.events import CancelFlag
from tests.unit.drives.conftest import FakeComputer

READER = "pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/host6/target6:0:0/6:0:0:0"
A = Drive(Path("/dev/sda"), 10, "usb", identity="8:0#1")
B = Drive(Path("/dev/sdb"), 20, "usb", identity="8:16#2")


def test_drives_that_come_go_and_change_are_told_and_others_are_not() -> None:
    mounted = replace(B, mounted=("/media/card",))
    assert list(differences((), (A, B))) == [Appeared(A), Appeared(B)]
    assert list(differences((A, B), (A, B))) == []
    assert list(differences((A, B), (mounted,))) == [Gone(A), Changed(mounted, B)]
    assert not Changed(mounted, B).is_other_card


def test_a_card_put_into_the_place_of_another_is_known_as_another() -> None:
    other = replace(A, identity="8:0#3")
    (event,) = differences((A,), (other,))
    assert event == Changed(other, A)
    assert event.is_other_card


class Shelf:
    """A catalog whose drives change at each look."""

    def __init__(self, *looks: tuple[Drive, ...]) -> None:
        self._looks = list(looks)

    def drives(self) -> tuple[Drive, ...]:
        return self._looks.pop(0)

    def find(self, argument: str) -> Drive:
        raise BadInput("no-such-drive", argument, "")


class Bell:
    """A signal that rings when it is told to, and cancels in the end."""

    def __init__(self, cancel: CancelFlag, rings: list[bool]) -> None:
        self._cancel, self._rings = cancel, rings

    def wait(self, seconds: float) -> bool:
        assert seconds > 0
        if self._rings:
            return self._rings.pop(0)
        self._cancel.set()
        return False

    def close(self) -> None:
        pass


def test_watching_looks_only_when_the_signal_says_so_and_ends_when_cancelled() -> None:
    cancel = CancelFlag()
    signal = Bell(cancel, [False, True, False, True])
    events = list(watch(Shelf((A,), (A, B), (B,)), signal, cancel))
    assert events == [Appeared(A), Appeared(B), Gone(A)]


def test_polling_sees_sizes_sequence_numbers_partitions_and_mounts(computer: FakeComputer) -> None:
    folder = computer.device("sda", READER, size="0", diskseq="1", removable="1")
    signal = PollSignal(computer.tables)
    assert not signal.wait(0)
    for name, text in (("size", "100"), ("diskseq", "2"), ("ro", "1")):
        (folder / name).write_text(text)
        assert signal.wait(60)
        assert not signal.changed()
    computer.mount("sda", "/media/card")
    assert signal.wait(60)
    computer.device("sdb", READER.replace("6:0:0:0", "6:0:0:1"))
    assert signal.wait(60)
    assert not signal.wait(0)
