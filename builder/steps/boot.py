"""A layer of boot settings: lines of config.txt, words of the kernel's command line."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from builder.bench import Bench
from builder.inside import boot
from builder.layers import Inputs
from builder.recipe import BootSettings
from builder.sandbox import script


@dataclass(frozen=True, slots=True)
class Boot:
    """See `builder.inside.boot`."""

    name: str
    settings: BootSettings
    epoch: int = 0
    kind: str = "boot"
    version: int = 1

    def inputs(self) -> Inputs:
        """The lines and the words."""
        return {"config": list(self.settings.config), "cmdline": list(self.settings.cmdline)}

    def make(self, bench: Bench) -> None:
        """Add them, and have the files written anew where the tree has what writes them."""
        assert bench.draft is not None
        order = bench.draft.folder / "order.json"
        order.write_text(json.dumps(asdict(self.settings)), encoding="utf-8")
        hook = bench.run_host(script(boot.__file__, str(bench.merged), str(order))).text
        order.unlink()
        if hook:
            bench.run_in_tree((hook,), env={"DEB_MAINT_PARAMS": "configure"})
