"""The one step that runs somebody's program: inside the image, or on this computer beside it.

It runs as root in namespaces of its own. What it mounts, starts or leaves open ends with it. On
this computer it sees the system's programs read-only, copies of the files that it was given, an
empty home and the tree of the image; all else that it writes is gone when it ends.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from builder.bench import Bench
from builder.diagnosis import StepFailed
from builder.layers import Inputs
from builder.lock import LockedGroup
from builder.steps.carried import Carried
from builder.steps.network import collect
from builder.steps.room import Room

__all__ = ["Carried", "Script"]

# Where programs on this computer find the tree, unless their format says otherwise.
TREE = "/image"


@dataclass(frozen=True, slots=True)
class Script:
    """A program with all that it reads.

    Attributes:
        argv: the program and its arguments. In these and in `env`, ``{tree}`` stands for the place
            of the tree.
        place: ``tree`` for a program of the image, which sees the tree as its root; ``host`` for
            one of this computer, which sees it at `tree_at`.
        stdin: what it reads from its standard input.
        env: all that it sees beyond the build's own environment.
        cwd: absolute, as the program sees it.
        files: what it reads; see `Carried`.
        network: whether it may use this computer's network.
        tree_at: where programs on this computer find the tree.
        fetched: what apt had when this was run before, and may have again; None to record it.
        keeps_tmp: a program of the image sees the tree's own /tmp, and what it leaves there stays
            for the layers above.
        origin: file and line where it stands, for people.
    """

    name: str
    epoch: int
    argv: tuple[str, ...]
    place: Literal["tree", "host"] = "tree"
    stdin: bytes = b""
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = "/"
    files: tuple[Carried, ...] = ()
    network: bool = False
    tree_at: str = TREE
    fetched: LockedGroup | None = None
    keeps_tmp: bool = False
    origin: str = ""
    kind: str = "script"
    version: int = 1

    def inputs(self) -> Inputs:
        """All of the above, files and standard input by their digests."""
        if self.fetched is None:
            return self._own_inputs()
        told = [[p.name, p.version, p.architecture, p.sha256] for p in self.fetched.packages]
        return {**self._own_inputs(), "fetched": told}

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of all that it reads but what apt fetches."""
        told = json.dumps({**self._own_inputs(), "epoch": 0}, sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()

    @property
    def records(self) -> bool:
        """Whether what apt fetches is yet to be recorded."""
        return self.network and self.fetched is None

    def _own_inputs(self) -> dict[str, object]:
        return {
            "argv": list(self.argv),
            "place": self.place,
            "stdin": hashlib.sha256(self.stdin).hexdigest(),
            "env": dict(self.env),
            "cwd": self.cwd,
            "files": [each.describe() for each in self.files],
            "network": self.network,
            "tree_at": self.tree_at if self.place == "host" else "",
            "epoch": self.epoch,
            **({"keeps_tmp": True} if self.keeps_tmp else {}),
        }

    def make(self, bench: Bench) -> None:
        """Run the program to its end.

        Raises:
            StepFailed: its status was not 0, or a file that it reads changed before.
        """
        assert bench.draft is not None
        room = Room(self, bench, bench.draft.folder / "scratch")
        room.furnish()
        try:
            bench.run(room.plan())
        except StepFailed as failure:
            origin = f"{self.origin}: " if self.origin else ""
            raise _placed(failure, origin + room.failed_at()) from failure
        for line in room.told_afterwards():
            bench.log.warn(line)

    def recorded(self, bench: Bench) -> Script:
        """The same script with what apt fetched when it was made at this bench."""
        assert bench.draft is not None
        room = Room(self, bench, bench.draft.folder / "scratch")
        group = collect(room.own_run, self.name, self.epoch, self.digest, bench.pool)
        return replace(self, fetched=group)


def _placed(failure: StepFailed, where: str) -> StepFailed:
    """The failure with the line at which it happened."""
    hint = failure.hint
    if "Read-only file system" in failure.message:
        hint = (
            "A script may write into the image and below /tmp; of this computer it may change "
            f"nothing. {hint}"
        )
    return StepFailed(failure.code, where + failure.message, hint)
