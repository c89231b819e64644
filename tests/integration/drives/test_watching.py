"""Cards put into a reader that stays, seen by the kernel's events, by udev's, and by looking."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from flasher.drives.linux import LinuxCatalog
from flasher.drives.watch import Appeared, Changed, Gone, PollSignal, Signal, UdevSignal, watch
from flasher.events import CancelFlag
from flasher.process import environment, leashed, run

# Linux, include/uapi/linux/loop.h
_ADD, _REMOVE = 0x4C80, 0x4C81
_LOOP_MAJOR = 7
_WITH_UDEV = """
mount -t tmpfs none /run
mkdir /run/udev
mount -t tmpfs none /usr/lib/udev/rules.d
/lib/systemd/systemd-udevd --daemon
exec "$@"
"""


@pytest.fixture
def reader() -> Iterator[Path]:
    """A loop device of a number that nobody else takes: a reader without a card."""
    number = 1000 + os.getpid() % (1 << 19)
    node = Path(f"/dev/loop{number}")
    with Path("/dev/loop-control").open("rb") as control:
        fcntl.ioctl(control, _ADD, number)
        if not node.exists():
            os.mknod(node, stat.S_IFBLK | 0o600, os.makedev(_LOOP_MAJOR, number))
        yield node
        with suppress(Exception):
            run(["losetup", "--detach", str(node)])
        fcntl.ioctl(control, _REMOVE, number)
    node.unlink(missing_ok=True)


@pytest.fixture
def cards(tmp_path: Path) -> list[Path]:
    """Files for two cards."""
    made = []
    for name, size in (("first", 8 << 20), ("second", 16 << 20)):
        made.append(tmp_path / name)
        with made[-1].open("wb") as handle:
            handle.truncate(size)
    return made


def put(card: Path, reader: Path) -> None:
    run(["losetup", str(reader), str(card)])


def take_out(reader: Path) -> None:
    run(["losetup", "--detach", str(reader)])


@pytest.mark.parametrize("make", [PollSignal, UdevSignal])
def test_each_card_put_into_a_reader_taken_out_locked_or_changed_is_seen(
    make: Callable[[], Signal], reader: Path, cards: list[Path]
) -> None:
    signal, cancel = make(), CancelFlag()
    put(cards[0], reader)
    events = watch(LinuxCatalog(frozenset({reader.name})), signal, cancel)
    first = next(events)
    assert isinstance(first, Appeared)
    assert (first.drive.path, first.drive.size, first.drive.blank) == (reader, 8 << 20, True)
    run(["blockdev", "--setro", str(reader)])
    locked = next(events)
    assert isinstance(locked, Changed)
    assert locked.drive.read_only
    take_out(reader)
    assert isinstance(next(events), Gone)
    put(cards[1], reader)
    second = next(events)
    assert isinstance(second, Appeared)
    assert second.drive.size == 16 << 20
    assert second.drive.identity != first.drive.identity
    cancel.set()
    assert list(events) == []
    signal.close()


def test_the_kernels_events_wake_a_watch_that_runs_without_udev(
    reader: Path, cards: list[Path]
) -> None:
    signal = UdevSignal()
    put(cards[0], reader)
    assert signal._heard(60)
    signal.close()


def test_udevs_events_wake_a_watch_where_its_daemon_runs(reader: Path, cards: list[Path]) -> None:
    code = (
        "from flasher.drives.watch import UdevSignal; signal = UdevSignal(); "
        "print(signal.source, flush=True); print(signal._heard(60), flush=True)"
    )
    spaces = ["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child"]
    argv = leashed([*spaces, "sh", "-ec", _WITH_UDEV, "sh", sys.executable, "-c", code])
    with subprocess.Popen(argv, env=environment(), stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        assert child.stdout.readline() == "udev\n"
        put(cards[0], reader)
        assert child.stdout.readline() == "True\n"


def test_the_command_prints_one_object_a_line_as_it_happens(
    reader: Path, cards: list[Path]
) -> None:
    put(cards[0], reader)
    argv = [sys.executable, "-m", "flasher", "drives", str(reader), "--watch", "--json"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout

        def said() -> dict[str, object]:
            assert child.stdout
            found: dict[str, object] = json.loads(child.stdout.readline())
            return found

        appeared = said()
        assert (appeared["kind"], appeared["event"]) == ("drive", "appeared")
        run(["blockdev", "--setro", str(reader)])
        changed = said()
        assert (changed["event"], changed["other_card"]) == ("changed", False)
        take_out(reader)
        assert said()["event"] == "gone"
        child.terminate()
