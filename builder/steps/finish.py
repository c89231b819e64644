"""The topmost layer: what is one node's is taken out and told, and the rest proven generic."""

from __future__ import annotations

import hashlib
import inspect
import os
import socket
from dataclasses import dataclass

from builder.bench import Bench
from builder.diagnosis import StepFailed
from builder.inside import generic, lock_out, tidy
from builder.layers import Inputs
from builder.sandbox import script
from builder.steps.installed import tidy_up


@dataclass(frozen=True, slots=True)
class Finish:
    """Tidies the tree and checks it; see `tidy`, `lock_out` and `generic` in `builder.inside`."""

    epoch: int = 0
    name: str = "finish"
    kind: str = "finish"
    version: int = 2

    def inputs(self) -> Inputs:
        """The scripts, and what the last looks for."""
        sources = [inspect.getsource(module).encode() for module in (tidy, lock_out, generic)]
        sources.append(generic.TABLE.read_bytes())
        return {"scripts": [hashlib.sha256(source).hexdigest() for source in sources]}

    def make(self, bench: Bench) -> None:
        """Tidy, lock out and check.

        Raises:
            StepFailed: ``not-generic``, naming everything found.
        """
        tree = str(bench.merged)
        for path in tidy_up(bench):
            bench.log.warn(f"Took out {path}, which a layer left: each node gets its own.")
        for thing in bench.run_host(script(lock_out.__file__, tree)).text.splitlines():
            bench.log.warn(f"Took out {thing}.")
        bench.progress.reach(50)
        own = (socket.gethostname(), str(bench.store.root), *_homes())
        found = bench.run_host(script(generic.__file__, tree, *own)).text.split("\n")
        findings = [f"  {line}" for line in found if line]
        if findings:
            raise StepFailed(
                "not-generic",
                "The image would carry an identity to every card:\n" + "\n".join(findings),
                "Take these out of the recipe's layers; a node gets its own from its payload.",
            )


def _homes() -> tuple[str, ...]:
    """The folders of the person who builds, and of the one who called sudo."""
    people = ("~", f"~{os.environ.get('SUDO_USER', '')}")
    # expanduser: it leaves the name of a person who has no folder as it is.
    return tuple(dict.fromkeys(os.path.expanduser(name) for name in people))  # noqa: PTH111
