"""Look at the layers that builds keep."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import UTC, datetime

from builder.layers import list_layers
from flasher import paths
from flasher.console import Console
from flasher.errors import ExitCode
from flasher.progress import readable_seconds

EXAMPLE = "flasher layers list"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("action", choices=("list",))


def run(_args: argparse.Namespace, console: Console) -> int:
    """List the finished layers, oldest first."""
    store = paths.cache() / "layers"
    layers = list_layers(store)
    rows = [
        (
            layer.key[:12],
            layer.name,
            readable_seconds(layer.seconds),
            datetime.fromtimestamp(layer.made_at, UTC).strftime("%Y-%m-%d %H:%M"),
        )
        for layer in layers
    ]
    console.table(("KEY", "LAYER", "TOOK", "MADE (UTC)"), rows)
    console.say(f"\nThey lie in {store}.")
    console.result("layers", {"store": str(store), "layers": [asdict(layer) for layer in layers]})
    return ExitCode.DONE
