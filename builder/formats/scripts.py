"""Scripts of all formats, read as text before they run: what they can read, and what fails here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_NAME = re.compile(rb"[A-Za-z_]\w*")
# With these a script can read variables that it does not name.
_READS_ALL = re.compile(
    rb"\b(?:printenv|compgen|declare\s+-[px]|export\s+-p)\b|\$\{!"
    rb"|(?:^|[;&|]\s*)\s*(?:env|set)\s*(?:$|[|>])",
    re.MULTILINE,
)


def names_in(data: bytes) -> set[str]:
    """All words of a script that could be names of variables."""
    return {found.decode() for found in _NAME.findall(data)}


def reads_all_variables(data: bytes) -> bool:
    """Whether a script can read variables that it does not name."""
    return bool(_READS_ALL.search(data))


@dataclass(frozen=True, slots=True)
class Trap:
    """What does not work in a build, or not as a script's author thinks.

    Attributes:
        regex: of a line, or a command, that does it.
        what: the end of a sentence, after the place.
        remedy: a sentence.
    """

    regex: str
    what: str
    remedy: str

    def catches(self, text: str) -> bool:
        """Whether a text does it."""
        return re.search(self.regex, text) is not None


APT = Trap(
    r"\bapt(?:-get)?\s+(?:-\S+\s+)*(?:-o\s+\S+\s+)*"
    r"(?:install|dist-upgrade|full-upgrade|upgrade)\b",
    "lets apt fetch packages that no lock names",
    "Name them in a list of packages; or allow the layer the network.",
)
FETCHES = Trap(
    r"\b(?:wget|curl|git\s+clone|vcs\s+import|rosdep|pip3?\s+install|npm\s+(?:i|install|run))"
    r"\s+(?:[^\\\s]|$)",
    "fetches something while the image is made",
    "Allow the layer the network, or keep the file beside the script: what it gets can change.",
)
SERVICE = Trap(
    r"systemctl\s+(?:re)?start\b|service\s+\S+\s+(?:re)?start\b",
    "starts a service; none runs while an image is made",
    "Enable it (systemctl enable): it starts on the node.",
)
DISKS = Trap(
    r"\b(?:losetup|kpartx|qemu-nbd|parted|mkfs\.\w+|mkdosfs|mkswap|swapon)\b",
    "wants disks or loop devices, which a build has not",
    "Leave disks to Flasher: it makes partitions and file systems after the last layer.",
)
HOST_KEYS = Trap(
    r"\bssh-keygen\b.*(?:\s-A\b|ssh_host)|dpkg-reconfigure\s+(?:.*\s)?openssh-server",
    "makes host keys that all nodes would share",
    "Leave it out: they are taken out again, as each node makes its own.",
)
PASSWORD = Trap(
    r"\bchpasswd\b|\busermod\s+(?:.*\s)?(?:-p|--password)\b|\bpasswd\s+(?!-[ldS])[^\s>]"
    r"|\b(?:kvmd-)?htpasswd\b",
    "sets a password that all nodes would share",
    "Leave it out: those of the image's users are taken out again; a site gives the nodes theirs.",
)
PEOPLES_KEYS = Trap(
    r"\bauthorized_keys\b",
    "lets somebody's key into every node",
    "Leave it out: it is taken out again, and a site has the keys that open its nodes.",
)
BOOT_FILES = Trap(
    r"/boot\b[^|]*/(?:config|cmdline)\.txt|/boot/(?:config|cmdline)\.txt",
    "changes a file that Debian's updates of kernels write anew",
    "Upon plain Debian, say the lines in [layer.boot]; Raspberry Pi OS keeps the file.",
)
TRAPS = (APT, FETCHES, SERVICE, DISKS, HOST_KEYS, PASSWORD, PEOPLES_KEYS, BOOT_FILES)


def traps_in(text: str, traps: Sequence[Trap] = TRAPS) -> Iterator[Trap]:
    """The traps that a text walks into."""
    return (trap for trap in traps if trap.catches(text))
