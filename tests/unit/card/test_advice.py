"""What an autopsy comes to, for each state in which a card can be found."""

from __future__ import annotations

import pytest

from autosetup.codes import CODES
from autosetup.settings import Manifest
from autosetup.status import Status
from autosetup.trust import Signature
from flasher.card.advice import advise
from flasher.card.inspect import CardReport

MANIFEST = Manifest(1, 7, "cam-0101", "ab" * 16, "1" * 64, "2" * 64, "", "3" * 64, {})


def report(status: Status | None = None, **more: object) -> CardReport:
    return CardReport("", manifest=MANIFEST, status=status, **more)  # type: ignore[arg-type]


def spoiled(status: Status | None, *, is_writable: bool = True) -> CardReport:
    problems = ("manifest.json: …",)
    signature = Signature("unsigned") if is_writable else None
    return CardReport(
        "", status=status, problems=problems, signature=signature, is_writable=is_writable
    )


@pytest.mark.parametrize("code", CODES)
def test_a_failure_is_explained_with_what_to_do(code: str) -> None:
    advice = advise(report(Status("failed", node="cam-0101", code=code)))
    assert advice.cause == CODES[code].means
    assert advice.todo.startswith(CODES[code].remedy)
    assert advice.again == CODES[code].again


@pytest.mark.parametrize(
    ("generation", "card_id", "node"),
    [(8, "ab" * 16, "cam-0102"), (7, "ab" * 16, "cam-0101"), (8, "cd" * 16, "cam-0101")],
)
def test_a_card_that_was_released_for_another_node_is_that_nodes(
    generation: int, card_id: str, node: str
) -> None:
    said = Status("done", node="cam-0102", generation=generation, card_id=card_id)
    assert report(said).node == node


def test_a_code_of_a_newer_agent_is_tried_again() -> None:
    assert advise(report(Status("failed", code="of-the-future"))).again


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (report(), "start it"),
        (report(started=True), "flasher rehearse"),
        (report(Status("applying", step="users")), "it goes on there"),
        (report(Status("waiting", node="cam-0101")), "it tries again"),
        (report(problems=("node.toml: changed",)), "new payload"),
        (spoiled(Status("failed", node="cam-0101")), "new payload"),
        (spoiled(None), "Prepare the card again"),
        (spoiled(Status("failed", node="cam-0101"), is_writable=False), "Prepare the card again"),
        (report(problems=("status.json:1:1: torn",)), "start it"),
        (report(Status("failed", generation=6), from_record=True), "a newer one"),
    ],
)
def test_each_other_state_says_what_comes_next(found: CardReport, told: str) -> None:
    assert told in advise(found).todo


@pytest.mark.parametrize("code", CODES)
def test_what_was_taken_back_is_explained_and_wants_a_new_payload(code: str) -> None:
    status = Status("rolled-back", generation=6, failed_generation=7, code=code)
    advice = advise(report(status))
    assert advice.cause == f"Generation 7 was taken back. {CODES[code].means}"
    assert advice.todo.startswith("The node works with generation 6. Give it a new payload")
    assert not advice.again


def test_a_node_that_is_done_and_a_card_of_others_need_nothing() -> None:
    assert advise(report(Status("done"))).todo == ""
    assert advise(CardReport("empty")).todo == ""
