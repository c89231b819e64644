"""Who may give this node its turn to update, the likeliest first."""

from __future__ import annotations

from collections.abc import Iterator

from autosetup.boards import boards, heard_by
from autosetup.browse import REPOSITORY
from autosetup.settings import Update
from autosetup.system import System
from autosetup.update.store import Store
from autosetup.update.web import Web


def givers(system: System, update: Update, store: Store | None = None) -> Iterator[str]:
    """Addresses to ask for a turn, each once.

    The board that hears this node comes first: turns follow from what nodes report, and another
    board of the site hears nothing of those that went before.

    Args:
        system: the node.
        update: what it was told.
        store: the source of the release; None where there is none.
    """
    asked = set()
    for found in _all(system, update, store):
        address = found.rstrip("/")
        if address not in asked and _may_give(address, update):
            asked.add(address)
            yield address


def _all(system: System, update: Update, store: Store | None) -> Iterator[str]:
    if known := heard_by(system):
        yield known
    yield from boards(system, update)
    if isinstance(store, Web) and (server := _server_of(store.base)):
        yield server


def _may_give(address: str, update: Update) -> bool:
    """Whether the site vouches for a server, or the payload names it, or nobody could.

    Releases may come from anybody, by their signatures; a turn has none.
    """
    named = {update.board.rstrip("/"), update.source.rstrip("/"), _server_of(update.source)}
    return not update.authority or address.startswith("https://") or address in named


def _server_of(repository: str) -> str:
    """The server whose repository this is; empty where it is none of `flasher serve`."""
    server, slash, last = repository.rstrip("/").rpartition("/")
    return server if slash and last == REPOSITORY else ""
