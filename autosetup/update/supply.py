"""The bytes of a release, from the source that told of it or from any that comes after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from autosetup.errors import AgentError
from autosetup.update.fetch import Fetched, Wanted
from autosetup.update.store import Store

# Else it is the node's own trouble, and no other source mends it.
_OF_A_SOURCE = ("source-failed", "update-refused")


class Supply:
    """A source, and what to fall back on where it cannot give a file that it told of.

    A file is known by its digest, so whoever has it has the same one: a stick helps where a mirror
    has the metadata and lost its uplink.

    Args:
        first: the source that is asked first.
        others: those to ask then; each holds until the next one is taken from it.
    """

    def __init__(self, first: Store, others: Iterator[Store]) -> None:
        self.first = first
        self._store, self._others = first, others

    def fetch(
        self,
        fetched: Fetched,
        wanted: Wanted,
        below: str = "",
        progress: Callable[[int], None] = lambda _: None,
    ) -> Path:
        """Have a file, see `Fetched.fetch`; whoever could not give one is not asked again.

        Args:
            fetched: where it is to be.
            wanted: which.
            below: the folder of the repository, such as ``targets``.
            progress: called with the number of bytes that came.

        Raises:
            AgentError: what was wrong with the source that was asked first for it.
        """
        trouble = None
        while True:
            store = self._store.below(below) if below else self._store
            try:
                return fetched.fetch(store, wanted, progress)
            except AgentError as error:
                trouble = trouble or error
                if error.code not in _OF_A_SOURCE:
                    raise
            following = next(self._others, None)
            if following is None:
                raise trouble
            self._store = following
