"""The emulated PC: what it starts from a card, and its command line for QEMU.

Its firmware is real, and does what it does on any PC: it starts what the card brings.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flasher.errors import EnvironmentLacks, FlasherError
from flasher.firmware.config_txt import BootFiles
from flasher.firmware.pc import has_code, has_uefi_loader
from flasher.rehearsal.machine import Network, adapter, quoted

PROGRAM = "qemu-system-x86_64"
PcFirmware = Literal["bios", "uefi"]
_TITLES: dict[PcFirmware, str] = {"bios": "PC with a BIOS", "uefi": "PC with UEFI"}
# Debian's package ovmf: firmware and its settings in one file.
_OVMF = (Path("/usr/share/ovmf/OVMF.fd"), Path("/usr/share/qemu/OVMF.fd"))
# GRUB passes these on, from a machine that says so: systemd-boot(7).
_NO_SCREEN = "io.systemd.boot.kernel-cmdline-extra=console=ttyS0,115200"
_NOT_REHEARSED = (
    "the PC's own firmware and its settings: order of drives, Secure Boot",
    "the PC's own hardware: network adapters, Wi-Fi, graphics, clock",
    "the site's network: the emulated PC has one of its own",
    "the screen: what it would show is on the serial line",
)


@dataclass(frozen=True, slots=True)
class PcPlan:
    """A PC that starts a card.

    Attributes:
        firmware: what looks for something to start.
        title: of the machine, for people.
        not_rehearsed: what only a real PC would show, for people.
        problems: what is likely wrong with the card, for people.
    """

    firmware: PcFirmware
    title: str
    not_rehearsed: tuple[str, ...] = _NOT_REHEARSED
    problems: tuple[str, ...] = ()


def plan_pc(first_sector: bytes, files: BootFiles, firmware: PcFirmware) -> PcPlan:
    """Plan the start of a card that is for PCs.

    Raises:
        FlasherError: ``boot-file-missing``: there is nothing for this firmware to start.
    """
    found = has_uefi_loader(files) if firmware == "uefi" else has_code(first_sector)
    if not found:
        raise FlasherError(
            "boot-file-missing",
            f"The card has nothing that a {_TITLES[firmware]} could start.",
            'Add the layer pc to the recipe (uses = "pc"), build and write anew.',
        )
    return PcPlan(firmware, _TITLES[firmware])


def pc_argv(plan: PcPlan, card: Path, console: Path, *, network: Network = True) -> list[str]:
    """The command line of a PC with 1 GiB and two cores that starts a card.

    The card is a SATA drive. The network is as in `flasher.rehearsal.machine`, and so are ends.

    Raises:
        EnvironmentLacks: ``firmware-missing``: this computer has no firmware for UEFI.
    """
    # fmt: off
    argv = [
        PROGRAM,
        "-M", "q35",
        "-m", "1024",
        "-smp", "2",
        "-nodefaults",
        "-display", "none",
        "-vga", "std",
        "-no-reboot",
        "-smbios", f"type=11,value={quoted(_NO_SCREEN)}",
        "-drive", f"if=none,id=card,format=raw,file={quoted(card)}",
        "-device", "ide-hd,drive=card,bus=ide.0",
        "-chardev", f"file,id=line,path={quoted(console)},append=on",
        "-serial", "chardev:line",
    ]
    # fmt: on
    argv += adapter("e1000e,romfile=", network)
    return [*argv, "-bios", str(_uefi())] if plan.firmware == "uefi" else argv


def _uefi() -> Path:
    found = next((path for path in _OVMF if path.exists()), None)
    if found is None:
        raise EnvironmentLacks(
            "firmware-missing",
            "There is no UEFI firmware to start the emulated PC with.",
            "Install it: sudo apt-get install ovmf.",
        )
    return found
