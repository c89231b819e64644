"""To which generation a node returns, when, and what is remembered of the one that fell."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from autosetup import rollback
from autosetup.card import digest_of
from autosetup.errors import AgentError
from autosetup.journal import Journal
from autosetup.record import Fallen, Good, Record, read_record
from autosetup.status import Status
from tests.unit.autosetup.sample_payloads import GENERATION, packed

OLDEST, OLD, NEW = GENERATION - 2, GENERATION - 1, GENERATION
FELL = Fallen(NEW, "d" * 64, "scripts", "script-failed", "It failed.", "Mend it.")
AT_WORK = Record(
    "d" * 64,
    Status("applying", generation=NEW, step="scripts"),
    good=(Good(OLD, reached=True), Good(OLDEST, reached=False)),
    starts=1,
)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    kept = Journal(tmp_path)
    for generation in (OLDEST, OLD, NEW):
        kept.keep(generation, packed(generation=generation))
    return kept


def test_a_record_with_all_it_can_tell_is_read_as_it_was_written() -> None:
    record = dataclasses.replace(AT_WORK, fallen=FELL, scripts=("a", "b"))
    assert read_record(record.to_json()) == record


def test_a_new_generation_falls_back_to_the_newest_good_one() -> None:
    assert rollback.ways_back(AT_WORK) == (OLD, OLDEST)


def test_without_a_good_one_there_is_no_way_back() -> None:
    assert rollback.ways_back(dataclasses.replace(AT_WORK, good=())) == ()


def test_a_good_one_is_not_taken_back_for_a_fault_that_it_did_not_bring() -> None:
    status = dataclasses.replace(AT_WORK.status, generation=OLD)
    assert rollback.ways_back(dataclasses.replace(AT_WORK, status=status)) == ()
    assert rollback.ways_back(dataclasses.replace(AT_WORK, status=status, fallen=FELL)) == ()


def test_the_way_back_begins_with_the_good_payload_and_tells_of_the_bad_one(
    journal: Journal,
) -> None:
    back = rollback.begin(journal, AT_WORK, (OLD, OLDEST), FELL)
    assert back is not None
    assert (back.status.state, back.generation) == ("applying", OLD)
    assert back.digest == digest_of(journal.payload(OLD)["manifest.json"])
    assert (back.fallen, back.newest) == (FELL, (NEW, "d" * 64))


def test_a_spoiled_copy_is_passed_over(journal: Journal) -> None:
    (journal.payload_folder(OLD) / "node.toml").write_bytes(b"\0" * 100)
    back = rollback.begin(journal, AT_WORK, (OLD, OLDEST), FELL)
    assert back is not None
    assert back.generation == OLDEST
    assert rollback.begin(journal, AT_WORK, (OLD,), FELL) is None


def test_what_is_told_of_the_bad_one_is_plain_and_without_secrets() -> None:
    error = AgentError("script-failed", "It said\ncorrect horse.", "Mend it.")
    fallen = rollback.fallen(AT_WORK, error, ("correct horse",))
    assert fallen == dataclasses.replace(FELL, reason="It said <secret>.")


def test_the_last_two_good_generations_are_remembered() -> None:
    good = rollback.proven(AT_WORK, reached=True)
    assert good == (Good(NEW, reached=True), Good(OLD, reached=True))


def test_a_good_one_that_is_taken_back_is_good_no_longer(journal: Journal) -> None:
    good = (Good(NEW, reached=True), *AT_WORK.good)
    done = dataclasses.replace(AT_WORK, good=good)
    back = rollback.begin(journal, done, (OLD, OLDEST), FELL)
    assert back is not None
    assert [g.generation for g in rollback.proven(back, reached=True)] == [OLD, OLDEST]


def test_what_fell_first_stays_the_newest_when_the_next_is_taken_back_too(
    journal: Journal,
) -> None:
    back = rollback.begin(journal, AT_WORK, (OLD, OLDEST), FELL)
    assert back is not None
    error = AgentError("taken-back", "By hand.", "")
    further = rollback.begin(journal, back, (OLDEST,), rollback.fallen(back, error, ()))
    assert further is not None
    assert (further.generation, further.newest) == (OLDEST, (NEW, "d" * 64))


def test_an_address_that_the_last_good_one_had_must_not_be_lost() -> None:
    lost = rollback.lost_address(AT_WORK, ("169.254.7.7", "fe80::1"))
    assert lost is not None
    assert lost.code == "no-address"
    assert rollback.lost_address(AT_WORK, ("192.0.2.7",)) is None
    never = dataclasses.replace(AT_WORK, good=(Good(OLD, reached=False),))
    assert rollback.lost_address(never, ()) is None
    back = dataclasses.replace(AT_WORK, fallen=FELL)
    assert rollback.lost_address(back, ()) is None


def test_runs_cut_short_in_one_step_are_counted_and_the_third_is_the_last() -> None:
    begun = [dataclasses.replace(AT_WORK, starts=number) for number in (1, 2, 3)]
    assert list(map(rollback.is_stuck, begun)) == [False, False, True]
    alone = dataclasses.replace(begun[2], good=())
    assert not rollback.is_stuck(alone)
