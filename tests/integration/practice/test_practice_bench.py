"""Cards that are files behave as cards do: they come and go, and fail in their own ways."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import pytest

from flasher.card.inspect import inspect_card
from flasher.card.probing.probe import probe_card
from flasher.drives.model import may_start_by_itself
from flasher.drives.opening import drive_blocks
from flasher.drives.watch import Appeared, Gone, watch
from flasher.errors import BadInput, FlasherError
from flasher.events import CancelFlag, Noted, StepAdvanced
from flasher.image.fat import FatVolume
from flasher.practice.bench import PracticeBench
from flasher.practice.condition import BROKEN, CRAWLING, FORGETFUL, WELL, Pace
from flasher.process import run


def told(drive):
    with drive_blocks(drive.path) as blocks:
        return inspect_card(blocks)


def copy_data(card, to, partition):
    """A partition on its own, without reading its holes."""
    with card.open("rb") as source, to.open("wb") as target:
        target.truncate(partition.size)
        end, place = partition.offset + partition.size, partition.offset
        with suppress(OSError):  # no data from there on
            while (place := os.lseek(source.fileno(), place, os.SEEK_DATA)) < end:
                until = min(os.lseek(source.fileno(), place, os.SEEK_HOLE), end)
                source.seek(place)
                target.seek(place - partition.offset)
                target.write(source.read(until - place))
                place = until


def boot_of(path):
    return f"{path}@@{4 << 20}"


def test_a_new_card_is_made_and_an_independent_tool_reads_it(bench, make, ledger):
    bench.insert(1, "new-1")
    result = make()
    assert result.ejected
    node = run(["mtype", "-i", boot_of(bench.path_of(1)), "::/autosetup/node.toml"]).text
    assert 'name = "cam-0101"' in node
    assert [entry.result for entry in ledger.entries()] == ["verified"]


def test_the_file_systems_of_the_box_stand_before_their_checker(bench, tmp_path):
    for reader, name in ((1, "photos-1"), (2, "linux-1"), (3, "failed-1")):
        bench.insert(reader, name)
        with drive_blocks(bench.path_of(reader)) as blocks:
            boot = inspect_card(blocks).partitions[0]
        alone = tmp_path / f"{name}.fat"
        copy_data(bench.path_of(reader), alone, boot)
        run(["fsck.fat", "-n", str(alone)])


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("counterfeit-1", "card-counterfeit"),
        ("worn-1", "card-worn-out"),
        ("forgetful-1", "card-condemned"),
        ("locked-1", "card-read-only"),
        ("small-1", "card-too-small"),
        ("disk-1", "drive-refused"),
    ],
)
def test_each_bad_card_of_the_box_fails_in_its_own_way(bench, make, name, code):
    bench.insert(1, name)
    with pytest.raises(FlasherError) as caught:
        make()
    assert caught.value.code == code
    assert told(bench.drives()[0]).node is None


def test_a_worn_card_does_not_recover_by_being_put_in_again(bench, make):
    for _ in range(2):
        bench.insert(1, "worn-1")
        with pytest.raises(FlasherError, match="could not be written"):
            make()
        bench.pull(1)


def test_what_cards_hold_is_told(bench):
    held = {}
    for name in ("new-1", "photos-1", "linux-1", "own-1", "failed-1", "disk-1"):
        bench.insert(1, name)
        held[name] = bench.drives()[0].holds
        bench.pull(1)
    assert held == {
        "new-1": "empty",
        "photos-1": "1 partition: EOS_DIGITAL",
        "linux-1": "2 partitions: BOOTFS, octoprint",
        "own-1": "old-cam-1607, not booted yet",
        "failed-1": "cam-0807, failed",
        "disk-1": "2 partitions: BOOTFS, system",
    }


def test_a_photo_card_names_its_photos(bench):
    bench.insert(1, "photos-1")
    with drive_blocks(bench.path_of(1)) as blocks:
        volume = FatVolume(blocks, inspect_card(blocks).partitions[0].offset)
        names = [path for path, found in volume.walk() if not found.is_folder]
    assert len(names) == 48
    assert "DCIM/100CANON/IMG_2041.JPG" in names


def test_a_card_that_is_pulled_while_it_is_written_can_be_gone_on_with(bench, make, ledger):
    bench.insert(1, "new-1")

    def pull(event):
        if isinstance(event, StepAdvanced) and event.step == "write" and event.done > 70 << 20:
            bench.pull(1)

    with pytest.raises(FlasherError) as caught:
        make(emit=pull)
    assert caught.value.code == "card-pulled"
    bench.insert(2, "new-1")
    assert bench.drives()[0].holds == "half made: cam-0101"
    result = make(2)
    assert result.bytes_kept > 20 << 20
    assert [entry.result for entry in ledger.entries()] == ["failed", "verified"]


def test_a_reader_shows_no_card_after_it_gave_it_back_until_it_is_put_in_again(bench, make):
    bench.insert(1, "new-1")
    make()
    (reader,) = bench.drives()
    assert (reader.size, reader.holds, reader.node) == (0, "no card", "")
    assert bench.pull(1) == "new-1"
    bench.insert(1, "new-1")
    (reader,) = bench.drives()
    assert reader.size
    assert reader.node == "cam-0101"


def test_a_card_that_breaks_fails_and_one_that_is_mended_does_not(bench, make):
    bench.insert(1, "new-1")
    bench.afflict("new-1", BROKEN)
    with pytest.raises(FlasherError):
        make()
    bench.afflict("new-1", FORGETFUL)
    with pytest.raises(FlasherError):
        make()
    bench.afflict("new-1", WELL)
    assert make().bytes_verified


def test_a_slow_card_is_warned_of(tmp_path):
    bench = PracticeBench(tmp_path / "practice", pace=Pace(400e6, 900e6))
    bench.afflict("small-1", CRAWLING)
    bench.insert(1, "small-1")
    (drive,) = bench.drives()
    notes = []
    with bench.hold(drive) as target:
        probe_card(target, drive.size, emit=notes.append)
    assert any("slow" in note.text for note in notes if isinstance(note, Noted))


def test_who_watches_hears_at_once_of_cards_that_come_and_go(bench):
    cancel = CancelFlag()
    signal = bench.signal()
    events = watch(bench, signal, cancel)
    bench.insert(2, "new-1")
    came = next(events)
    assert isinstance(came, Appeared)
    assert (came.drive.port, came.drive.path.name) == ("reader-2", "reader-2")
    bench.pull(2)
    assert isinstance(next(events), Gone)
    assert signal.wait(0) is False


def test_new_cards_may_start_by_themselves_and_those_of_others_may_not(bench):
    for reader, name in enumerate(("new-1", "photos-1", "disk-1"), 1):
        bench.insert(reader, name)
    assert [may_start_by_itself(drive) for drive in bench.drives()] == [True, False, False]


def test_a_card_is_in_one_place_and_a_reader_takes_one_card(bench):
    bench.insert(1, "new-1")
    with pytest.raises(BadInput, match="no room"):
        bench.insert(1, "new-2")
    with pytest.raises(BadInput, match="another reader"):
        bench.insert(2, "new-1")
    with pytest.raises(BadInput, match="no card"):
        bench.insert(2, "gold-1")
    assert bench.pull(3) is None


def test_on_another_day_all_cards_lie_in_the_box_as_they_were(bench, make, tmp_path):
    bench.insert(1, "new-1")
    make()
    again = PracticeBench(tmp_path / "practice")
    assert again.drives() == ()
    (made,) = [card for card in again.box() if card.name == "new-1"]
    assert made.drive.node == "cam-0101"
    assert again.fresh() == "new-2"


def test_cards_take_no_room_before_they_are_written(bench):
    for reader, name in enumerate(("new-1", "counterfeit-1", "slow-1"), 1):
        bench.insert(reader, name)
    assert sum(bench.path_of(reader).stat().st_blocks for reader in bench.readers) == 0


def test_the_box_is_for_its_owner_alone_and_has_no_secrets_of_the_site(bench, rig, tmp_path):
    for reader, name in enumerate(("own-1", "failed-1", "photos-1"), 1):
        bench.insert(reader, name)
        assert bench.path_of(reader).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "practice").stat().st_mode & 0o777 == 0o700
    for reader in (1, 2):
        secrets = run(["mtype", "-i", boot_of(bench.path_of(reader)), "::/autosetup/secrets.toml"])
        assert "only for practice" in secrets.text
        assert not any(phrase in secrets.text for phrase in rig.secrets.wifi_passphrases.values())
        assert str(rig.secrets.password_hash) not in secrets.text


def test_two_programs_do_not_pull_each_others_cards(bench, tmp_path):
    bench.insert(1, "new-1")
    other = f"""
from pathlib import Path
from flasher.errors import BadInput
from flasher.practice.bench import PracticeBench
try:
    PracticeBench(Path({str(tmp_path / "practice")!r}))
except BadInput as error:
    print(error.code)
"""
    assert run([sys.executable, "-c", other]).text.strip() == "practice-in-use"
    assert bench.path_of(1).exists()


def test_under_sudo_the_cards_belong_to_the_person_who_called(bench, monkeypatch):
    monkeypatch.setenv("SUDO_UID", "1234")
    monkeypatch.setenv("SUDO_GID", "1234")
    bench.insert(1, "new-1")
    bench.insert(2, "photos-1")
    assert {bench.path_of(reader).stat().st_uid for reader in (1, 2)} == {1234}
