"""The `conf` of a customisation script: seven keys, each with its effect.

Keys and their meaning as UbiquityRobotics/pi_image2 documents them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from flasher.errors import BadInput


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a conf.

    Attributes:
        kind: type of its value.
        wanted: what its value must be, as the end of a sentence.
        effect: what becomes of it; a sentence.
        form: regular expression of the value, or of each text in the list.
    """

    kind: Literal["text", "number", "list"]
    wanted: str
    effect: str
    form: str = ""


_PATH = r"/[^\0\n]*"

KEYS: Mapping[str, Key] = {
    "hostname": Key(
        "text",
        "a host name: letters, digits and hyphens",
        "In `/etc/hostname`, and beside `127.0.1.1` in `/etc/hosts`; each node gets its own name "
        "from its payload.",
        r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)",
    ),
    "rootfs_extra_space_mb": Key(
        "number",
        "a whole number of MiB, from 0 to 65536",
        "With `--customization` the free room of the root file system, 16 MiB at least; in a "
        "recipe `[image] root_slack_mib` says it.",
    ),
    "rootfs": Key(
        "text",
        "an absolute path",
        "The layer store does its work. What lies there is neither read nor deleted; a tree of "
        "yours in `<rootfs>-backup` is told of.",
        _PATH,
    ),
    "flavour": Key(
        "text",
        "a part of a file's name: letters, digits, dots, + and hyphens",
        "In the name of the image.",
        r"[A-Za-z0-9][\w.+-]{0,79}",
    ),
    "release": Key(
        "text",
        "the name of a suite, such as noble or trixie",
        "In the name of the image. With `--customization`, the name of a Debian suite is what the "
        "image starts from; `focal` and `noble` are Ubuntu's, and another base than these is told.",
        r"[a-z][a-z0-9-]*",
    ),
    "imagedir": Key(
        "text",
        "an absolute path",
        "With `--customization` the folder for the image unless `--out` names another; made where "
        "there is none, and what is in it stays.",
        _PATH,
    ),
    "apt_get_packages": Key(
        "list",
        "a list of package names",
        "A layer of packages with what they recommend, by the lock, before the customisations; one "
        "that cannot be had or installed fails the build.",
        r"[a-z0-9][a-z0-9+.:-]*(?:[=/][A-Za-z0-9.+~:-]+)?",
    ),
}

_KINDS: Mapping[str, type] = {"text": str, "number": int, "list": list}
_LARGEST = 1 << 16


@dataclass(frozen=True, slots=True)
class Conf:
    """A conf that has been checked: its keys, and the names of those that mean nothing.

    Attributes:
        rootfs_extra_space_mb: in MiB.
    """

    hostname: str
    rootfs_extra_space_mb: int
    rootfs: str
    flavour: str
    release: str
    imagedir: str
    apt_get_packages: tuple[str, ...]
    extra: tuple[str, ...] = ()


def check_conf(told: object, file: str) -> Conf:
    """A conf from what the script said.

    Args:
        told: `conf` as JSON has it.
        file: the script, for messages.

    Raises:
        BadInput: ``conf-refused``, naming every fault.
    """
    if not isinstance(told, dict):
        raise _refusal(file, ["It is no dict."])
    if faults := [fault for name, key in KEYS.items() if (fault := _fault(name, key, told))]:
        raise _refusal(file, faults)
    own: dict[str, Any] = {name: told[name] for name in KEYS}
    own["apt_get_packages"] = tuple(dict.fromkeys(own["apt_get_packages"]))
    return Conf(**own, extra=tuple(sorted(map(str, told.keys() - KEYS.keys()))))


def _fault(name: str, key: Key, told: Mapping[str, object]) -> str:
    if name not in told:
        return f"{name} is missing; it must be {key.wanted}."
    value = told[name]
    if type(value) is not _KINDS[key.kind]:
        return f"{name} is {value!r}, and must be {key.wanted}."
    if isinstance(value, int) and not 0 <= value <= _LARGEST:
        return f"{name} is {value}, and must be {key.wanted}."
    for text in value if isinstance(value, list) else [value]:
        if key.form and not (isinstance(text, str) and re.fullmatch(key.form, text)):
            return f"{name}: {text!r} is not {key.wanted}."
    return ""


def _refusal(file: str, faults: list[str]) -> BadInput:
    listed = "\n".join(f"  {fault}" for fault in faults)
    return BadInput(
        "conf-refused",
        f"The conf of {file} cannot be built as it is:\n{listed}",
        "Change it in the script's __init__; docs/pi-image2.md tells what becomes of each key.",
    )
