"""When what failed is tried again."""

from __future__ import annotations

from autosetup.retry import is_tried_again, pause_after

PAUSES = (30.0, 120.0, 600.0, 3600.0)


def test_the_pauses_grow_and_the_last_one_holds() -> None:
    plain = [pause_after(attempt, PAUSES, "cam-1") for attempt in range(1, 8)]
    for pause, least in zip(plain, (*PAUSES, 3600, 3600, 3600), strict=True):
        assert least <= pause <= 1.25 * least


def test_two_nodes_do_not_come_back_together_and_one_keeps_to_its_word() -> None:
    pauses = {pause_after(1, PAUSES, f"cam-{number}") for number in range(100)}
    assert len(pauses) == 100
    assert pause_after(3, PAUSES, "cam-1") == pause_after(3, PAUSES, "cam-1")


def test_what_is_wrong_with_the_payload_itself_is_not_tried_again() -> None:
    assert is_tried_again("script-failed")
    assert is_tried_again("of-the-future")
    assert not is_tried_again("payload-refused")
    assert not is_tried_again("script-reboots")
