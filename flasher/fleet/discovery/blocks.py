"""Whose network addresses are a Raspberry Pi's."""

from __future__ import annotations

from functools import cache

from flasher import paths


@cache
def blocks() -> frozenset[str]:
    """The first three octets of each block of addresses, such as ``b8:27:eb``."""
    path = paths.assets() / "choices" / "raspberry-pi-addresses.txt"
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(line.split("\t")[0] for line in lines if line and line[0] != "#")


def is_raspberry_pi(mac: str) -> bool:
    """Whether an address such as ``B8:27:EB:01:02:03`` is of one of those blocks.

    Radios that hide behind random addresses, and adapters of other makers, are not told by it.
    """
    return mac.lower()[:8] in blocks()
