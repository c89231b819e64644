"""Where updates come from: the address that the node was told, its network, a stick."""

from __future__ import annotations

from collections.abc import Callable, Generator

from autosetup.browse import FLASHER, REPOSITORY, Offered, a_few, offered
from autosetup.settings import Update
from autosetup.system import System
from autosetup.update.stick import Partition, plugged_in, sticks
from autosetup.update.store import Store
from autosetup.update.web import Patience, web_at


def sources(
    system: System,
    update: Update,
    *,
    patience: Patience | None = None,
    partitions: Callable[[System], list[Partition]] = plugged_in,
) -> Generator[Store, None, None]:
    """The repositories that this node may ask, in the order in which it does.

    Each is closed when the next one is asked for, or this iterator is closed.

    Args:
        system: the node.
        update: what it was told.
        patience: with servers.
        partitions: lists what is plugged in.
    """
    # People give either the repository's address, or that of the server that has it.
    told = [update.source, f"{update.source.rstrip('/')}/{REPOSITORY}"] if update.source else []
    yield from _open(told, update, patience)
    yield from _open(addresses(offered(system, FLASHER), update.site), update, patience)
    yield from sticks(system, partitions)


def addresses(services: list[Offered], site: str) -> list[str]:
    """The repositories of a site among what servers on the network say of themselves."""
    theirs = (one.url for one in services if one.url and one.texts.get("site") == site)
    return [f"{url}/{REPOSITORY}/" for url in a_few(theirs)]


def _open(
    told: list[str], update: Update, patience: Patience | None
) -> Generator[Store, None, None]:
    for address in told:
        store = web_at(address, update.authority, patience)
        try:
            yield store
        finally:
            store.close()
