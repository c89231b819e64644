"""The site that a command is about: loaded, and unlocked by whoever can."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import cache
from typing import TypeVar

from flasher.commands._secret_input import read_line, type_secret
from flasher.console import Console
from flasher.errors import BadInput
from flasher.rig.site import Site, SiteSecrets, load_site
from flasher.rig.site_secrets import Unlock

_ATTEMPTS = 3

T = TypeVar("T")


def add_unlock(parser: argparse._ActionsContainer) -> None:
    """Add the option for the passphrase of a locked site; without it, the person is asked."""
    parser.add_argument(
        "--unlock-fd", type=int, help="file descriptor to read a locked site's passphrase from"
    )


def unlock_by(args: argparse.Namespace, console: Console) -> Unlock:
    """Knows the passphrase of a locked site from the file descriptor, or asks for it."""

    @cache
    def from_descriptor() -> str:
        return read_line(args.unlock_fd, "The site's passphrase")

    def unlock(site: str) -> str | None:
        if args.unlock_fd is not None:
            return from_descriptor()
        return type_secret(f"Passphrase of the site {site}") if console.interactive else None

    return unlock


def unlocking(action: Callable[[Unlock], T], args: argparse.Namespace, console: Console) -> T:
    """Do what needs a site's secrets; somebody who mistypes the passphrase is asked again.

    Raises:
        BadInput: ``site-locked``, ``wrong-passphrase``, and what the action raises.
    """
    unlock = unlock_by(args, console)
    asked = console.interactive and args.unlock_fd is None
    for left in reversed(range(_ATTEMPTS if asked else 1)):
        try:
            return action(unlock)
        except BadInput as error:
            if error.code != "wrong-passphrase" or not left:
                raise
            console.error(error)
    raise AssertionError  # the last attempt returns or raises


def load(name: str, args: argparse.Namespace, console: Console) -> tuple[Site, SiteSecrets]:
    """A site and its secrets, by name or path; raises as `load_site`."""
    return unlocking(lambda unlock: load_site(name, unlock), args, console)


def unlocked(name: str, args: argparse.Namespace, console: Console) -> Unlock:
    """Knows the passphrase of a site that was asked for once, and was right.

    Raises:
        BadInput, BadDocument: as `load_site`.
    """
    given: list[str | None] = [None]

    def attempt(unlock: Unlock) -> None:
        def noting(site: str) -> str | None:
            given[0] = unlock(site)
            return given[0]

        load_site(name, noting)

    unlocking(attempt, args, console)
    return lambda _site: given[0]
