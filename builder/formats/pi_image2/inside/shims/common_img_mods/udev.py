"""Names for two serial devices of Ubiquity's robots."""

from __future__ import annotations

from pathlib import Path

_RULE = 'SUBSYSTEM=="tty", ATTRS{{idVendor}}=="{}", ATTRS{{idProduct}}=="{}", SYMLINK+="{}"\n'
_DEVICES = (("10c4", "ea60", "ldlidar"), ("0403", "6015", "beacon"))


def add_rules() -> None:
    """Add their rules to those of USB devices."""
    with Path("/etc/udev/rules.d/50-usb.rules").open("a", encoding="utf-8") as rules:
        rules.writelines(_RULE.format(*device) for device in _DEVICES)
