"""What people type after a command: its faults are told as all others are, with what was meant."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from flasher.errors import BadInput, did_you_mean


@dataclass(frozen=True, slots=True)
class Action:
    """One of the things that a command does, such as `flasher release new`.

    Attributes:
        does: what it does, in a few words.
        example: a command line, or several.
        arguments: what adds its arguments, in the order of its help.
    """

    does: str
    example: str
    arguments: Sequence[Callable[[argparse.ArgumentParser], None]] = ()


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
        self.actions: Mapping[str, Parser] = {}
        self.others: Iterable[Parser] = ()

    def add_json(self) -> None:
        """Add the option that all commands and actions have."""
        self.add_argument("--json", action="store_true", help="print JSON, one object a line")

    def add_actions(self, actions: Mapping[str, Action]) -> None:
        """Give a command several things to do, each with arguments of its own."""
        self.add_argument("action", choices=tuple(actions), help=argparse.SUPPRESS)
        self.usage = f"{self.prog} ACTION [OPTION…]"
        does = {name: action.does for name, action in actions.items()}
        self.epilog = f"{listed('actions', does)}\n\n{self.epilog}"
        self.actions = {name: self._of_action(name, action) for name, action in actions.items()}
        for each in self.actions.values():
            each.others = self.actions.values()

    def _of_action(self, name: str, action: Action) -> Parser:
        does = f"{action.does[:1].upper()}{action.does[1:]}."
        parser = Parser(f"{self.prog} {name}", does, f"example:\n  {action.example}")
        parser.set_defaults(action=name)
        parser.add_json()
        for add in action.arguments:
            add(parser)
        return parser

    @property
    def options(self) -> dict[str, argparse.Action]:
        """The options by name, those of the command's actions included."""
        parsers = self.actions.values()
        options = {name: option for each in parsers for name, option in each.options.items()}
        return options | self._option_string_actions

    def parsed(self, words: Sequence[str]) -> argparse.Namespace:
        """The arguments, in whatever order; ``action`` names the command's action, if it has any.

        Raises:
            BadInput: ``usage``.
        """
        at = self._place_of_action(words)
        if at is not None and words[at] in self.actions:
            return self.actions[words[at]].parsed([*words[:at], *words[at + 1 :]])
        self._refuse_unknown(words)
        if self.actions:  # what stands around an action that is none, or missing, says nothing
            own = self._option_string_actions
            words = [word for word in words if word in own] if at is None else [words[at]]
        return self.parse_intermixed_args(words)

    def error(self, message: str) -> NoReturn:
        """As argparse found it."""
        raise BadInput(
            "usage", f"{message[:1].upper()}{message[1:]}.", f"See `{self.prog} --help`."
        )

    def _place_of_action(self, words: Sequence[str]) -> int | None:
        """Where the first word stands that is no option and no option's value; only of actions."""
        options, before = self.options, ""
        for at, word in enumerate(words) if self.actions else ():
            is_value = before in options and options[before].nargs != 0
            if not (is_value or word.startswith("-")):
                return at
            before = word
        return None

    def _refuse_unknown(self, words: Iterable[str]) -> None:
        """An unknown option is told before the word after it is taken for something else."""
        known = self.options
        for word in words:
            if word == "--":
                return
            name = word.partition("=")[0]
            if name.startswith("--") and " " not in name and name not in known:
                hint = self._elsewhere(name) or did_you_mean(name, known)
                hint = hint or f"See `{self.prog} --help`."
                raise BadInput("usage", f"`{self.prog}` has no option {name}.", hint)

    def _elsewhere(self, option: str) -> str:
        """Which other actions of the command have it; empty where none does."""
        progs = [f"`{each.prog}`" for each in self.others if option in each.options]
        return f"It is an option of {', '.join(progs)}." if progs else ""

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            name = "/".join(action.option_strings) or action.metavar or action.dest
            choices = [str(choice) for choice in action.choices]
            hint = did_you_mean(str(value), choices) or f"Choose one of: {', '.join(choices)}."
            raise BadInput("usage", f"{value!r} is no {name} of `{self.prog}`.", hint)


def listed(what: str, does: Mapping[str, str]) -> str:
    """The part of a help that lists commands or actions, a line for each."""
    width = max(map(len, does))
    lines = (f"  {name:<{width}}  {text}" for name, text in does.items())
    return "\n".join((f"{what} (each has --help):", *lines))


def separated(text: str) -> list[str]:
    """The words of an option that takes several, separated by commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


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
