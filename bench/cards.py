"""Writing cards: ours against the limit of the cards, bmaptool, dd, and lockstep copying.

    sudo .venv/bin/python bench/cards.py FOLDER [CASE…]

FOLDER keeps the sample images (some 3 GB); cases are those of `CASES`, all by default. Ours is the
command that people run, from its start to its end, with an empty store of unpacked images each
time; only the probe for false capacity and the eject, which the peers have not, are left out. A
card is a loop device that the kernel holds to 40 MB/s of writing and 90 MB/s of reading. Block maps
that peers get name the same bytes that ours writes.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sample_image import MIB, Sample, sample
from simulated_cards import MODEST, UNTHROTTLED, Speed, cards

from flasher.process import environment, run

FLASHER = str(Path(sys.executable).with_name("flasher"))
GIB = 1 << 30
QUARTER = Speed(MODEST.write // 4, MODEST.read // 4)
_KIB = 1024


@dataclass(frozen=True, slots=True)
class Run:
    """One run of ours: seconds by the clock and of the processor, peak of memory, what it said."""

    seconds: float
    cpu: float
    memory: int
    told: dict[str, object]

    def drive_seconds(self) -> list[float]:
        """How long each drive took."""
        drives = self.told["drives"]
        assert isinstance(drives, list)
        return [float(each["seconds"]) for each in drives]


def say(case: str, figure: str) -> None:
    """One line of the table."""
    sys.stdout.write(f"{case:<58} {figure}\n")
    sys.stdout.flush()


def ours(folder: Path, *argv: str) -> Run:
    """Run our command with a store and a ledger of its own."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        env = {"FLASHER_CACHE": f"{place}/cache", "FLASHER_DATA": f"{place}/data"}
        begun = time.monotonic()
        with subprocess.Popen(
            [FLASHER, *argv, "--json"], env=environment(env), stdout=subprocess.PIPE
        ) as child:
            assert child.stdout is not None
            said = child.stdout.read()
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - begun
    if child.returncode:
        raise SystemExit(f"flasher failed: {said.decode()}")
    told = json.loads(said.splitlines()[-1])
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _KIB, told)


def write(folder: Path, image: Path, *devices: Path) -> Run:
    """Ours: write an image to cards, read back."""
    options = ("--yes", "--no-probe", "--no-eject")
    return ours(folder, "write", str(image), *map(str, devices), *options)


def shell(script: str, *arguments: Path) -> float:
    """Seconds of a shell script, for peers that are pipes."""
    begun = time.monotonic()
    run(["bash", "-euo", "pipefail", "-c", script, "bench", *map(str, arguments)])
    return time.monotonic() - begun


_COMPARE = 'blockdev --flushbufs "$2"; cmp -n "$(stat -c %s "$3")" "$3" "$2"'
_BMAPTOOL = f'bmaptool -q copy --bmap "$4" "$1" "$2"; {_COMPARE}'
_TO_CARD = "bs=4M iflag=fullblock oflag=direct conv=fsync status=none"
_DD = f'xz -T0 -dc "$1" | dd of="$2" {_TO_CARD}; {_COMPARE}'
_ZSTD_DD = _DD.replace("xz -T0 -dc", "zstd -q -dc")


def one_card(folder: Path, image: Sample) -> None:
    """Write and verify a sparse image of 4 GiB: against the card's own limit."""
    limit = image.mapped / MODEST.write + image.mapped / MODEST.read
    for name, used in (("full", True), ("blank", False)):
        with cards(folder, 5 * GIB, [MODEST], used=used) as [card]:
            mine = write(folder, image.raw, card).seconds
        figure = f"{mine / limit:.3f}×  ({mine:.1f} s of {limit:.1f} s, {image.mapped >> 20} MiB)"
        say(f"one {name} card, 4 GiB image, of the card's own limit", figure)


def packed(folder: Path, image: Sample) -> None:
    """The same from a compressed image: against bmaptool and dd, each with cmp."""
    for source, pipe in ((image.xz, _DD), (image.zst, _ZSTD_DD)):
        with cards(folder, 5 * GIB, [MODEST], used=True) as [card]:
            mine = write(folder, source, card).seconds
        for name, script in (("bmaptool copy", _BMAPTOOL), ("unpacking | dd", pipe)):
            with cards(folder, 5 * GIB, [MODEST]) as [card]:
                peer = shell(script, source, card, image.raw, image.bmap)
            figure = f"{mine / peer:.2f}×  ({mine:.1f} s, {peer:.1f} s)"
            say(f"{source.suffix}: of {name} and cmp", figure)


