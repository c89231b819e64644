"""Man pages, made from what `--help` is made from."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from flasher import __version__, cli
from flasher.arguments import Parser

_ENVIRONMENT = {
    "FLASHER_DATA": "Where sites, profiles, images and the ledger lie, "
    "instead of ~/.local/share/flasher.",
    "FLASHER_CACHE": "Where lies what can be made again: layers, and images unpacked.",
    "LANGUAGE, LC_ALL, LC_MESSAGES, LANG": "The wizard's language.",
    "NO_COLOR": "No colours.",
}
_STATUS = {
    "0": "Done.",
    "1": "Tried, and it failed.",
    "2": "It could not be asked: wrong arguments, or a file with faults.",
    "3": "Refused for safety; no switch overrides it.",
    "4": "Cancelled by the person in front of it.",
    "5": "This computer lacks something; flasher doctor says what.",
    "130": "Interrupted.",
}


def man_pages(epoch: int) -> dict[str, str]:
    """All pages, roff by file name: ``flasher.1`` and one for each command.

    Args:
        epoch: the time that the pages bear, in seconds since 1970.
    """
    names = ["flasher", *(f"flasher-{command}" for command in cli.COMMANDS)]
    date = datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d")
    pages = {"flasher.1": _page("flasher", cli.top_parser(), date, names)}
    for command in cli.COMMANDS:
        name = f"flasher-{command}"
        pages[f"{name}.1"] = _page(name, cli.command_parser(command), date, names)
    return pages


def roff(text: str) -> str:
    """Text as roff shows it unchanged."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga")
    escaped = escaped.replace("'", "\\(aq").replace("^", "\\(ha").replace("~", "\\(ti")
    return re.sub(r"^(?=\.)", r"\\&", escaped, flags=re.MULTILINE)


class _Roff(argparse.HelpFormatter):
    """Gathers a parser's help as roff; argparse calls it as it calls its own formatters."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog)
        self._lines: list[str] = []

    def add_usage(self, *_: object, **__: object) -> None:
        """The synopsis has it."""

    def start_section(self, heading: str | None) -> None:
        """A heading."""
        self._lines.append(f'.SH "{roff((heading or "").upper())}"')

    def end_section(self) -> None:
        """The next one ends it. A section without contents is none."""
        if self._lines[-1].startswith(".SH"):
            self._lines.pop()

    def add_text(self, text: str | None) -> None:
        """Paragraphs, as argparse has them."""
        for at, part in enumerate(text.split("\n\n") if text else ()):
            heading, _, shown = part.partition("\n")
            if heading.startswith("example"):
                self._lines += [".SH EXAMPLE", ".nf", roff(shown.strip("\n")), ".fi"]
            elif not heading.startswith(("actions", "commands")):  # they follow
                self._lines += [*([".PP"] if at else []), *map(_line, part.splitlines())]

    def add_arguments(self, actions: Iterable[argparse.Action]) -> None:
        """Each argument with what it is for."""
        for action in actions:
            if action.help != argparse.SUPPRESS and action.dest != "command":
                words = (action.help or "") % {"prog": self._prog, **vars(action)}
                self._lines += [".TP", _term(action), roff(words) or "\\&"]

    def format_help(self) -> str:
        """The page."""
        return "\n".join(self._lines)


def _line(text: str) -> str:
    return roff(text.strip())


def _term(action: argparse.Action) -> str:
    value = action.metavar or action.dest.upper()
    value = " ".join(value) if isinstance(value, tuple) else value
    if not action.option_strings:
        return f"\\fI{roff(value)}\\fR"
    names = ", ".join(f"\\fB{roff(name)}\\fR" for name in action.option_strings)
    return names if action.nargs == 0 else f"{names} \\fI{roff(value)}\\fR"


def _page(name: str, parser: Parser, date: str, names: list[str]) -> str:
    command = name.removeprefix("flasher-")
    does = cli.COMMANDS.get(command, "makes the SD cards of a rig of Raspberry Pis")
    usage, body = _told(parser)
    lines = [
        f'.TH {name.upper()} 1 {date} "flasher {__version__}" "User Commands"',
        ".SH NAME",
        f"{roff(name)} \\- {roff(does)}",
        ".SH SYNOPSIS",
        usage,
        ".SH DESCRIPTION",
        body,
        *(line for each in parser.actions.values() for line in _action(each)),
    ]
    if name == "flasher":
        lines += [".SH COMMANDS", *_terms(cli.COMMANDS), ".SH ENVIRONMENT", *_terms(_ENVIRONMENT)]
    others = [f".BR {roff(other)} (1)" for other in names if other != name]
    lines += [".SH EXIT STATUS", *_terms(_STATUS), ".SH SEE ALSO", *_listed(others)]
    return "\n".join(lines) + "\n"


def _action(parser: Parser) -> list[str]:
    """A section for an action of a command; its own sections are below it."""
    usage, body = _told(parser)
    below = re.sub(r'^\.SH "?([^"\n]+)"?$', _subsection, body, flags=re.MULTILINE)
    return [f'.SH "{roff(parser.prog.upper())}"', usage, ".PP", below]


def _subsection(heading: re.Match[str]) -> str:
    return f'.SS "{heading[1].capitalize()}"'


def _told(parser: Parser) -> tuple[str, str]:
    """The usage and the help of a parser, as roff."""
    usage = " ".join(parser.format_usage().split()).removeprefix("usage: ")
    parser.formatter_class = _Roff
    return roff(usage), parser.format_help()


def _terms(terms: Mapping[str, str]) -> list[str]:
    return [
        word for term, does in terms.items() for word in (".TP", f".B {roff(term)}", roff(does))
    ]


def _listed(others: list[str]) -> list[str]:
    return [f"{other} ," for other in others[:-1]] + others[-1:]
