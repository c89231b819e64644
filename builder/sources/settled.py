"""The layer upon a system of others: its own first boot settled, its traces taken out."""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import dataclass

from builder.bench import Bench
from builder.inside import tidy
from builder.layers import Inputs
from builder.sandbox import script
from builder.sources import settle_first_boot
from builder.sources.card_image import BOOT_FOLDERS, boot_folder
from builder.steps.installed import tidy_up
from flasher.events import Noted


@dataclass(frozen=True, slots=True)
class Settled:
    """See first_boot.toml, and `builder.inside.tidy`.

    Attributes:
        agent: whether the image gets the agent; without it, the system sets itself up as it ever
            did, and only traces are taken out.
    """

    agent: bool
    epoch: int
    name: str = "settled"
    kind: str = "settled"
    version: int = 1

    def inputs(self) -> Inputs:
        """The two scripts and the table."""
        sources = [inspect.getsource(module).encode() for module in (settle_first_boot, tidy)]
        sources.append(settle_first_boot.TABLE.read_bytes())
        digests = [hashlib.sha256(source).hexdigest() for source in sources]
        return {"scripts": digests, "agent": self.agent, "epoch": self.epoch}

    def make(self, bench: Bench) -> None:
        """Settle what is found, and tell it."""
        if self.agent:
            folder = find_boot_folder(bench)
            argv = script(settle_first_boot.__file__, str(bench.merged), folder)
            for line in bench.run_host(argv).text.splitlines():
                bench.log.emit(Noted(self.name, f"Found: {line}.", warning=True))
        tidy_up(bench)


def find_boot_folder(bench: Bench) -> str:
    """Where the boot partition belongs in the tree, relative to it."""
    has_table = "fstab" in bench.list_folder("etc")
    table = bench.run_host(("cat", str(bench.merged / "etc/fstab"))).text if has_table else ""
    there = frozenset(name for name in BOOT_FOLDERS if bench.list_folder(name))
    return boot_folder(table, there)
