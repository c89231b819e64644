"""Which cards PCs start from, and not Raspberry Pis.

After the UEFI Specification 2.10, section 3.5.1.1 (removable media), and what every BIOS does with
the first sector.
"""

from __future__ import annotations

from flasher.firmware.config_txt import CONFIG, BootFiles
from flasher.image.mbr import CODE_SIZE

# For 64-bit and for 32-bit firmware.
UEFI_LOADERS = ("EFI/BOOT/BOOTX64.EFI", "EFI/BOOT/BOOTIA32.EFI")


def is_for_pc(first_sector: bytes, files: BootFiles) -> bool:
    """Whether a card is for PCs: it has code for a BIOS or for UEFI, and no Pi's config.txt."""
    return not files.exists(CONFIG) and (has_code(first_sector) or has_uefi_loader(files))


def has_code(first_sector: bytes) -> bool:
    """Whether a BIOS finds code to start."""
    return any(first_sector[:CODE_SIZE])


def has_uefi_loader(files: BootFiles) -> bool:
    """Whether UEFI firmware finds a program to start."""
    return any(map(files.exists, UEFI_LOADERS))
