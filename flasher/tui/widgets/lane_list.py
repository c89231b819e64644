"""All readers of the bench, one below the other; the more there are, the shorter they are."""

from __future__ import annotations

from textual import on
from textual.containers import VerticalScroll

from flasher.bench.model import Lane
from flasher.tui.lane_words import Around
from flasher.tui.widgets.lane_box import HEIGHTS, Form, LaneBox


class LaneList(VerticalScroll, can_focus=False):
    """A box for each lane. The one with the focus is always shown in full."""

    def __init__(self) -> None:
        super().__init__()
        self.current: str | None = None

    @property
    def boxes(self) -> list[LaneBox]:
        """All of them, in order."""
        return list(self.query_children(LaneBox))

    @property
    def box(self) -> LaneBox | None:
        """The one that keys are for."""
        return next((box for box in self.boxes if box.lane.reader == self.current), None)

    def show(self, lanes: tuple[Lane, ...], around: Around) -> None:
        """Show these; lanes never change their order, new ones come last."""
        boxes = {box.lane.reader: box for box in self.boxes}
        staying = {lane.reader for lane in lanes}
        for reader, box in boxes.items():
            if reader not in staying:
                box.remove()
        fresh = []
        for number, lane in enumerate(lanes, 1):
            if lane.reader in boxes:
                boxes[lane.reader].show(lane, around)
            else:
                fresh.append(LaneBox(number, lane, around))
        if fresh:
            self.mount(*fresh)
            if self.current not in staying:
                self.current = fresh[0].lane.reader
            self._fit(len(lanes))

    def on_resize(self) -> None:
        """Other forms may fit now."""
        self._fit(len(self.boxes))

    def focus_lane(self) -> None:
        """Give the focus to the lane that had it last, or to the first."""
        if box := self.box:
            self._go_to(box)

    def focus_number(self, number: int) -> None:
        """Give the focus to the lane of this number, from 1, if there is one."""
        if 0 < number <= len(self.boxes):
            self._go_to(self.boxes[number - 1])

    def _go_to(self, box: LaneBox) -> None:
        """At once: the next key, however soon it comes, is for this lane."""
        self.current = box.lane.reader
        self.screen.set_focus(box)

    @on(LaneBox.Entered)
    def _make_current(self, event: LaneBox.Entered) -> None:
        self.current = event.reader
        self._fit(len(self.boxes))

    @on(LaneBox.Stepped)
    def _step(self, event: LaneBox.Stepped) -> None:
        event.stop()
        numbers = {box.lane.reader: box.number for box in self.boxes}
        self.focus_number(numbers[event.reader] + event.by)

    def _fit(self, count: int) -> None:
        form = form_for(count, self.size.height)
        for box in self.boxes:
            box.take_form("full" if box.lane.reader == self.current else form)
        if current := self.box:
            self.call_after_refresh(current.scroll_visible, animate=False)


def form_for(count: int, height: int) -> Form:
    """The largest form in which so many lanes fit, with one of them in full."""
    forms: tuple[Form, ...] = ("full", "medium")
    for form in forms:
        if HEIGHTS["full"] + HEIGHTS[form] * (count - 1) <= height:
            return form
    return "compact"
