"""Build the base image cold: ours against vmdb2, which makes Debian's own images for Raspberry Pis.

    sudo .venv/bin/python bench/vmdb2.py FOLDER

FOLDER is that of bench/build.py, or new; it needs 8 GB. vmdb2 gets the steps of Debian's own
recipes and all packages of our lock by name, from the archive itself; every program of the image
is run by QEMU's user emulator: about half an hour. Needed beside what Flasher needs: vmdb2,
debootstrap, qemu-utils, parted and zerofree.

Two things differ from vmdb2 elsewhere, neither of which costs it time. Its partitions are made
known to the kernel by partx instead of kpartx, so that a kernel without device mapper serves. The
boot partition is ext4, so that one without FAT does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from build import FOREIGN, build, forget_layers, tell

from builder.emulation import MACHINES, find_emulator, registration
from builder.lock import Lock, read_lock
from flasher.paths import assets

# What vmdb2 asks of kpartx: partitions added, and a line for each as kpartx(8) tells it.
KPARTX = """#!/bin/sh -eu
case $1 in
-asv)
    device=$(losetup --find --show "$2")
    partx --add "$device"
    for part in "$device"p*; do
        name=${part#/dev/}
        ln -s "$part" "/dev/mapper/$name"
        echo "add map $name"
    done ;;
-dsv)
    for device in $(losetup --noheadings --output NAME --associated "$2"); do
        rm -f "/dev/mapper/${device#/dev/}"p*
        partx --delete "$device"
        losetup --detach "$device"
    done ;;
esac
"""

# In mounts of its own: the kernel drops the handler with the last mount of its table.
EMULATING = """
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
printf '%s' "$1" > /proc/sys/fs/binfmt_misc/register
shift
exec "$@"
"""


def steps(lock: Lock) -> list[dict[str, object]]:
    """The steps of Debian's recipes, with the partitions and packages of ours (as JSON values)."""
    first, *others = [line.split() for line in lock.sources.splitlines()]
    _, mirror, suite, *components = first
    output = "{{ output }}"
    part = {"mkpart": "primary", "device": output}
    packages = [package.name for group in lock.layers for package in group.packages]
    more = "".join(f"{' '.join(words)}\n" for words in others)
    return [
        {"mkimg": output, "size": "2G"},
        {"mklabel": "msdos", "device": output},
        {**part, "start": "4MiB", "end": "260MiB", "tag": "boot"},
        {**part, "start": "260MiB", "end": "100%", "tag": "root"},
        {"kpartx": output},
        {"mkfs": "ext4", "partition": "boot"},
        {"mkfs": "ext4", "partition": "root"},
        {"mount": "root"},
        {"mount": "boot", "mount-on": "root", "dirname": "/boot/firmware"},
        {
            "qemu-debootstrap": suite,
            "mirror": mirror,
            "target": "root",
            "arch": lock.architecture,
            "variant": "minbase",
            "components": components,
        },
        {"create-file": "/etc/apt/sources.list.d/more.list", "contents": more},
        {"apt": "install", "packages": packages, "tag": "root", "recommends": False},
        {"fstab": "root"},
    ]


def make_with_vmdb2(lock: Lock, folder: Path, log: Path) -> float:
    """Seconds that vmdb2 takes for an image in an empty folder; the log has its words."""
    program = find_emulator(lock.architecture).program
    assert program is not None
    (folder / "stand").mkdir()
    kpartx = folder / "stand/kpartx"
    kpartx.write_text(KPARTX, encoding="utf-8")
    kpartx.chmod(0o755)
    recipe, image = folder / "recipe.yaml", folder / "image.img"
    recipe.write_text(json.dumps({"steps": steps(lock)}), encoding="utf-8")  # JSON is YAML
    handler = registration(MACHINES[lock.architecture], program, "OCF")
    with ExitStack() as stack:
        stack.callback(subprocess.run, [kpartx, "-dsv", image], check=False)
        begun = time.monotonic()
        subprocess.run(
            [
                *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
                *("sh", "-euc", EMULATING, "sh", handler),
                *("vmdb2", recipe, "--output", image, "--log", log),
            ],
            env={"PATH": f"{kpartx.parent}:{os.environ['PATH']}", "HOME": "/root"},
            check=True,
        )
        return time.monotonic() - begun


def main() -> None:
    """Measure both in the folder named on the command line."""
    folder = Path(sys.argv[1]).resolve()
    place, recipe = folder / FOREIGN, assets() / "recipes/base.toml"
    build(place, FOREIGN, recipe)
    forget_layers(place)
    ours = build(place, FOREIGN, recipe).seconds
    tell(f"ours, cold {FOREIGN}, image, compressed form and papers included", f"{ours:.1f} s")
    lock = read_lock(place / "out/base.lock")
    with TemporaryDirectory(dir=folder, prefix="vmdb2-") as scratch:
        theirs = make_with_vmdb2(lock, Path(scratch), folder / "vmdb2.log")
    tell("vmdb2, image only, what it downloads included", f"{theirs:.0f} s")
    tell("ours against vmdb2", f"{ours / theirs:.3f}")


if __name__ == "__main__":
    main()
