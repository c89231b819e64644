"""What a kernel file is: for which architecture, in which form, of which version.

Heads after the kernel's own documentation: arch/arm64/booting (Image), arch/arm/boot/compressed/
head.S (zImage), arch/x86/boot (bzImage), and drivers/firmware/efi/libstub/zboot-header.S.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

_GZIP, _ELF = b"\x1f\x8b", b"\x7fELF"
_ARM64_MAGIC = slice(0x38, 0x3C), b"ARM\x64"
_ARM_MAGIC = slice(0x24, 0x28), (0x016F2818).to_bytes(4, "little")
_ARM_START, _ARM_END = slice(0x28, 0x2C), slice(0x2C, 0x30)
_EFI_MAGIC = slice(4, 8), b"zimg"
_X86_MAGIC = slice(0x202, 0x206), b"HdrS"
_X86_VERSION, _X86_FLAGS, _X86_WIDE = slice(0x20E, 0x210), slice(0x236, 0x238), 0x01
_BANNER = re.compile(rb"Linux version (\S+) ")
_TREE_MAGIC = b"\xd0\x0d\xfe\xed"  # Devicetree Specification 0.4, section 5.2


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel file.

    Attributes:
        architecture: Debian's name of it; empty where it is not known.
        version: such as ``6.12.107+deb13-arm64``; empty where the file does not say.
        fault: why the firmware cannot start it, to follow "The kernel X "; empty if it can.
    """

    architecture: str
    version: str = ""
    fault: str = ""


def read_kernel(data: bytes) -> Kernel:
    """Tell what a kernel is from its bytes."""
    if data.startswith(_GZIP):
        return _read_packed(data)
    if _has(data, _EFI_MAGIC):
        return Kernel("", fault="is packed for UEFI, which the firmware cannot unpack.")
    if _has(data, _ARM64_MAGIC):
        banner = _BANNER.search(data)
        return Kernel("arm64", banner[1].decode(errors="replace") if banner else "")
    if _has(data, _ARM_MAGIC):
        return _read_arm(data)
    if _has(data, _X86_MAGIC):
        return _read_x86(data)
    if data.startswith(_ELF):
        return Kernel("", fault="is an ELF file; the firmware starts raw images only.")
    return Kernel("", fault="is in no form that is known.")


def is_device_tree(data: bytes) -> bool:
    """Whether a file is a whole device tree blob."""
    return data.startswith(_TREE_MAGIC) and int.from_bytes(data[4:8], "big") <= len(data)


def _has(data: bytes, magic: tuple[slice, bytes]) -> bool:
    where, expected = magic
    return data[where] == expected


def _read_packed(data: bytes) -> Kernel:
    """The firmware unpacks kernels that are 64-bit ones."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        inner = unpacker.decompress(data)
    except zlib.error:
        return Kernel("", fault="is packed with gzip and damaged.")
    if not unpacker.eof:
        return Kernel("", fault="is packed with gzip and ends too early.")
    if not _has(inner, _ARM64_MAGIC):
        return Kernel("", fault="is packed with gzip, but is no 64-bit kernel inside.")
    return read_kernel(inner)


def _read_arm(data: bytes) -> Kernel:
    start, end = (int.from_bytes(data[part], "little") for part in (_ARM_START, _ARM_END))
    if end - start > len(data):
        return Kernel("armhf", fault=f"ends after {len(data)} of {end - start} bytes.")
    return Kernel("armhf")


def _read_x86(data: bytes) -> Kernel:
    at = int.from_bytes(data[_X86_VERSION], "little") + 0x200
    told = data[at : at + 256].split(b"\0")[0].split()
    version = told[0].decode(errors="replace") if told and at > 0x200 else ""
    wide = int.from_bytes(data[_X86_FLAGS], "little") & _X86_WIDE
    return Kernel("amd64" if wide else "i386", version, fault="is one for PCs.")
