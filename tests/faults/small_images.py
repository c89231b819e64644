"""Small images as Pis have them, made in a moment; and cards that hold something already."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from flasher.process import run

MIB = 1 << 20
_BOOT_MIB = 5
ROOT = (_BOOT_MIB + 1) * MIB  # where the root file system begins


def small_image(folder: Path, seed: int, size: int | None = None) -> Path:
    """An image as Pis have them: MBR, FAT16 (bootfs), ext4 (rootfs), both with files in them.

    Args:
        folder: where; it has nothing else in it.
        seed: same seed, same size and files.
        size: MiB, at least 8; 8 to 24 by default. Half of it are files.
    """
    dice = random.Random(seed)  # noqa: S311 - to be repeated
    size = size or dice.randrange(8, 25)
    root_mib = size - _BOOT_MIB - 1
    image, files = folder / "small.img", folder / "files"
    for name, count in (("boot", 3), ("root", 6)):
        (files / name).mkdir(parents=True)
        for number in range(count):
            most = {"boot": _BOOT_MIB, "root": root_mib - 2}[name] * MIB
            length = dice.randrange(most // 12, most // 9)
            (files / name / f"file-{number}").write_bytes(dice.randbytes(length))
    with image.open("wb") as handle:
        handle.truncate(size * MIB)
    table = f"label: dos\n2048,{_BOOT_MIB * 2048},e,*\n{ROOT // 512},,83\n"
    run(["sfdisk", "-q", str(image)], stdin=table.encode())
    boot = ["-n", "bootfs", "--offset", "2048", str(image), str(_BOOT_MIB * 1024)]
    run(["mkfs.fat", "-F", "16", "-s", "1", *boot])
    copied = [str(path) for path in sorted((files / "boot").iterdir())]
    run(["mcopy", "-i", f"{image}@@1M", *copied, "::/"])
    options = ["-E", f"offset={ROOT}", "-L", "rootfs", "-d", str(files / "root")]
    run(["mke2fs", "-q", "-t", "ext4", *options, str(image), f"{root_mib * 1024}k"])
    return image


def _blank(_card: Path, _image: Path, _dice: random.Random) -> None:
    """Nothing was ever on it."""


def _foreign(card: Path, image: Path, dice: random.Random) -> None:
    """Another system, with a partition table that looks good."""
    with card.open("r+b") as handle:
        for offset in range(MIB, image.stat().st_size, MIB):
            handle.seek(offset)
            handle.write(dice.randbytes(1 << 14))
    run(["sfdisk", "-q", str(card)], stdin=b"label: dos\n2048,4096,c\n,,83\n")


def _same(card: Path, image: Path, _dice: random.Random) -> None:
    """The image, whole."""
    with card.open("r+b") as handle:
        handle.write(image.read_bytes())


def _nearly_same(card: Path, image: Path, dice: random.Random) -> None:
    """The image, with some places that differ."""
    _same(card, image, dice)
    with card.open("r+b") as handle:
        for _ in range(dice.randrange(1, 20)):
            handle.seek(dice.randrange(image.stat().st_size - (1 << 16)))
            handle.write(dice.randbytes(dice.randrange(1, 1 << 16)))


def _half(card: Path, image: Path, dice: random.Random) -> None:
    """The image, written up to a place; no partition table."""
    raw = image.read_bytes()
    with card.open("r+b") as handle:
        handle.seek(MIB)
        handle.write(raw[MIB : dice.randrange(MIB, len(raw))])


FORMER_LIVES: dict[str, Callable[[Path, Path, random.Random], None]] = {
    "blank": _blank,
    "foreign": _foreign,
    "same": _same,
    "nearly the same": _nearly_same,
    "half": _half,
}
