"""Where the board is: at the address that the node was told, or at one that answers nearby."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from autosetup.browse import FLASHER, Offered, a_few, offered
from autosetup.settings import Update
from autosetup.system import System

# The board that heard this node last; gone with the next boot.
HEARD_BY = "/run/autosetup/board"


def boards(system: System, update: Update) -> tuple[str, ...]:
    """Addresses to try, the likeliest first; none where nobody answers for the site."""
    return (update.board,) if update.board else of_site(offered(system, FLASHER), update)


def of_site(found: Iterable[Offered], update: Update) -> tuple[str, ...]:
    """The addresses of those that serve the site of these settings.

    A node that knows the site's certificate goes to nobody who cannot show one that it signed.
    """
    urls = (one.url for one in found if one.url and _is_meant(one, update))
    # The same order on every node: those that find two boards shall be heard by one.
    return tuple(sorted(a_few(urls), key=lambda url: (_is_ipv6(url), url)))


def heard_by(system: System) -> str:
    """The address of the board that takes this node's reports; empty where none is known."""
    with suppress(OSError, UnicodeError):
        return system.read(HEARD_BY).decode().strip()
    return ""


def keep_heard_by(system: System, address: str) -> None:
    """Let it be known which board takes this node's reports; an empty address for none."""
    with suppress(OSError):
        system.write_all({HEARD_BY: address.encode()})


def _is_meant(one: Offered, update: Update) -> bool:
    is_guarded = one.texts.get("tls") == "1" or not update.authority
    is_board = one.texts.get("board") != "0"
    return is_board and is_guarded and one.texts.get("site") == update.site


def _is_ipv6(url: str) -> bool:
    return "[" in url
