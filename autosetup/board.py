"""The Pi, or PC, under the node: its serial number, model and addresses."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

_TREE = Path("/sys/firmware/devicetree/base")
_PC = Path("/sys/class/dmi/id")
_INTERFACES = Path("/sys/class/net")
_IPV6 = Path("/proc/net/if_inet6")
# linux/sockios.h
_SIOCGIFADDR = 0x8915
_NAME_SIZE, _REQUEST_SIZE = 15, 256


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
    found = (_read(path / "address") for path in sorted(_INTERFACES.glob("*")) if path.name != "lo")
    return serial() or next(filter(None, found), "")


def short_name() -> str:
    """A host name for a board that is no node yet, such as ``autosetup-1a2b3c4d``."""
    digits = "".join(c for c in identity().lower() if c.isascii() and c.isalnum())
    return f"autosetup-{digits[-8:]}" if digits else "autosetup"


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip("\0 \n")
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
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        for _, name in socket.if_nameindex():
            request = struct.pack(f"{_REQUEST_SIZE}s", name.encode()[:_NAME_SIZE])
            try:
                answer = fcntl.ioctl(handle.fileno(), _SIOCGIFADDR, request)
            except OSError:
                continue
            yield ipaddress.IPv4Address(answer[20:24])


def _ipv6() -> Iterator[ipaddress.IPv6Address]:
    try:
        lines = _IPV6.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        yield ipaddress.IPv6Address(bytes.fromhex(line.split()[0]))
