"""The sections of a config.txt: which of them a given board sees.

After Raspberry Pi's documentation, "Conditional filters": filters of one kind replace each other,
those of different kinds must all hold, and ``[all]`` forgets them all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from flasher.firmware.boards import Board

_MODELS = frozenset(
    {"pi0", "pi0w", "pi02", "pi1", "pi2", "pi3", "pi3+", "pi4", "pi400", "pi5", "pi500", "pi500+"}
    | {"cm0", "cm1", "cm3", "cm3+", "cm4", "cm4s", "cm5", "none"}
)
_BOARD_TYPE = re.compile(r"board-type=(0x[0-9a-fA-F]+|\d+)")
_SERIAL = re.compile(r"0x[0-9a-fA-F]+")
_PIN = re.compile(r"gpio\d+=[01]")


@dataclass(slots=True)
class Filters:
    """Which filters are in force while the lines of a config.txt go by."""

    board: Board
    _held: dict[str, bool] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        """Whether the lines that follow count for the board."""
        return all(self._held.values())

    def enter(self, name: str) -> str | None:
        """Take note of a section's name, without its brackets.

        Returns:
            Why this section is skipped though a real board might see it; None where that is sure.
        """
        if name == "all":
            self._held.clear()
            return None
        kind, holds, doubt = self._judge(name)
        self._held[kind] = holds
        return doubt

    def _judge(self, name: str) -> tuple[str, bool, str | None]:
        if name in _MODELS:
            return "model", name in self.board.models, None
        if found := _BOARD_TYPE.fullmatch(name):
            return "model", int(found[1], 0) == self.board.board_type, None
        if name == "tryboot" or name.startswith("HDMI:"):
            return name.partition(":")[0], False, None
        if name.startswith("EDID="):
            return "edid", False, "no monitor is attached"
        if _SERIAL.fullmatch(name):
            return "serial", False, "it is for one board's serial number"
        if _PIN.fullmatch(name):
            return "gpio", False, "the level of a pin is not known"
        return "unknown", False, "this kind of section is not known"
