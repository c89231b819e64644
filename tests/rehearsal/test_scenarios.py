"""What can go wrong with a first boot, on whole booted nodes: each says what, and none is lost.

The list is that of rpi-preseed's suite and more. A node that failed names step, code and cause on
its card, in what `flasher inspect` tells, and is done with the next good payload. Cuts of the power
are in `test_power_cuts.py`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from autosetup.manifest import read_manifest
from autosetup.outlets import utc_now
from autosetup.status import Status
from tests.integration.autosetup.sample_debs import make_deb
from tests.rehearsal.card_judges import (
    faults_of_boot,
    faults_of_root,
    on_boot,
    partition,
    status_of,
)
from tests.rehearsal.first_boots import Bench, make_bench
from tests.rehearsal.sample_scanner import write_scanner
from tests.rehearsal.troubled_boots import (
    NEW_HASH,
    RUNNING,
    Heard,
    Meets,
    boot,
    failure_of,
    insert,
    make_card,
    on_root,
)
from tests.rehearsal.troubles import (
    FAILING,
    GOOD,
    HIDDEN,
    PASSING,
    WELL,
    Failing,
    Passing,
    with_script,
)
from tests.unit.autosetup.sample_payloads import HASH

Run = Callable[..., list[dict[str, object]]]
Raw = Mapping[str, bytes]

pytestmark = pytest.mark.timeout(3600)


@pytest.fixture(scope="module")
def bench(base_image: Path, flasher: Run) -> Iterator[Bench]:
    """The happy path: all that a card says, and the node is done. In its folder nothing is kept."""
    with tempfile.TemporaryDirectory(prefix="trouble-") as made:
        rig = Path(made) / "rig"
        rig.mkdir()
        scanner, site = write_scanner(rig, make_deb(rig, "rig-tools"))

        def prepare(card: Path) -> None:
            what = ("--scanner", scanner, "--site", site, "--node", "seg3-cam2")
            flasher("prepare", *what, "--to", card, "--size", "2G", "--image", base_image)

        yield make_bench(Path(made), prepare)


@pytest.fixture
def folder() -> Iterator[Path]:
    """For one card: cards are large, and sockets need short names."""
    with tempfile.TemporaryDirectory(prefix="trial-") as made:
        yield Path(made)


def inspected(flasher: Run, card: Path) -> dict[str, object]:
    """What the autopsy tells of a card."""
    (report,) = flasher("inspect", card)
    return report


def assert_done(card: Path, raw: Raw, password: str = HASH) -> Status:
    """A node is done with this payload, and its card is whole; gives what it says."""
    status = status_of(card)
    assert status.state == "done", status
    assert str(status.generation) in raw["manifest.json"].decode()
    assert on_root(card, "/etc/hostname") == "cam-0101\n"
    assert f"scan:{password}:" in on_root(card, "/etc/shadow")
    assert password.encode() not in boot_partition(card)
    assert faults_of_boot(card) + faults_of_root(card) == []
    return status


def boot_partition(card: Path) -> bytes:
    offset, size = partition(card, 1)
    with card.open("rb") as handle:
        handle.seek(offset)
        return handle.read(size)


def test_the_happy_path_ends_done_and_whole(bench: Bench, flasher: Run) -> None:
    assert status_of(bench.done).state == "done"
    assert inspected(flasher, bench.done)["summary"] == "cam-0302, done"
    assert faults_of_boot(bench.done) + faults_of_root(bench.done) == []


@pytest.mark.parametrize("trouble", FAILING, ids=lambda trouble: trouble.name)
def test_a_node_that_fails_says_where_and_why_and_takes_the_next_good_payload(
    trouble: Failing, bench: Bench, base_image: Path, flasher: Run, folder: Path
) -> None:
    card = make_card(base_image, folder, trouble.raw)
    heard = boot(bench, folder, Meets())
    status = status_of(card)
    assert (status.state, status.code, status.step) == ("failed", trouble.code, trouble.step)
    assert [word for word in trouble.words if word not in (status.reason or "")] == []
    assert status.hint
    assert (status.next_try_at is not None) == trouble.again
    assert heard.restarts == trouble.restarts
    if trouble.again:
        running = on_boot(card, RUNNING).decode()
        assert "autosetup run" in running
        assert HIDDEN not in running
    assert_inspect_tells(flasher, card, status)
    insert(card, GOOD)
    assert boot(bench, folder, Meets()).restarts == 0
    assert_done(card, GOOD, NEW_HASH)


def assert_inspect_tells(flasher: Run, card: Path, status: Status) -> None:
    told = inspected(flasher, card)
    shown = told["status"]
    assert isinstance(shown, dict)
    assert (shown["state"], shown["code"], shown["reason"]) == (
        "failed",
        status.code,
        status.reason,
    )
    assert told["cause"]
    assert told["todo"]


@pytest.mark.parametrize("trouble", PASSING, ids=lambda trouble: trouble.name)
def test_trouble_that_passes_costs_a_try_and_no_restart(
    trouble: Passing, bench: Bench, base_image: Path, folder: Path
) -> None:
    card = make_card(base_image, folder, trouble.raw)
    heard = boot(bench, folder, Meets(trouble.before, trouble.after))
    failed = failure_of(card)
    assert (failed.state, failed.code, failed.step) == ("failed", trouble.code, trouble.step)
    assert [word for word in trouble.words if word not in (failed.reason or "")] == []
    assert failed.next_try_at is not None
    status = assert_done(card, trouble.raw)
    assert (status.attempt, heard.restarts) == (trouble.begun, 0)


def test_an_agent_that_is_killed_is_started_again(
    bench: Bench, base_image: Path, folder: Path
) -> None:
    raw = with_script("[ -e /root/killed ] && exit\ntouch /root/killed\nsync\nkill -KILL $PPID")
    card = make_card(base_image, folder, raw)
    heard = boot(bench, folder, Meets())
    assert "autosetup.service: Main process exited, code=killed" in heard.console
    assert "cam-0101 · done" in heard.console
    assert heard.restarts == 0
    boot(bench, folder, Meets())  # the plug was pulled at its last word
    assert_done(card, raw)


def test_a_boot_partition_mounted_for_reading_only_is_survived_and_made_up_for(
    bench: Bench, base_image: Path, flasher: Run, folder: Path
) -> None:
    card = make_card(base_image, folder, WELL)
    heard = boot(bench, folder, Meets(before="mount -o remount,ro /boot/firmware"))
    assert "cam-0101 · done" in heard.console
    told = inspected(flasher, card)
    assert (told["summary"], told["from_record"]) == ("cam-0101, done", True)
    assert HASH.encode() in boot_partition(card)
    boot(bench, folder, Meets())
    assert_done(card, WELL)


def test_a_root_file_system_that_has_locked_itself_is_named_on_the_console(
    bench: Bench, base_image: Path, folder: Path
) -> None:
    card = make_card(base_image, folder, WELL)
    lock = "echo u >/proc/sysrq-trigger; while touch /root/open; do sleep 0.1; done; true"
    heard = boot(bench, folder, Meets(before=lock, card="silent"))
    assert "its file system is read-only" in last_word(heard)
    boot(bench, folder, Meets())
    assert_done(card, WELL)


def test_a_card_that_takes_no_write_at_all_is_named_by_the_kernel(
    bench: Bench, base_image: Path, folder: Path
) -> None:
    card = make_card(base_image, folder, WELL)
    heard = boot(bench, folder, Meets(card="locked"))
    assert "Read-only file system\nFailed to mount" in heard.console
    boot(bench, folder, Meets())
    assert_done(card, WELL)


def last_word(heard: Heard) -> str:
    lines = [line for line in heard.console.splitlines() if line.startswith("autosetup: ")]
    return lines[-1]


def test_a_damaged_copy_of_the_fat_is_mended_by_the_boot(
    bench: Bench, base_image: Path, folder: Path
) -> None:
    card = make_card(base_image, folder, WELL)
    damage_fat(card)
    boot(bench, folder, Meets())
    assert_done(card, WELL)


def damage_fat(card: Path) -> None:
    """Zeros over the second sector of the first copy of the file allocation table."""
    boot_sector = boot_partition(card)[:512]
    reserved = int.from_bytes(boot_sector[14:16], "little")
    with card.open("r+b") as handle:
        handle.seek(partition(card, 1)[0] + (reserved + 1) * 512)
        handle.write(bytes(512))


def take_boot_sector(card: Path) -> bytes:
    """Zeros over the boot partition's first sector, by which the system knows it."""
    with card.open("r+b") as handle:
        handle.seek(partition(card, 1)[0])
        old = handle.read(512)
        handle.seek(partition(card, 1)[0])
        handle.write(bytes(512))
    return old


