"""Whether a Raspberry Pi's firmware finds on the boot partition what it is told to start.

config.txt and the files the firmware needs: <https://www.raspberrypi.com/documentation/computers/
configuration.html#boot-folder-contents>.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet

from builder.bench import Bench, StepFailed

FIRMWARE = "boot/firmware"
_CONFIG, _COMMAND_LINE = "config.txt", "cmdline.txt"
_STARTERS = {"start.elf", "start4.elf"}
_NAMED = re.compile(r"^(?:kernel=|initramfs[ =])(\S+)", re.MULTILINE)


def require_bootable(bench: Bench) -> None:
    """Raise `StepFailed` (``not-bootable``), naming all that is missing."""
    names = set(bench.list_folder(FIRMWARE))
    config = ""
    if _CONFIG in names:
        config = bench.run_host(("cat", str(bench.merged / FIRMWARE / _CONFIG))).text
    if missing := find_missing(names, config):
        raise StepFailed(
            "not-bootable",
            "No Pi could boot this image:\n" + "\n".join(f"  {what}" for what in missing),
            "Add a kernel, initramfs-tools and raspi-firmware to the recipe's packages.",
        )


def find_missing(names: AbstractSet[str], config: str) -> list[str]:
    """What is not on the boot partition but should be, as lines for people.

    Args:
        names: of the files in the folder.
        config: text of config.txt.
    """
    missing = [f"{name} is missing" for name in (_CONFIG, _COMMAND_LINE) if name not in names]
    if not names & _STARTERS:
        missing.append("the firmware is missing: start.elf, start4.elf")
    named = _NAMED.findall(config)
    if _CONFIG in names and not named:
        missing.append(f"{_CONFIG} names no kernel")
    missing += [f"{_CONFIG} names {name}, which is missing" for name in named if name not in names]
    return missing
