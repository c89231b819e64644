"""The agent's processor time on an emulated Pi, against Debian's cloud-init for the same settings.

    sudo .venv/bin/python bench/agent_cpu.py FOLDER

FOLDER must not exist and stays. The base image gets cloud-init beside the agent; two copies of its
card start side by side: one has a payload, the other the same settings as cloud-init reads them.
Each time one of the two programs is switched off. Told are two figures for each: what its Python
processes took themselves, as the kernel counted them, and what systemd counted for its units, with
the programs that they started: most of that is making host keys, which is the same for both.
The language is C.UTF-8: cloud-init 25.1 cannot make another one on Debian 13 (update-locale fails).

QEMU counts instructions (-icount): a second of the emulated processor is always as many of them,
however busy this computer is.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from agent_cpu_card import AGENT, CLOUD, lay_out

from flasher.process import run

FLASHER = str(Path(sys.executable).with_name("flasher"))
_COUNTED = re.compile(r"(unit|self) (\S+\.service) (\d+)")
_OFF = {AGENT: "systemd.mask=autosetup.service", CLOUD: "cloud-init=disabled"}
_HOURS = 2


def flasher(*argv: str | Path) -> None:
    """Run the program; stop where it fails."""
    subprocess.run([FLASHER, *map(str, argv)], check=True)


def make_seed(folder: Path) -> None:
    """The drive on which cloud-init looks for its settings."""
    seed = folder / "seed.img"
    run(["mkfs.fat", "-C", "-n", "CIDATA", str(seed), "1024"])
    run(["mcopy", "-i", str(seed), str(folder / "user-data"), str(folder / "meta-data"), "::"])


def unpack_boot(card: Path, folder: Path) -> tuple[Path, Path]:
    """Kernel and initramfs from a card's boot partition."""
    table = run(["sfdisk", "--json", str(card)]).output
    start = json.loads(table)["partitiontable"]["partitions"][0]["start"] * 512
    image = f"{card}@@{start}"
    found = []
    for pattern in ("::vmlinuz-*", "::initrd.img-*"):
        target = folder / pattern[2:8]
        run(["mcopy", "-n", "-i", image, pattern, str(target)])
        found.append(target)
    return found[0], found[1]


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds of the emulated processor: of the program itself, and of all it started as well."""

    own: float
    whole: float


def count(card: Path, kernel: Path, initramfs: Path, units: tuple[str, ...], off: str) -> Taken:
    """Start a card until it switches itself off; gives what the units took."""
    # fmt: off
    argv = [
        "qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a53", "-smp", "1", "-m", "1024",
        "-icount", "shift=1,sleep=off", "-nodefaults", "-display", "none", "-no-reboot",
        "-kernel", str(kernel), "-initrd", str(initramfs),
        "-append", f"console=ttyAMA0 root=LABEL=rootfs rw rootwait {off}",
        "-drive", f"file={card},format=raw,if=virtio",
        "-drive", f"file={card.with_name('seed.img')},format=raw,if=virtio,read-only=on",
        "-nic", "user,model=virtio-net-pci", "-serial", "stdio",
    ]
    # fmt: on
    console = subprocess.run(
        argv, check=False, stdin=subprocess.DEVNULL, capture_output=True, timeout=_HOURS * 3600
    ).stdout.decode(errors="replace")
    card.with_suffix(".console").write_text(console, encoding="utf-8")
    told = [
        (kind, int(text) / 1e9) for kind, unit, text in _COUNTED.findall(console) if unit in units
    ]
    own, whole = (sum(s for k, s in told if k == kind) for kind in ("self", "unit"))
    if not own or not whole:
        sys.exit(f"nothing was counted: see {card.with_suffix('.console')}")
    return Taken(own, whole)


def main() -> None:
    """Build, make the two cards, start them, tell."""
    if len(sys.argv) != 2 or os.geteuid():
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    folder.mkdir()
    recipe = lay_out(folder)
    flasher("build-base", recipe, "--out", folder / "out")
    image = next((folder / "out").glob("*.img"))
    cards = {AGENT: folder / "agent.img", CLOUD: folder / "cloud.img"}
    scanner = ("--scanner", folder / "profile.toml", "--site", folder / "site.toml")
    to_card = ("--to", cards[AGENT], "--size", "4G", "--image", image, "--yes")
    flasher("prepare", *scanner, "--node", "cam-0101", *to_card)
    run(["cp", "--sparse=always", str(image), str(cards[CLOUD])])
    run(["truncate", "--size", "4G", str(cards[CLOUD])])
    make_seed(folder)
    kernel, initramfs = unpack_boot(image, folder)
    with ThreadPoolExecutor() as both:
        runs = {
            units: both.submit(count, card, kernel, initramfs, units, _OFF[other])
            for (units, card), other in zip(cards.items(), (CLOUD, AGENT), strict=True)
        }
    ours, theirs = runs[AGENT].result(), runs[CLOUD].result()
    for what, mine, other in (
        ("itself", ours.own, theirs.own),
        ("with the programs it started", ours.whole, theirs.whole),
    ):
        ratio = mine / other
        sys.stdout.write(f"{what}: agent {mine:.2f} s, cloud-init {other:.2f} s: {ratio:.3f}\n")


if __name__ == "__main__":
    main()
