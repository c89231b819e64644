"""A bad link between two switches: frames are lost, late, and overtaken by later ones.

    python bench/bad_link.py SWITCH SWITCH LOSS SLOW_MS LATE_MS SEED

Each switch gets a TAP device of this process. A frame is lost with the chance LOSS (of 1), or comes
between SLOW_MS and LATE_MS later, drawn for each; SEED draws the same again. The kernel's own netem
does this too, where it was built in; this link is the same everywhere, so that figures compare.
"""

from __future__ import annotations

import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import sys
import time

# Linux, include/uapi/linux/if_tun.h
_TUNSETIFF, _IFF_TAP, _IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
_LONGEST = 1 << 16
_MOST_WAITING = 20_000


def main(near: str, far: str, loss: float, slow_ms: int, late_ms: int, seed: int) -> None:
    """Carry frames until killed."""
    ends = (_tap("bad0", near), _tap("bad1", far))
    chance = random.Random(seed)  # noqa: S311
    waiting: list[tuple[float, int, int, bytes]] = []
    number = 0
    print("ready", flush=True)  # noqa: T201
    while True:
        pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        for end in select.select(ends, (), (), pause)[0]:
            frame = os.read(end, _LONGEST)
            number += 1
            late = chance.uniform(slow_ms, late_ms) / 1000
            if chance.random() >= loss and len(waiting) < _MOST_WAITING:
                other = ends[1] if end == ends[0] else ends[0]
                heapq.heappush(waiting, (time.monotonic() + late, number, other, frame))
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, end, frame = heapq.heappop(waiting)
            os.write(end, frame)


def _tap(name: str, switch: str) -> int:
    end = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(end, _TUNSETIFF, struct.pack("16sH", name.encode(), _IFF_TAP | _IFF_NO_PI))
    subprocess.run(["ip", "link", "set", name, "master", switch, "up"], check=True)  # noqa: S607
    return end


if __name__ == "__main__":
    near, far, loss, slow, late, seed = sys.argv[1:]
    main(near, far, float(loss), int(slow), int(late), int(seed))
