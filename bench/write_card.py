"""Write and read back a card: ours against `bmaptool copy` and `cmp`, on the same loop device.

    sudo .venv/bin/python bench/write_card.py .demo/base.img

Prints seconds of each round and the ratio of the medians. The loop device uses direct I/O: neither
side is served from the page cache of the file behind it.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flasher.card.plan import plan_card
from flasher.card.target import open_target
from flasher.card.verify import verify_card
from flasher.card.write import write_card
from flasher.drives.find import find_drive
from flasher.image.source import open_image
from flasher.process import run

ROUNDS = 5


@contextmanager
def loop_device(size: int) -> Iterator[Path]:
    """A blank card of `size` bytes."""
    with tempfile.NamedTemporaryFile(dir=Path.cwd()) as backing:
        os.truncate(backing.fileno(), size)
        argv = ["losetup", "--direct-io=on", "--find", "--show", backing.name]
        device = run(argv).text.strip()
        try:
            yield Path(device)
        finally:
            run(["losetup", "--detach", device])


def ours(image: Path, device: Path) -> None:
    """Plan, write and verify; the image's digest is checked too."""
    plan = plan_card(open_image(image), None)
    with open_target(find_drive(str(device)), plan.size) as target:
        write_card(plan, target)
        verify_card(plan, target)


def theirs(image: Path, device: Path) -> None:
    """What bmaptool leaves out, the read-back, is done by cmp past the page cache."""
    run(
        [
            "bmaptool",
            "-q",
            "copy",
            "--bmap",
            str(image.with_suffix(".bmap")),
            str(image),
            str(device),
        ]
    )
    run(["blockdev", "--flushbufs", str(device)])
    run(["cmp", "-n", str(image.stat().st_size), str(image), str(device)])


def seconds(work: Callable[[Path, Path], None], image: Path) -> float:
    """How long one round takes on a blank card."""
    with loop_device(image.stat().st_size + (64 << 20)) as device:
        begun = time.monotonic()
        work(image, device)
        return time.monotonic() - begun


def main() -> None:
    """Alternate the two, so that both meet the same machine."""
    image = Path(sys.argv[1]).resolve()
    rounds = [(seconds(ours, image), seconds(theirs, image)) for _ in range(ROUNDS)]
    for mine, peer in rounds:
        sys.stdout.write(f"ours {mine:6.2f} s   bmaptool + cmp {peer:6.2f} s\n")
    medians = [statistics.median(column) for column in zip(*rounds, strict=True)]
    sys.stdout.write(f"ratio of the medians: {medians[0] / medians[1]:.2f}\n")


if __name__ == "__main__":
    main()
