"""The Pi, or PC, under the node: its serial number, model and addresses."""

from __future__ import annotations

import array
import fcntl
import ipaddress
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from autosetup.errors import plain

_TREE = Path("/sys/firmware/devicetree/base")
_PC = Path("/sys/class/dmi/id")
_INTERFACES = Path("/sys/class/net")
_IPV6 = Path("/proc/net/if_inet6")
# linux/sockios.h, and struct ifreq of linux/if.h: a name, and a union as large as struct ifmap.
_SIOCGIFCONF = 0x8912
_REQUEST_SIZE = struct.calcsize("16sLLHBBB0L")
_ADDRESS = slice(20, 24)
_MOST_ADDRESSES = 1024


def serial() -> str:
    """The Pi's serial number; empty where the firmware gives none, as on PCs: many share theirs."""
    return _read(_TREE / "serial-number")


def model() -> str:
    """The model, such as ``Raspberry Pi 3 Model B``, or maker and product; empty where unknown."""
    maker_and_product = (_read(_PC / "sys_vendor"), _read(_PC / "product_name"))
    return _read(_TREE / "model") or " ".join(filter(None, maker_and_product))


def identity() -> str:
    """What tells this board from all others: its serial number, else its first network address.

    That one is of the hardware, such as ``52:54:00:12:34:56``; empty where there is no network.
    """
    others = [path for path in sorted(_INTERFACES.glob("*")) if path.name != "lo"]
    # Bridges and the like come and go with what runs on the node.
    others.sort(key=lambda path: not (path / "device").exists())
    return serial() or next(filter(None, (_read(path / "address") for path in others)), "")


def short_name() -> str:
    """A host name for a board that is no node yet, such as ``autosetup-1a2b3c4d``."""
    digits = "".join(c for c in identity().lower() if c.isascii() and c.isalnum())
    return f"autosetup-{digits[-8:]}" if digits else "autosetup"


def _read(path: Path) -> str:
    try:
        return plain(path.read_text(errors="replace"))
    except OSError:
        return ""


def addresses() -> tuple[str, ...]:
    """IPv4 and IPv6 addresses of the node, those that only count on one link last."""
    found: set[ipaddress.IPv4Address | ipaddress.IPv6Address] = {*_ipv4(), *_ipv6()}
    usable = [address for address in found if not address.is_loopback]
    ordered = sorted(usable, key=lambda a: (a.is_link_local, a.version, int(a)))
    return tuple(map(str, ordered))


def is_reachable(addresses: tuple[str, ...]) -> bool:
    """Whether one of them counts beyond the link."""
    return any(not ipaddress.ip_address(address).is_link_local for address in addresses)


def has_interface() -> bool:
    """Whether there is any way to a network, joined or not."""
    return any(interface.name != "lo" for interface in _INTERFACES.glob("*"))


def _ipv4() -> Iterator[ipaddress.IPv4Address]:
    """All of every interface: the first of one may count on its link alone."""
    found = array.array("B", bytes(_MOST_ADDRESSES * _REQUEST_SIZE))
    asked = bytearray(struct.pack("iP", len(found), found.buffer_info()[0]))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        fcntl.ioctl(handle.fileno(), _SIOCGIFCONF, asked)
    (size,) = struct.unpack_from("i", asked)
    for start in range(0, size, _REQUEST_SIZE):
        yield ipaddress.IPv4Address(found[start : start + _REQUEST_SIZE][_ADDRESS].tobytes())


def _ipv6() -> Iterator[ipaddress.IPv6Address]:
    try:
        lines = _IPV6.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        yield ipaddress.IPv6Address(bytes.fromhex(line.split()[0]))
