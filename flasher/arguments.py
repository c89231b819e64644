"""What people type after a command: its faults are told as all others are, with what was meant."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from flasher.errors import BadInput


class Parser(argparse.ArgumentParser):
    """Argument faults become the one error type; what stands for numbers must be numbers."""

    def __init__(self, prog: str, description: str | None, epilog: str) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.register("type", int, whole())
        self.register("type", float, _number)

    def parsed(self, words: Sequence[str]) -> argparse.Namespace:
        """The arguments; raises `BadInput` ``usage``."""
        self._refuse_unknown(words)
        return self.parse_intermixed_args(words)

    def error(self, message: str) -> NoReturn:
        """As argparse found it."""
        raise BadInput(
            "usage", f"{message[:1].upper()}{message[1:]}.", f"See `{self.prog} --help`."
        )

    def _refuse_unknown(self, words: Iterable[str]) -> None:
        """An unknown option is told before the word after it is taken for something else."""
        known = list(self._option_string_actions)
        for word in words:
            if word == "--":
                return
            name = word.partition("=")[0]
            if name.startswith("--") and " " not in name and name not in known:
                hint = did_you_mean(name, known) or f"See `{self.prog} --help`."
                raise BadInput("usage", f"`{self.prog}` has no option {name}.", hint)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            name = "/".join(action.option_strings) or action.metavar or action.dest
            choices = [str(choice) for choice in action.choices]
            hint = did_you_mean(str(value), choices) or f"Choose one of: {', '.join(choices)}."
            raise BadInput("usage", f"{value!r} is no {name} of `{self.prog}`.", hint)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question for the nearest of the words that are known; empty where none is near."""
    near = get_close_matches(word, known, 1)
    return f"Did you mean {near[0]}?" if near else ""


def whole(least: int | None = None, most: int | None = None) -> Callable[[str], int]:
    """What reads a whole number within bounds, both included; None for no bound."""
    bounds = f" from {least} to {most}" if least is not None and most is not None else ""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = None
        too_low = number is not None and least is not None and number < least
        too_high = number is not None and most is not None and number > most
        if number is None or too_low or too_high:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number{bounds}")
        return number

    return read


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text!r} is no number")
    return number
