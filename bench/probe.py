"""How long the probe of a card takes, what it measures, and the memory that eight at once take.

    sudo .venv/bin/python bench/probe.py FOLDER

FOLDER takes some 200 MB for sparse files that stand for cards of up to 256 GB.
"""

from __future__ import annotations

import resource
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from simulated_cards import MODEST, Speed, cards

from flasher.card.probing.probe import THOROUGH, ProbeResult, examine
from flasher.card.target import open_target
from flasher.drives.find import find_drive

GB = 10**9
POOR = Speed(10_000_000, 20_000_000)


def probe(device: Path, overrun: int = 0) -> ProbeResult:
    """One probe."""
    with open_target(find_drive(str(device))) as target:
        return examine(target, target.size, overrun=overrun)


def say(case: str, figure: str) -> None:
    """One line of the table."""
    sys.stdout.write(f"{case:<58} {figure}\n")
    sys.stdout.flush()


def main(folder: Path) -> None:
    """All cases."""
    for speed in (MODEST, POOR):
        rates = f"{speed.write // 10**6} and {speed.read // 10**6} MB/s"
        for size in (16 * GB, 64 * GB, 256 * GB):
            with cards(folder, size, [speed]) as (device,):
                result = probe(device)
            measured = f"{result.write_speed:.0f} and {result.read_speed:.0f} MB/s"
            say(f"{size // GB} GB at {rates}", f"{result.seconds:.1f} s, measured {measured}")
    with cards(folder, 64 * GB, [MODEST] * 8) as devices, ThreadPoolExecutor(8) as pool:
        seconds = max(result.seconds for result in pool.map(probe, devices))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say("eight of 64 GB at once", f"{seconds:.1f} s, {memory:.0f} MiB")
    with cards(folder, 64 * GB, [MODEST]) as (device,):
        say("64 GB, thorough", f"{probe(device, THOROUGH).seconds:.1f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
