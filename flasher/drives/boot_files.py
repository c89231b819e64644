"""Which files on a card of ours are the system's; all others are somebody's. Pure."""

from __future__ import annotations

import re

from autosetup.payload import FOLDER, NO_AGENT, is_litter

# The Pi's firmware, kernels and settings (raspberrypi.com, "The boot folder"), Raspberry Pi OS's
# and cloud-init's settings for the first start, what fsck.fat saves, and Windows' own folder.
_SYSTEM = re.compile(
    rf"""{FOLDER}/.+ | {re.escape(NO_AGENT)}
    | [^/]+\.(dtb|elf|bin) | (fixup|bootcode)[^/]*\.dat
    | overlays/([^/]+\.dtbo? | readme[^/]*)
    | (kernel|vmlinuz|initrd|initramfs)[\w.+-]*
    | (autoboot|cmdline|config|distroconfig|issue|usercfg|userconf|tryboot)\.txt
    | licence\.broadcom | copying\.linux | fsck\d+\.rec
    | user-data | meta-data | network-config | custom\.toml | firstrun\.sh | ssh
    | system\ volume\ information/.+""",
    re.IGNORECASE | re.VERBOSE,
)
_THROWN_AWAY = (".trash", "$recycle.bin")


def is_systems(path: str) -> bool:
    """Whether a file of a boot partition, by its path, is ours, the Pi's, or a computer's litter.

    What a person threw away is still theirs: computers keep it in hidden folders.
    """
    if path.lower().startswith(_THROWN_AWAY):
        return False
    return _SYSTEM.fullmatch(path) is not None or is_litter(path)
