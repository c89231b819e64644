"""The bench stays open all day: what its line of keys shows no more is let go."""

from __future__ import annotations

import gc

from textual.widgets._footer import FooterKey

from flasher.tui.widgets.key_line import KeyLine


def keys_of_the_past() -> int:
    """Keys that are on no screen any more, and still there."""
    gc.collect()
    return sum(isinstance(one, FooterKey) and not one.is_attached for one in gc.get_objects())


async def test_keys_that_are_shown_no_more_are_let_go(sit_down):
    async with sit_down() as technician:
        line = (await technician.go_to_bench()).query_one(KeyLine)
        kept = keys_of_the_past()
        for _ in range(5):
            first = line.children[0]
            line.refresh(recompose=True)
            await technician.until(lambda first=first: line.children and first not in line.children)
        assert keys_of_the_past() <= kept + len(line.children)
