"""The most disk that a build from nothing takes, against the tree that it makes.

    sudo .venv/bin/python bench/peak_disk.py FOLDER [ARCHITECTURE]

FOLDER must not exist; it is filled with a build of the recipe that ships, for amd64 by default.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from flasher.process import run

FLASHER = str(Path(sys.executable).with_name("flasher"))
_MIB = 1 << 20


def disk_use(*places: Path) -> int:
    """Bytes on disk; files that come and go meanwhile are no fault."""
    told = run(["du", "-s", "-B1", "--total", *map(str, places)], ok=(0, 1)).text
    return int(told.splitlines()[-1].split()[0])


def main(folder: Path, architecture: str) -> None:
    """Build, look twice a second, and print what was seen."""
    folder.mkdir()
    out = folder / "out"
    argv = [FLASHER, "build-base", "--arch", architecture, "--out", str(out)]
    environment = {**os.environ, "FLASHER_CACHE": str(folder / "cache")}
    peak = 0
    with subprocess.Popen(argv, env=environment) as build:
        while build.poll() is None:
            peak = max(peak, disk_use(folder))
            time.sleep(0.5)
    if build.returncode:
        sys.exit(build.returncode)
    store = folder / "cache/layers"
    tree = disk_use(*store.glob("*/tree"))
    image = disk_use(*out.glob("*.img"))
    packed = disk_use(*out.glob("*.img.*"))
    downloads = disk_use(store / "pool", store / "apt")
    print(f"peak {peak / tree:.2f} × the tree of {tree // _MIB} MiB")  # noqa: T201
    for what, size in (("image", image), ("compressed", packed), ("downloads", downloads)):
        print(f"  {what} {size / tree:.2f} ×")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "amd64")
