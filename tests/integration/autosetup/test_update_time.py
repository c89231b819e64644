"""What a node takes the time for: nobody thaws what is frozen, and no wrong clock locks it out."""

from __future__ import annotations

import shutil
import time
from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from autosetup import forms
from autosetup.settings import Update
from autosetup.system import System
from autosetup.time_floor import TimeFloor, keep_floor
from autosetup.update.store import Store
from tests.integration.autosetup.released import (
    GENERATION,
    NEXT,
    Card,
    asked,
    code_of,
    offered,
    payload,
    release,
)
from tests.integration.autosetup.releases import Repository, serving

LATER = NEXT + 100
# What the clock of a laptop showed that once ran ahead.
WRONG = "2099-01-01T00:00:00Z"


def in_days(days: int) -> datetime:
    """So many days from now."""
    return datetime.now(UTC) + timedelta(days=days)


def told(days: int) -> str:
    """The same as files write it."""
    return forms.utc_text(in_days(days).timestamp())


def begin(repository: Repository, days: int) -> None:
    """Have all that is signed from now on, the root too, end in so many days."""
    repository.expires = in_days(days)
    repository.begin()


def test_a_clock_that_knows_nothing_does_not_thaw_what_is_frozen(
    card: Card, repository: Repository
) -> None:
    repository.expires = in_days(1)
    repository.stamp()
    card.generation, card.past = NEXT, (told(2),)
    assert code_of(card) == "frozen"


def test_the_time_of_the_last_good_metadata_is_kept_as_a_floor(
    card: Card, repository: Repository
) -> None:
    card.generation, card.past = NEXT, (told(2),)
    assert offered(card) == NEXT  # its metadata lasts for thirty days
    card.past = ()
    repository.expires = in_days(1)
    repository.stamp()
    assert code_of(card) == "frozen"


def test_a_release_tells_what_time_it_is_at_least(card: Card, repository: Repository) -> None:
    release(repository, payload(), released_at=told(2))
    assert offered(card) == NEXT
    card.generation = NEXT
    repository.expires = in_days(1)
    repository.stamp()
    assert code_of(card) == "frozen"


def test_what_a_release_says_of_the_time_counts_no_further_than_it_lasts(
    card: Card, repository: Repository
) -> None:
    begin(repository, 60)
    repository.expires = in_days(30)
    release(repository, payload(), released_at=WRONG)
    assert offered(card) == NEXT
    card.generation = NEXT
    repository.expires = in_days(31)
    repository.publish()
    assert offered(card) == NEXT


def test_a_release_by_a_right_clock_heals_a_node_that_a_clock_ahead_has_frozen(
    card: Card, repository: Repository
) -> None:
    begin(repository, 365)
    repository.expires = forms_time(WRONG) + timedelta(days=30)
    release(repository, payload(), released_at=WRONG)
    assert offered(card) == NEXT
    card.generation, card.past = NEXT, (WRONG,)  # applied
    repository.expires = in_days(30)
    repository.publish()
    assert code_of(card) == "frozen"  # it may be that somebody shows what is long over
    release(repository, payload(LATER), released_at=told(0))
    assert offered(card) == LATER
    card.generation = LATER  # it was tried and taken back: the payload before is in force again
    assert offered(card) == LATER
    repository.expires = in_days(-1)
    repository.stamp()
    assert code_of(card) == "frozen"


def test_a_clock_that_has_come_to_where_another_once_was_ahead_counts_again(
    card: Card, repository: Repository
) -> None:
    begin(repository, 365)
    now = int(time.time())
    # The last look was an hour ago, by a clock that has been right since then.
    keep_floor(card.folder, TimeFloor(now - 3700, now - 60))
    card.generation = NEXT
    repository.expires = datetime.fromtimestamp(now - 600, UTC)
    repository.stamp()
    assert code_of(card) == "frozen"


def test_who_has_the_key_of_the_timestamp_alone_puts_no_clock_back(
    card: Card, repository: Repository
) -> None:
    begin(repository, 365)
    assert offered(card) == NEXT
    card.generation = NEXT
    (card.folder / "verified-at").unlink()
    keep_floor(card.folder, TimeFloor(int(in_days(-2).timestamp())))
    # A release that was kept from this node, with roles that have ended since.
    repository.expires = in_days(-1)
    release(repository, payload(LATER), released_at=told(-30))
    repository.expires = in_days(-3)
    repository.stamp()
    assert code_of(card) == "frozen"


def test_what_a_clock_behind_has_signed_keeps_no_node_from_a_mirror_that_is_in_force(
    card: Card, repository: Repository, tmp_path: Path
) -> None:
    begin(repository, 365)
    release(repository, payload(), released_at=told(0))
    shutil.copytree(repository.folder, tmp_path / "copy")
    repository.expires = in_days(-300)  # renewed by a laptop whose clock is a year behind
    repository.publish()
    with serving(tmp_path / "copy") as mirror:

        def both(system: System, update: Update) -> Generator[Store, None, None]:
            yield from asked(system, update)
            yield from asked(system, replace(update, source=mirror.address))

        assert code_of(card) == "frozen"
        assert offered(card, both) == NEXT


def test_a_card_that_was_made_by_a_clock_ahead_takes_what_follows(card: Card) -> None:
    card.past = (WRONG,)
    assert card.generation == GENERATION
    assert offered(card) == NEXT


def test_a_node_that_a_server_of_time_keeps_right_believes_no_other_time(
    card: Card, repository: Repository
) -> None:
    card.generation, card.past, card.is_timed = NEXT, (WRONG,), True
    assert offered(card) == NEXT
    card.is_timed = False  # the server is gone; what it showed to be wrong stays so
    assert offered(card) == NEXT
    repository.expires = in_days(-1)
    repository.stamp()
    assert code_of(card) == "frozen"


def forms_time(text: str) -> datetime:
    """A time as files write it."""
    return datetime.fromtimestamp(forms.seconds_of(text), UTC)
