"""The topmost layer: traces of the building taken out, and the proof that the tree is generic."""

from __future__ import annotations

import hashlib
import inspect
import socket
from dataclasses import dataclass

from builder.bench import Bench, StepFailed
from builder.inside import generic, tidy
from builder.layers import Inputs
from builder.sandbox import script
from builder.steps.installed import tidy_up


@dataclass(frozen=True, slots=True)
class Finish:
    """Tidies the tree, then checks it; see `builder.inside.tidy` and `builder.inside.generic`."""

    epoch: int = 0
    name: str = "finish"
    kind: str = "finish"
    version: int = 2

    def inputs(self) -> Inputs:
        """The two scripts."""
        sources = [inspect.getsource(module).encode() for module in (tidy, generic)]
        return {"scripts": [hashlib.sha256(source).hexdigest() for source in sources]}

    def make(self, bench: Bench) -> None:
        """Tidy and check.

        Raises:
            StepFailed: ``not-generic``, naming everything found.
        """
        tree = str(bench.merged)
        tidy_up(bench)
        bench.progress.reach(50)
        found = bench.run_host(script(generic.__file__, tree, socket.gethostname())).text.split(
            "\n"
        )
        findings = [f"  {line}" for line in found if line]
        if findings:
            raise StepFailed(
                "not-generic",
                "The image would carry an identity to every card:\n" + "\n".join(findings),
                "Take these out of the recipe's layers; a node gets its own from its payload.",
            )
