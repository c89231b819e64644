"""A card in a reader that fails as it is told."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flasher.process import leashed
from tests.faults.disk import Fault, Moved

_ROOT = Path(__file__).parents[2]
_PATIENCE_SECONDS = 60.0


class FaultyCard:
    """A loop device over a file in a file system of our own; made by `faulty_card`.

    Attributes:
        path: of the block device.
        backing: the file with what is truly on the card, past every cache.
    """

    def __init__(self, process: subprocess.Popen[str], backing: Path) -> None:
        self.process = process
        self.backing = backing
        self.path = Path(self._hear())

    def spoil(self, *faults: Fault) -> None:
        """Have other things go wrong than before; none: it is well, and back in its reader."""
        self._ask("spoil", [asdict(fault) for fault in faults])

    def cut(self) -> None:
        """Cut its power: what was not flushed is lost; `spoil` switches it on again."""
        self._ask("cut")

    def wait(self, state: str, amount: int = 1) -> None:
        """Wait until so many requests are ``held``, or met a fault (``hits``), or until so many
        bytes were ``written`` or ``read``."""
        if not self._ask("wait", state, amount, _PATIENCE_SECONDS):
            raise TimeoutError(f"{self.path}: {state} {amount}: {self.moved()}")

    def is_held(self) -> bool:
        """Whether a request waits for its answer; a moment is given for one to come."""
        return bool(self._ask("wait", "held", 1, 0.05))

    def moved(self) -> Moved:
        """What was asked of it so far."""
        told = self._ask("moved")
        log = [place and (place[0], place[1]) for place in told.pop("log")]
        return Moved(log=log, **told)

    def _ask(self, name: str, *arguments: object) -> Any:
        assert self.process.stdin
        self.process.stdin.write(json.dumps([name, arguments]) + "\n")
        self.process.stdin.flush()
        return self._hear()

    def _hear(self) -> Any:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())


@contextmanager
def faulty_card(
    backing: Path, size: int, *faults: Fault, volatile: bool = False
) -> Iterator[FaultyCard]:
    """A card of `size` bytes, kept in a sparse file; what is there already stays.

    Args:
        backing: where.
        size: bytes.
        faults: what goes wrong.
        volatile: whether a cut of its power loses what was not flushed.
    """
    with backing.open("ab") as handle:
        handle.truncate(size)
    asked = _asked(backing, faults, volatile)
    with subprocess.Popen(
        leashed([sys.executable, "-m", "tests.faults.card_process", asked]),
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield FaultyCard(process, backing)
        finally:
            process.kill()


def _asked(backing: Path, faults: Sequence[Fault], volatile: bool) -> str:
    told = [asdict(fault) for fault in faults]
    return json.dumps({"backing": str(backing.resolve()), "faults": told, "volatile": volatile})
