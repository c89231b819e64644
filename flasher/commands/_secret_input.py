"""Secrets as commands get them: typed, or from a file descriptor; never an argument others see."""

from __future__ import annotations

import getpass
import os

from flasher.console import Console
from flasher.errors import BadInput, Cancelled


def new_secret(what: str, descriptor: int | None, console: Console, option: str) -> str:
    """A secret that is made up now, typed twice.

    Args:
        what: it is, such as ``Password for scanner``.
        descriptor: to read one line from; None asks the person.
        console: of the command.
        option: that gives the descriptor, for whoever cannot be asked.

    Raises:
        BadInput: ``no-secret``, ``secrets-differ``, ``empty-secret``, ``unreadable-secret``.
    """
    if descriptor is not None:
        return _not_empty(what, read_line(descriptor, what))
    if not console.interactive:
        raise BadInput("no-secret", f"{what}: nobody is here to type it.", f"Use {option}.")
    secret = type_secret(what)
    if type_secret(f"{what}, again") != secret:
        raise BadInput("secrets-differ", "The two were not the same.", "Try again.")
    return _not_empty(what, secret)


def known_secret(what: str, descriptor: int | None, console: Console, option: str) -> str:
    """A secret that was made up before, typed once; raises as `new_secret`."""
    if descriptor is None and console.interactive:
        return _not_empty(what, type_secret(what))
    return new_secret(what, descriptor, console, option)


def type_secret(what: str) -> str:
    """Ask the person, without showing what is typed; the end of input cancels."""
    try:
        return getpass.getpass(f"{what}: ")
    except EOFError:
        raise Cancelled("The command") from None


def read_line(descriptor: int, what: str) -> str:
    """The first line of a file descriptor, without its end, and without an editor's mark before it.

    Raises:
        BadInput: ``unreadable-secret``.
    """
    try:
        with os.fdopen(descriptor, encoding="utf-8-sig") as stream:
            return stream.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            "unreadable-secret",
            f"{what} cannot be read from file descriptor {descriptor}.",
            "Open it for the command, as in `--password-fd 3 3<file`; one descriptor for each.",
        ) from error


def _not_empty(what: str, secret: str) -> str:
    if not secret:
        raise BadInput("empty-secret", f"{what} is empty.", "Type at least one character.")
    return secret
