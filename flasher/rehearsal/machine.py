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
class Cable:
    """A machine's end of a cable to a `flasher.rehearsal.switch`.

    Attributes:
        descriptor: of the socket, which the machine inherits.
        address: MAC of its network adapter, such as ``52:54:00:00:00:01``.
    """

    descriptor: int
    address: str


# Whether a machine has a network adapter, and if not to a router of its own, then to what.
Network = bool | Cable


@dataclass(frozen=True, slots=True)
class MachineFiles:
    """What the machine is made of; `console` takes both serial lines, appended as they come."""

    card: Path
    kernel: Path
    device_tree: Path
    console: Path
    initramfs: Path | None = None


def machine_argv(
    board: Board, files: MachineFiles, cmdline: str, *, network: Network = True
) -> list[str]:
    """The command line of a Pi 2B or 3B (1 GiB, four cores) that starts the given files.

    The kernel's command line is the card's, and that systemd shall be patient.

    Its network adapter is a USB one: the node gets an address by DHCP and reaches out as through a
    router; nothing reaches in. With a cable it is on that network alone. Without `network` there is
    no adapter. A restart ends the machine, and so does switching itself off.
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
    argv += adapter("usb-net", network)
    if files.initramfs:
        argv += ["-initrd", str(files.initramfs)]
    # First the full UART (ttyAMA0), then the mini UART (ttyS0, or ttyS1 with an upstream tree).
    for line in ("uart0", "uart1"):
        argv += ["-chardev", f"file,id={line},path={quoted(files.console)},append=on"]
        argv += ["-serial", f"chardev:{line}"]
    return argv


def stand_in_argv(files: MachineFiles, cmdline: str, *, network: Network = True) -> list[str]:
    """The command line of a 64-bit ARM computer (1 GiB, two cores) that stands in for a Pi.

    It starts the same files but for the device tree, in a quarter of the time; its card is a disk
    (`/dev/vda`), its network adapter a plain wired one. Network and ends are as in `machine_argv`.
    """
    # fmt: off
    argv = [
        PROGRAM,
        "-M", "virt",
        "-cpu", "cortex-a53",
        "-smp", "2",
        "-m", "1024",
        "-nodefaults",
        "-display", "none",
        "-no-reboot",
        "-kernel", str(files.kernel),
        "-append", f"{on_its_console(cmdline)} {PATIENCE}",
        "-drive", f"if=none,id=card,format=raw,file={quoted(files.card)}",
        "-device", "virtio-blk-pci,drive=card",
        "-chardev", f"file,id=line,path={quoted(files.console)},append=on",
        "-serial", "chardev:line",
    ]
    # fmt: on
    argv += adapter("virtio-net-pci,romfile=", network)
    return [*argv, "-initrd", str(files.initramfs)] if files.initramfs else argv


def on_its_console(cmdline: str) -> str:
    """A card's command line with the serial line of that computer in place of a Pi's."""
    words = [word for word in cmdline.split() if not word.startswith(("console=", "8250."))]
    return " ".join(["console=ttyAMA0", *words])


def adapter(device: str, network: Network) -> list[str]:
    """Options for a network adapter; none without a network.

    Args:
        device: what QEMU calls it.
    """
    if isinstance(network, Cable):
        # A stream of frames over an open socket: QEMU 7.2 and newer.
        line = f"stream,id=net0,server=off,addr.type=fd,addr.str={network.descriptor}"
        return ["-netdev", line, "-device", f"{device},netdev=net0,mac={network.address}"]
    return ["-netdev", "user,id=net0", "-device", f"{device},netdev=net0"] if network else []


def card_size(size: int) -> int:
    """The next size in bytes that an emulated SD card can have: a power of two."""
    return 1 << (size - 1).bit_length()


def quoted(value: Path | str) -> str:
    """A value within an option of QEMU, where a comma ends it unless it is doubled."""
    return str(value).replace(",", ",,")
