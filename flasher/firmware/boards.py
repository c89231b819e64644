"""The Raspberry Pis that cards are made for, as their firmware sees them.

After Raspberry Pi's documentation: "Conditional filters", "Boot options" and "Boot folder
contents"; type numbers after "Raspberry Pi revision codes".
"""

from __future__ import annotations

from dataclasses import dataclass

_FIRST = ("bootcode.bin", "start.elf", "fixup.dat")
_FOURTH = ("start4.elf", "fixup4.dat")
_KERNEL_6, _KERNEL_7, _KERNEL_7L = "kernel.img", "kernel7.img", "kernel7l.img"


@dataclass(frozen=True, slots=True)
class Board:
    """A kind of Raspberry Pi.

    Attributes:
        title: its name for people.
        models: the model filters of config.txt that it matches.
        board_type: its number in revision codes.
        trees: names of its device tree: Raspberry Pi's own, and the one of upstream kernels.
        firmware: the files that it loads before anything else.
        kernel: default name of a 32-bit kernel.
        wide: whether it can start a 64-bit kernel.
        wide_unless_told: whether it takes a kernel of a name of its own for a 64-bit one.
        sixth: whether its processor is an ARMv6, which runs no program made for ARMv7.
    """

    title: str
    models: frozenset[str]
    board_type: int
    trees: tuple[str, str]
    firmware: tuple[str, ...] = _FIRST
    kernel: str = _KERNEL_7
    wide: bool = True
    wide_unless_told: bool = False
    sixth: bool = False


PI_1B = Board(
    "Raspberry Pi 1B",
    frozenset({"pi1"}),
    0x01,
    ("bcm2708-rpi-b.dtb", "bcm2835-rpi-b.dtb"),
    kernel=_KERNEL_6,
    wide=False,
    sixth=True,
)
PI_1B_PLUS = Board(
    "Raspberry Pi 1B+",
    frozenset({"pi1"}),
    0x03,
    ("bcm2708-rpi-b-plus.dtb", "bcm2835-rpi-b-plus.dtb"),
    kernel=_KERNEL_6,
    wide=False,
    sixth=True,
)
ZERO = Board(
    "Raspberry Pi Zero",
    frozenset({"pi0"}),
    0x09,
    ("bcm2708-rpi-zero.dtb", "bcm2835-rpi-zero.dtb"),
    kernel=_KERNEL_6,
    wide=False,
    sixth=True,
)
ZERO_W = Board(
    "Raspberry Pi Zero W",
    frozenset({"pi0", "pi0w"}),
    0x0C,
    ("bcm2708-rpi-zero-w.dtb", "bcm2835-rpi-zero-w.dtb"),
    kernel=_KERNEL_6,
    wide=False,
    sixth=True,
)
PI_2B = Board(
    "Raspberry Pi 2B",
    frozenset({"pi2"}),
    0x04,
    ("bcm2709-rpi-2-b.dtb", "bcm2836-rpi-2-b.dtb"),
    wide=False,
)
PI_3B = Board(
    "Raspberry Pi 3B",
    frozenset({"pi3"}),
    0x08,
    ("bcm2710-rpi-3-b.dtb", "bcm2837-rpi-3-b.dtb"),
)
PI_3B_PLUS = Board(
    "Raspberry Pi 3B+",
    frozenset({"pi3", "pi3+"}),
    0x0D,
    ("bcm2710-rpi-3-b-plus.dtb", "bcm2837-rpi-3-b-plus.dtb"),
)
ZERO_2W = Board(
    "Raspberry Pi Zero 2 W",
    frozenset({"pi0", "pi0w", "pi02"}),
    0x12,
    ("bcm2710-rpi-zero-2-w.dtb", "bcm2837-rpi-zero-2-w.dtb"),
)
PI_4B = Board(
    "Raspberry Pi 4B",
    frozenset({"pi4"}),
    0x11,
    ("bcm2711-rpi-4-b.dtb", "bcm2711-rpi-4-b.dtb"),
    _FOURTH,
    _KERNEL_7L,
    wide_unless_told=True,
)
PI_400 = Board(
    "Raspberry Pi 400",
    frozenset({"pi4", "pi400"}),
    0x13,
    ("bcm2711-rpi-400.dtb", "bcm2711-rpi-400.dtb"),
    _FOURTH,
    _KERNEL_7L,
    wide_unless_told=True,
)

# By the names that recipes give them: those of config.txt's filters, where these tell them apart.
BOARDS = {
    "pi2": PI_2B,
    "pi3": PI_3B,
    "pi3+": PI_3B_PLUS,
    "pi02": ZERO_2W,
    "pi4": PI_4B,
    "pi400": PI_400,
    "pi1": PI_1B,
    "pi1+": PI_1B_PLUS,
    "pi0": ZERO,
    "pi0w": ZERO_W,
}
