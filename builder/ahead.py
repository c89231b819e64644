"""Packages fetched while the layers below them are being made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

from builder.lock import LockedGroup
from builder.pool import Pool
from flasher.events import CancelFlag, check_cancelled

_LOOK_SECONDS = 0.1


@contextmanager
def fetching_ahead(
    pool: Pool, groups: Iterable[LockedGroup], cancel: CancelFlag
) -> Iterator[Callable[[str], None]]:
    """Fetch groups one after another during the block.

    Args:
        pool: for which nothing else is fetched meanwhile.
        groups: in the order in which they are needed.
        cancel: ends the waiting.

    Yields:
        What waits until a group is there, by its name, and raises what `Pool.fetch` raised for it;
        names of no group are there at once.
    """
    stop = CancelFlag()

    def fetch(group: LockedGroup) -> tuple[Path, ...]:
        check_cancelled(stop, "The download")
        try:
            return pool.fetch(group.packages, cancel=stop)
        except BaseException:
            stop.set()  # what failed for one would fail for those above it, and be told twice
            raise

    with ThreadPoolExecutor(1) as worker:
        jobs: dict[str, Future[tuple[Path, ...]]] = {
            group.name: worker.submit(fetch, group) for group in groups
        }

        def wait_for(name: str) -> None:
            job = jobs.get(name)
            while job and not wait((job,), _LOOK_SECONDS).done:
                check_cancelled(cancel, "The build")
            if job:
                job.result()

        try:
            yield wait_for
        finally:
            stop.set()
            worker.shutdown(cancel_futures=True)
