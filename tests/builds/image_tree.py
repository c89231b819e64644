"""The tree of a finished image, mounted by the kernel, for programs to run in; it never changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

# The kernel's own idea of a tree: read-only ext4 below, what programs write in memory, then gone.
# A loop device that nobody reads any more goes by itself: losetup(8).
_SCRIPT = """
set -e
mount -t tmpfs tmpfs "$3"
mkdir "$3/image" "$3/upper" "$3/work" "$3/tree"
mount -t ext4 -o ro,noload,loop,offset="$2" "$1" "$3/image"
mount -t overlay -o lowerdir="$3/image",upperdir="$3/upper",workdir="$3/work" overlay "$3/tree"
mount -t proc proc "$3/tree/proc"
mount --rbind /dev "$3/tree/dev"
mount -t tmpfs tmpfs "$3/tree/run"
ip link set lo up
exec chroot "$3/tree" /bin/bash -ec "$4"
"""
_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "LC_ALL": "C.UTF-8"}

InTree = Callable[[str], str]


def run_in_image(image: Path, script: str, point: Path) -> str:
    """What a bash script says in the tree of an image; it has a network of its own, with lo alone.

    Args:
        image: raw, with its root file system in the second partition.
        point: an empty folder to mount on.
    """
    table = json.loads(subprocess.check_output(["sfdisk", "--json", image]))["partitiontable"]
    offset = table["partitions"][1]["start"] * table.get("sectorsize", 512)
    argv = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]
    argv += ["--net", "sh", "-c", _SCRIPT, "sh", str(image), str(offset), str(point), script]
    own = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    done = subprocess.run(
        argv,
        env={**_ENVIRONMENT, "PATH": f"{_ENVIRONMENT['PATH']}:{own}"},
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout
