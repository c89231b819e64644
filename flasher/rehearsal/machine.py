"""The emulated Raspberry Pi, as a command line for QEMU."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flasher.firmware.boards import PI_2B, PI_3B, Board

PROGRAM = "qemu-system-aarch64"  # emulates the 32-bit boards as well
_MACHINES = {PI_2B: "raspi2b", PI_3B: "raspi3b"}

# Emulated on a busy computer, a partition that is there can take longer to appear than the 90 s
# after which systemd (256 and newer heed this) gives a card up.
PATIENCE = "systemd.default_device_timeout_sec=900"


@dataclass(frozen=True, slots=True)
class MachineFiles:
    """What the machine is made of; `console` takes both serial lines, appended as they come."""

    card: Path
    kernel: Path
    device_tree: Path
    console: Path
    initramfs: Path | None = None


def machine_argv(
    board: Board, files: MachineFiles, cmdline: str, *, network: bool = True
) -> list[str]:
    """The command line of a Pi 2B or 3B (1 GiB, four cores) that starts the given files.

    The kernel's command line is the card's, and that systemd shall be patient.

    Its network adapter is a USB one: the node gets an address by DHCP and reaches out as through a
    router; nothing reaches in. Without `network` there is no adapter. A restart ends the machine,
    and so does switching itself off.
    """
    # fmt: off
    argv = [
        PROGRAM,
        "-M", _MACHINES[board],
        "-nodefaults",
        "-display", "none",
        "-no-reboot",
        "-kernel", str(files.kernel),
        "-dtb", str(files.device_tree),
        "-append", f"{cmdline} {PATIENCE}",
        "-drive", f"if=sd,format=raw,file={quoted(files.card)}",
    ]
    # fmt: on
    if network:
        argv += ["-netdev", "user,id=net0", "-device", "usb-net,netdev=net0"]
    if files.initramfs:
        argv += ["-initrd", str(files.initramfs)]
    # First the full UART (ttyAMA0), then the mini UART (ttyS0, or ttyS1 with an upstream tree).
    for line in ("uart0", "uart1"):
        argv += ["-chardev", f"file,id={line},path={quoted(files.console)},append=on"]
        argv += ["-serial", f"chardev:{line}"]
    return argv


def card_size(size: int) -> int:
    """The next size in bytes that an emulated SD card can have: a power of two."""
    return 1 << (size - 1).bit_length()


def quoted(value: Path | str) -> str:
    """A value within an option of QEMU, where a comma ends it unless it is doubled."""
    return str(value).replace(",", ",,")