def eight_cards(folder: Path, image: Sample) -> None:
    """Eight cards at once: against one; and what they take of the computer."""
    with cards(folder, 5 * GIB, [MODEST]) as devices:
        single = write(folder, image.raw, *devices)
    with cards(folder, 5 * GIB, [MODEST] * 8) as devices:
        many = write(folder, image.raw, *devices)
    say("eight cards at once, of one card", f"{many.seconds / single.seconds:.3f}×")
    say("  memory at its peak", f"{many.memory / 1e6:.0f} MB")
    say("  processor, of one core", f"{many.cpu / many.seconds:.2f}")


def one_slow(folder: Path, _image: Sample) -> None:
    """One card of eight at a quarter of the speed: the others, and the lockstep way."""
    image = sample(folder, 768 * MIB, 200 * MIB)
    speeds = [MODEST] * 7 + [QUARTER]
    with cards(folder, GIB, [MODEST] * 8) as devices:
        even = write(folder, image.raw, *devices).drive_seconds()
    with cards(folder, GIB, speeds) as devices:
        mixed = write(folder, image.raw, *devices).drive_seconds()
    with cards(folder, GIB, speeds) as devices:
        lockstep = shell(_LOCKSTEP, image.raw, *devices)
    say("seven beside a slow card, of eight even ones", f"{max(mixed[:7]) / max(even):.3f}×")
    say("the seven, of tee to eight dd's (writing only)", f"{max(mixed[:7]) / lockstep:.2f}×")


_LOCKSTEP = f"""
image=$1; shift
pipes=$(mktemp -d)
for card in "$@"; do
    mkfifo "$pipes/${{card##*/}}"
    dd if="$pipes/${{card##*/}}" of="$card" {_TO_CARD} &
done
tee "$pipes"/* < "$image" > /dev/null
wait
rm -r "$pipes"
"""


def other_node(folder: Path, image: Sample) -> None:
    """A card of node A becomes one of node B: against reading the mapped bytes once."""
    limit = image.mapped / MODEST.read
    with cards(folder, 5 * GIB, [MODEST]) as [card]:
        _prepare(folder, image, card, "cam-0101")
        before = _written(card)
        mine = _prepare(folder, image, card, "cam-0102")
        written = _written(card) - before
    say("node A to node B, of reading once", f"{mine.seconds / limit:.3f}×")
    say("  written to the card", f"{written / 1024:.0f} KiB")


def _prepare(folder: Path, image: Sample, card: Path, node: str) -> Run:
    argv = ("--scanner", "body-16x7", "--site", "demo", "--node", node, "--to", str(card))
    options = ("--image", str(image.raw), "--yes", "--no-probe", "--no-eject")
    return ours(folder, "prepare", *argv, *options)


def _written(card: Path) -> int:
    """Bytes written to a device so far (Linux's Documentation/block/stat.rst: sectors of 512)."""
    return int(Path("/sys/class/block", card.name, "stat").read_text().split()[6]) * 512


def unthrottled(folder: Path, _image: Sample) -> None:
    """A raw image of random bytes, as fast as the computer can: writing against dd."""
    raw = folder / "random.img"
    if not raw.exists():
        shell('head -c 2G /dev/urandom > "$1"; echo "start=2048, type=da" | sfdisk -q "$1"', raw)
    rounds = []
    for _ in range(5):
        with cards(folder, 3 * GIB, [UNTHROTTLED]) as [card]:
            told = write(folder, raw, card).told["drives"]
            assert isinstance(told, list)
            mine = float(told[0]["write_seconds"])
        with cards(folder, 3 * GIB, [UNTHROTTLED]) as [card]:
            peer = shell(_PLAIN_DD, raw, card)
        rounds.append(peer / mine)
    figure = f"{sorted(rounds)[2]:.2f}×  ({min(rounds):.2f} to {max(rounds):.2f})"
    say("unthrottled, raw, speed of dd bs=4M oflag=direct", figure)


_PLAIN_DD = 'dd if="$1" of="$2" bs=4M oflag=direct conv=fsync status=none'

CASES: dict[str, Callable[[Path, Sample], None]] = {
    "one": one_card,
    "packed": packed,
    "eight": eight_cards,
    "slow": one_slow,
    "delta": other_node,
    "unthrottled": unthrottled,
}


def main() -> None:
    """Run the cases named; who is told to stop leaves no device and no throttle behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(exist_ok=True)
    if shutil.disk_usage(folder).free < 10 * GIB:
        raise SystemExit(f"{folder} needs 10 GB of free space")
    image = sample(folder, 4 * GIB, 400 * MIB)
    for name in sys.argv[2:] or CASES:
        CASES[name](folder, image)


if __name__ == "__main__":
    main()
