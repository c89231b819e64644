"""Cards written to real block devices and files, read back, and judged by other tools."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flasher.card.faults import CardMismatch
from flasher.card.plan import CardPlan, plan_card
from flasher.card.target import DriveTarget, open_for_reading, open_target
from flasher.card.verify import verify_card
from flasher.card.write import WriteResult, write_card
from flasher.drives.files import create_virtual_card
from flasher.drives.find import find_drive
from flasher.errors import BadInput, Cancelled, ExitCode, FlasherError, Refused
from flasher.events import CancelFlag, Event, StepAdvanced
from flasher.image.blocks import FileBlocks
from flasher.image.bmap import map_blocks, write_bmap
from flasher.image.source import open_image
from flasher.process import run
from tests.integration.conftest import LoopMaker, loop_over, mounted

MOMENT = datetime(2026, 7, 8, 9, 10, 12, tzinfo=UTC)
MIB = 1 << 20


@pytest.fixture
def plain(base_image: Path) -> CardPlan:
    return plan_card(open_image(base_image), None)


@pytest.fixture
def planned(base_image: Path, payload: dict[str, bytes]) -> CardPlan:
    return plan_card(open_image(base_image), payload, modified=MOMENT)


def make(plan: CardPlan, place: Path) -> WriteResult:
    with open_target(find_drive(str(place)), plan.size) as target:
        return write_card(plan, target)


def test_a_card_holds_the_image_byte_by_byte(plain: CardPlan, loop: Path) -> None:
    make(plain, loop)
    run(["cmp", "-n", str(plain.size), str(plain.image.path), str(loop)])


def test_a_prepared_card_satisfies_fsck_e2fsck_sfdisk_and_mtools(
    planned: CardPlan, payload: dict[str, bytes], loop: Path, tmp_path: Path
) -> None:
    make(planned, loop)
    boot = tmp_path / "boot.img"
    with FileBlocks(loop) as card:
        boot.write_bytes(card.read(MIB, 40 * MIB))
    assert len(run(["fsck.fat", "-n", str(boot)]).text.splitlines()) == 2
    run(["e2fsck", "-fn", f"{loop}?offset={41 * MIB}"])
    assert "bootable" in run(["sfdisk", "--json", str(loop)]).text
    out = tmp_path / "out"
    out.mkdir()
    run(["mcopy", "-s", "-i", f"{loop}@@1M", "::/autosetup", str(out)])
    copied = {path.name: path.read_bytes() for path in (out / "autosetup").iterdir()}
    assert copied == payload
    assert run(["mtype", "-i", f"{loop}@@1M", "::/config.txt"]).text == "arm_64bit=1\n"


def test_by_a_block_map_only_what_is_used_is_written_and_the_rest_discarded(
    base_image: Path, payload: dict[str, bytes], loop: Path, tmp_path: Path
) -> None:
    image = tmp_path / "mapped.img"
    run(["cp", "--sparse=always", str(base_image), str(image)])
    with FileBlocks(image) as blocks:
        (tmp_path / "mapped.bmap").write_bytes(write_bmap(map_blocks(blocks)))
    plan = plan_card(open_image(image), payload, modified=MOMENT)
    make(plan, loop)
    with FileBlocks(loop) as card:
        assert b"\xa5" * 512 not in card.read(0, 57 * MIB)
    run(["bmaptool", "copy", "--bmap", str(tmp_path / "mapped.bmap"), str(image), "/dev/null"])
    run(["e2fsck", "-fn", f"{loop}?offset={41 * MIB}"])


def test_one_wrong_bit_on_the_card_is_found_and_its_place_named(
    plain: CardPlan, tmp_path: Path, make_loop: LoopMaker
) -> None:
    backing = tmp_path / "backing"
    backing.write_bytes(bytes(64 * MIB))
    loop = make_loop(backing)
    make(plain, loop)
    with FileBlocks(backing, writable=True) as blocks:
        blocks.write(50 * MIB + 7, bytes([blocks.read(50 * MIB + 7, 1)[0] ^ 4]))
    with (
        open_target(find_drive(str(loop))) as target,
        pytest.raises(CardMismatch, match=f"bytes {50 * MIB + 7}-{50 * MIB + 7} differ"),
    ):
        verify_card(plain, target)


def test_a_cancelled_card_has_no_partition_table_and_says_so(planned: CardPlan, loop: Path) -> None:
    make(planned, loop)
    cancel = CancelFlag()

    def stop_at_first_progress(event: Event) -> None:
        if isinstance(event, StepAdvanced):
            cancel.set()

    with (
        open_target(find_drive(str(loop))) as target,
        pytest.raises(Cancelled, match="no partition table"),
    ):
        write_card(planned, target, emit=stop_at_first_progress, cancel=cancel)
    with FileBlocks(loop) as card:
        assert card.read(0, 512) == bytes(512)
    assert find_drive(str(loop)).holds in ("empty", "no partition table")


def test_ctrl_c_leaves_no_partition_table_either(planned: CardPlan, loop: Path) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, StepAdvanced):
            raise KeyboardInterrupt

    with open_target(find_drive(str(loop))) as target, pytest.raises(KeyboardInterrupt):
        write_card(planned, target, emit=interrupt)
    with FileBlocks(loop) as card:
        assert card.read(0, 512) == bytes(512)


def test_a_drive_that_another_program_holds_is_refused(plain: CardPlan, loop: Path) -> None:
    with (
        open_target(find_drive(str(loop))) as target,
        pytest.raises(Refused, match="in use") as caught,
        open_target(find_drive(str(loop))),
    ):
        write_card(plain, target)
    assert caught.value.code == "drive-busy"


def test_a_card_exchanged_after_it_was_chosen_is_noticed(
    tmp_path: Path, make_loop: LoopMaker
) -> None:
    first, second = (create_virtual_card(tmp_path / name, MIB) for name in ("first", "second"))
    with open_target(find_drive(str(first.path))):
        second.path.replace(first.path)
    with pytest.raises(FlasherError, match="another card") as caught, open_target(first):
        pass
    assert caught.value.code == "card-exchanged"
    drive = find_drive(str(make_loop(first.path)))
    number, sequence = drive.identity.split("#")
    earlier = replace(drive, identity=f"{number}#{int(sequence) - 1}")
    with pytest.raises(FlasherError, match="another card"), open_target(earlier):
        pass


def test_a_locked_card_is_told_from_one_that_is_too_small(
    plain: CardPlan, tmp_path: Path, make_loop: LoopMaker
) -> None:
    small = tmp_path / "small"
    small.write_bytes(bytes(8 * MIB))
    drive = find_drive(str(make_loop(small)))
    with pytest.raises(BadInput, match="too small"), open_target(drive, plain.size):
        pass
    other = tmp_path / "other"
    other.write_bytes(bytes(8 * MIB))
    locked = find_drive(str(make_loop(other, "--read-only")))
    with pytest.raises(FlasherError, match="write-protected"), open_target(locked):
        pass


def test_a_card_that_fails_while_writing_is_reported_as_failing(
    plain: CardPlan, tmp_path: Path
) -> None:
    with mounted(Path("tmpfs"), tmp_path / "tiny", "-t", "tmpfs", "-o", "size=256k"):
        backing = create_virtual_card(tmp_path / "tiny/backing", 64 * MIB).path
        with loop_over(backing) as loop, pytest.raises(FlasherError) as caught:
            make(plain, loop)
    assert caught.value.code in ("card-failed", "card-too-small")
    assert caught.value.exit_code == ExitCode.FAILED


def test_a_virtual_card_is_written_like_any_other(planned: CardPlan, tmp_path: Path) -> None:
    card = create_virtual_card(tmp_path / "card.img", 64 * MIB)
    assert (card.kind, card.holds, card.refusal) == ("file", "empty", None)
    make(planned, card.path)
    assert find_drive(str(card.path)).holds == "cam-0101, not booted yet"
    with FileBlocks(card.path) as blocks:
        assert blocks.read(0, planned.size) == planned.read(0, planned.size)
        assert blocks.size == 64 * MIB


def test_a_virtual_card_on_a_full_disk_says_so(plain: CardPlan, tmp_path: Path) -> None:
    with mounted(Path("tmpfs"), tmp_path / "tiny", "-t", "tmpfs", "-o", "size=256k"):
        create_virtual_card(tmp_path / "tiny/card.img", 64 * MIB)
        with pytest.raises(FlasherError, match="full") as caught:
            make(plain, tmp_path / "tiny/card.img")
    assert caught.value.code == "disk-full"


def test_an_image_is_never_written_onto_itself(base_image: Path, tmp_path: Path) -> None:
    image = tmp_path / "base.img"
    run(["cp", str(base_image), str(image)])
    image.chmod(0o644)
    before = image.read_bytes()
    with pytest.raises(Refused, match="the image itself"):
        make(plan_card(open_image(image), None), image)
    assert image.read_bytes() == before


def test_a_file_that_is_a_loop_device_is_refused(tmp_path: Path, make_loop: LoopMaker) -> None:
    backing = create_virtual_card(tmp_path / "card.img", MIB).path
    loop = make_loop(backing)
    assert find_drive(str(backing)).refusal == f"it is in use: as {loop}"


def test_a_card_that_may_not_be_written_can_be_compared(
    plain: CardPlan, tmp_path: Path, make_loop: LoopMaker
) -> None:
    card = create_virtual_card(tmp_path / "card.img", 64 * MIB)
    make(plain, card.path)
    locked = make_loop(card.path, "--read-only")
    for path in (locked, card.path):
        drive = find_drive(str(path))
        assert drive.read_only or drive.refusal
        with open_for_reading(drive, plain.size) as target:
            assert target.is_direct
            verify_card(plain, target)
            with pytest.raises(FlasherError):
                target.write(0, bytes(512))
        with pytest.raises(BadInput, match="too small"), open_for_reading(drive, drive.size + 1):
            pass
    run(["cmp", "-n", str(plain.size), str(plain.image.path), str(card.path)])


def test_without_direct_io_the_read_back_is_as_strict(plain: CardPlan, loop: Path) -> None:
    descriptor = os.open(loop, os.O_RDWR | os.O_EXCL)
    target = DriveTarget(loop, descriptor)
    assert target.is_direct
    target._can_direct = False
    try:
        write_card(plain, target)
        verify_card(plain, target)
    finally:
        target.close()
    run(["cmp", "-n", str(plain.size), str(plain.image.path), str(loop)])


def test_an_image_that_ends_inside_a_sector_is_written_to_its_last_byte(
    base_image: Path, tmp_path: Path
) -> None:
    image = tmp_path / "odd.img"
    image.write_bytes(base_image.read_bytes() + b"odd end")
    card = create_virtual_card(tmp_path / "card.img", 64 * MIB)
    plan = plan_card(open_image(image), None)
    assert list(plan.ranges)[-1].end == plan.size
    make(plan, card.path)
    run(["cmp", "-n", str(plan.size), str(image), str(card.path)])


def test_an_image_changed_after_it_was_checked_is_not_written(
    base_image: Path, tmp_path: Path, loop: Path
) -> None:
    image = tmp_path / "base.img"
    run(["cp", str(base_image), str(image)])
    image.chmod(0o644)
    plan = plan_card(open_image(image), None)
    with FileBlocks(image, writable=True) as blocks:
        blocks.write(42 * MIB, b"changed")
    with pytest.raises(FlasherError) as caught:
        make(plan, loop)
    assert caught.value.code == "image-changed"