def put_boot_sector(card: Path, old: bytes) -> None:
    with card.open("r+b") as handle:
        handle.seek(partition(card, 1)[0])
        handle.write(old)


def test_a_new_node_without_a_boot_partition_says_so_on_the_console(
    bench: Bench, base_image: Path, folder: Path
) -> None:
    card = make_card(base_image, folder, WELL)
    old = take_boot_sector(card)
    heard = boot(bench, folder, Meets(card="silent"))
    assert "The boot partition, which has the payload, is not mounted" in heard.console
    put_boot_sector(card, old)
    boot(bench, folder, Meets())
    assert_done(card, WELL)


def test_a_node_that_is_done_starts_without_its_boot_partition(
    bench: Bench, base_image: Path, folder: Path
) -> None:
    card = make_card(base_image, folder, WELL)
    boot(bench, folder, Meets())
    old = take_boot_sector(card)
    assert "cam-0101 · done" in last_word(boot(bench, folder, Meets(card="silent")))
    put_boot_sector(card, old)
    boot(bench, folder, Meets())
    assert_done(card, WELL)


def test_a_boot_partition_that_comes_too_late_is_mounted_by_the_agent(
    bench: Bench, base_image: Path, folder: Path
) -> None:
    card = make_card(base_image, folder, WELL)
    boot(bench, folder, Meets(before="umount /boot/firmware"))
    assert_done(card, WELL)


