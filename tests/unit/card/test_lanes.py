"""Many drives at once: none waits for another, and what each came to is a value."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from flasher.card.lanes import Lane, run_lanes
from flasher.errors import Cancelled, FlasherError
from flasher.events import CancelFlag, Emit, Event, Noted, check_cancelled, ignore


def lane(name: str, work: Callable[[Emit], str]) -> Lane[str]:
    return Lane(name, work)


def test_all_run_at_the_same_time() -> None:
    meet = threading.Barrier(4)

    def work(_emit: Emit) -> str:
        meet.wait(30)
        return "done"

    lanes = [lane(f"sd{letter}", work) for letter in "abcd"]
    assert run_lanes(lanes, emit=ignore, cancel=CancelFlag()) == ("done",) * 4


def test_one_that_fails_is_a_value_and_the_others_go_on() -> None:
    broken = FlasherError("card-failed", "It failed.", "Try again.")

    def fail(_emit: Emit) -> str:
        raise broken

    def stumble(_emit: Emit) -> str:
        raise ZeroDivisionError

    lanes = [lane("a", fail), lane("b", lambda _emit: "done"), lane("c", stumble)]
    first, second, third = run_lanes(lanes, emit=ignore, cancel=CancelFlag())
    assert (first, second) == (broken, "done")
    assert isinstance(third, FlasherError)
    assert third.code == "internal"


def test_what_lanes_tell_is_heard_in_the_callers_thread() -> None:
    heard: list[tuple[str, threading.Thread]] = []

    def emit(event: Event) -> None:
        heard.append((event.subject, threading.current_thread()))

    def work(say: Emit) -> str:
        say(Noted("a", "hello"))
        return "done"

    run_lanes([lane("a", work)], emit=emit, cancel=CancelFlag())
    assert heard == [("a", threading.current_thread())]


def test_a_drive_that_does_not_answer_is_told_while_the_others_finish() -> None:
    others_done, let_go = threading.Event(), threading.Event()
    warned: list[str] = []

    def hang(_emit: Emit) -> str:
        let_go.wait(60)
        return "late"

    def work(_emit: Emit) -> str:
        others_done.set()
        return "done"

    def emit(event: Event) -> None:
        assert isinstance(event, Noted)
        assert others_done.wait(60)
        warned.append(event.subject)
        let_go.set()

    lanes = [lane("slow", hang), lane("good", work)]
    outcomes = run_lanes(lanes, emit=emit, cancel=CancelFlag(), patience=0.2)
    assert outcomes == ("late", "done")
    assert warned == ["slow"]


def test_when_it_is_cancelled_all_end_and_one_that_does_not_answer_is_left() -> None:
    cancel, for_ever = CancelFlag(), threading.Event()

    def hang(_emit: Emit) -> str:
        for_ever.wait()
        return "never"

    def work(say: Emit) -> str:
        say(Noted("good", "begun"))
        cancel.wait(60)
        check_cancelled(cancel, "Writing good")
        return "too late"

    def stop(_event: Event) -> None:
        cancel.set()

    hanging, stopped = run_lanes(
        [lane("hung", hang), lane("good", work)], emit=stop, cancel=cancel, grace=0.2
    )
    for_ever.set()
    assert isinstance(stopped, Cancelled)
    assert isinstance(hanging, FlasherError)
    assert hanging.code == "no-answer"


def test_an_interrupt_stops_all_lanes_before_it_goes_on() -> None:
    cancel, ended = CancelFlag(), threading.Event()

    def work(say: Emit) -> str:
        say(Noted("a", "begun"))
        cancel.wait(60)
        ended.set()
        return "ended"

    def interrupt(_event: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_lanes([lane("a", work)], emit=interrupt, cancel=cancel)
    assert ended.is_set()
