"""Small cards for the emulated Pi: real partition table, real FAT, and a kernel of a few words."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from autosetup.status import Status
from flasher.process import run

MIB = 1 << 20
CONFIG = b"arm_64bit=1\nupstream_kernel=1\nkernel=vmlinuz\n"
TREE = "bcm2837-rpi-3-b.dtb"
PAYLOAD = {"autosetup/manifest.json": b"{}"}
DONE = Status("done", node="cam-0101", addresses=("10.0.2.15",))
MakeCard = Callable[..., Path]


def small_kernel(text: str, *, restarts: bool = False) -> bytes:
    """A kernel for a Pi 3 that prints a text on its first serial line, then stops or restarts it.

    Made by hand after the Arm Architecture Reference Manual; the line's data register is that of
    the BCM2837's PL011, the restart a write to its watchdog's control register.
    """
    restart = [
        0xD2A7E203,  # movz x3, #0x3f10, lsl #16
        0xF2800383,  # movk x3, #0x1c
        0x52AB4004,  # movz w4, #0x5a00, lsl #16
        0x72800404,  # movk w4, #0x20
        0xB9000064,  # str  w4, [x3]
    ]
    nothing = [0xD503201F] * len(restart)  # nop
    program = [
        0xD2A7E400,  # movz x0, #0x3f20, lsl #16
        0xF2820000,  # movk x0, #0x1000
        0x10000181,  # adr  x1, +12
        0x38401422,  # ldrb w2, [x1], #1
        0x34000062,  # cbz  w2, +3
        0xB9000002,  # str  w2, [x0]
        0x17FFFFFD,  # b    -3
        *(restart if restarts else nothing),
        0xD503207F,  # wfi
        0x17FFFFFF,  # b    -1
    ]
    return struct.pack("<14I", *program) + text.encode() + b"\0"


def small_32_bit_kernel(text: str) -> bytes:
    """The same for a Pi 2, whose processors know only the older instructions."""
    program = [
        0xE3010000,  # movw  r0, #0x1000
        0xE3430F20,  # movt  r0, #0x3f20
        0xE28F1014,  # add   r1, pc, #20
        0xE4D12001,  # ldrb  r2, [r1], #1
        0xE3520000,  # cmp   r2, #0
        0x15802000,  # strne r2, [r0]
        0x1AFFFFFB,  # bne   -3
        0xE320F003,  # wfi
        0xEAFFFFFD,  # b     -1
    ]
    return struct.pack("<9I", *program) + text.encode() + b"\0"


def small_tree() -> bytes:
    """The least device tree there is: a root that says how wide addresses are.

    Layout after the Devicetree Specification 0.4, chapter 5.
    """
    names = b"#address-cells\0#size-cells\0"
    cells = b"".join(struct.pack(">4I", 3, 4, at, 1) for at in (0, 15))
    body = struct.pack(">2I", 1, 0) + cells + struct.pack(">2I", 2, 9)
    at_body = 40 + 16
    at_names = at_body + len(body)
    sizes = (at_names + len(names), at_body, at_names, 40, 17, 16, 0, len(names), len(body))
    return struct.pack(">10I", 0xD00DFEED, *sizes) + bytes(16) + body + names


@pytest.fixture
def make_card(tmp_path: Path) -> MakeCard:
    """Makes a virtual card whose boot partition holds the given files beside a bootable set."""

    def make(
        files: Mapping[str, bytes] | None = None,
        *,
        says: str = "",
        size: int = 16,
        restarts: bool = False,
    ) -> Path:
        content = {
            "config.txt": CONFIG,
            "cmdline.txt": b"root=LABEL=rootfs\n",
            "vmlinuz": small_kernel(says, restarts=restarts),
            TREE: small_tree(),
            **(files or {}),
        }
        card = tmp_path / "card.img"
        with card.open("wb") as handle:
            handle.truncate(size * MIB)
        run(["sfdisk", "--quiet", str(card)], stdin=b"label: dos\nstart=2048, size=16384, type=e\n")
        run(
            ["mkfs.fat", "-F", "16", "-s", "1", "--offset", "2048", str(card), str(8 * MIB // 1024)]
        )
        put(card, content)
        return card

    return make


@pytest.fixture
def make_32_bit_card(make_card: MakeCard) -> MakeCard:
    """Makes a card for a Pi 2."""

    def make(*, says: str) -> Path:
        files = {
            "config.txt": CONFIG.replace(b"arm_64bit=1", b"arm_64bit=0"),
            "vmlinuz": small_32_bit_kernel(says),
            "bcm2836-rpi-2-b.dtb": small_tree(),
        }
        return make_card(files)

    return make


@pytest.fixture
def put_files() -> Callable[[Path, Mapping[str, bytes]], None]:
    """Puts files on a card's boot partition, as a node would that writes to it."""
    return put


def put(card: Path, files: Mapping[str, bytes]) -> None:
    """Put files on a card's boot partition with mtools; their folders must be there or be new."""
    image = f"{card}@@{MIB}"
    for folder in sorted({name.partition("/")[0] for name in files if "/" in name}):
        run(["mmd", "-D", "s", "-i", image, f"::/{folder}"], ok=(0, 1))
    for name, data in files.items():
        run(["mcopy", "-o", "-i", image, "-", f"::/{name}"], stdin=data)