def test_a_clock_that_is_years_behind_is_set_to_the_making_of_the_card(
    bench: Bench, base_image: Path, folder: Path
) -> None:
    card = make_card(base_image, folder, WELL)
    boot(bench, folder, Meets(before="date --set 2001-01-01"))
    status = assert_done(card, WELL)
    made = read_manifest(WELL["manifest.json"]).flashed_at
    assert made <= (status.started_at or "") <= (status.finished_at or "") < utc_now()


BOARD = "/sys/firmware/devicetree/base"


def in_pi(serial: str) -> Meets:
    """QEMU's board has no serial number; this is what the kernel tells on a Pi."""
    told = f"mount -t tmpfs board {BOARD} && printf {serial} >{BOARD}/serial-number"
    return Meets(before=told)


def test_a_card_in_another_pi_works_on_and_says_so_until_it_is_back(
    bench: Bench, base_image: Path, folder: Path
) -> None:
    card = make_card(base_image, folder, WELL)
    boot(bench, folder, in_pi("10000000aaaaaaaa"))
    assert assert_done(card, WELL).bound_to == "10000000aaaaaaaa"
    boot(bench, folder, in_pi("10000000bbbbbbbb"))
    (warned,) = assert_done(card, WELL).warnings
    assert warned.code == "other-board"
    assert "10000000aaaaaaaa" in warned.reason
    assert "10000000bbbbbbbb" in warned.reason
    boot(bench, folder, in_pi("10000000aaaaaaaa"))
    assert assert_done(card, WELL).warnings == ()
