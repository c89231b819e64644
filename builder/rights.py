"""Whose ids the files of a build bear: root builds with every id there is, a user with ids lent.

A user namespace shows its maker as root and the ids that /etc/subuid and /etc/subgid lend as all
others: user_namespaces(7), subuid(5), newuidmap(1).
"""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from flasher.errors import EnvironmentLacks
from flasher.process import find_program

# Ids of a Debian system go up to 65534 (nobody); Debian policy 9.2.2.
WANTED_IDS = 65535

SUBUID, SUBGID = Path("/etc/subuid"), Path("/etc/subgid")
_SETTINGS = Path("/proc/sys")

# Settings that forbid user namespaces: file, forbidding value, what to type.
_FORBIDDING = (
    ("kernel/unprivileged_userns_clone", "0", "sudo sysctl kernel.unprivileged_userns_clone=1"),
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    ("user/max_user_namespaces", "0", "sudo sysctl user.max_user_namespaces=10000"),
)


@dataclass(frozen=True, slots=True)
class IdMap:
    """Ids inside a build and the ids on disk that they stand for.

    Attributes:
        users, groups: spans (first inside, first on disk, count) one after another, as newuidmap(1)
            takes them; both empty where every id is itself.
    """

    users: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()

    def __str__(self) -> str:
        if not self.users:
            return "every id is itself"
        return " / ".join(" ".join(map(str, spans)) for spans in (self.users, self.groups))


def require_rights() -> IdMap:
    """The ids that this process may build with.

    Raises:
        EnvironmentLacks: too few of them, or what lends them is missing or forbidden.
    """
    if os.geteuid() == 0:
        _require_all_ids(Path("/proc/self/uid_map").read_text(encoding="ascii"))
        return IdMap()
    require_lenders()
    return lent_ids()


def explain_refusal(settings: Path = _SETTINGS) -> None:
    """Raise `EnvironmentLacks` if a setting of the kernel forbids users their namespaces.

    Asked only after a refusal: a security profile may allow us what the setting forbids.
    """
    for name, forbidding, remedy in _FORBIDDING:
        path = settings / name
        if path.exists() and path.read_text(encoding="ascii").strip() == forbidding:
            raise EnvironmentLacks(
                "namespaces-forbidden",
                f"This computer forbids its users namespaces of their own: {path} is {forbidding}.",
                f"Allow them (`{remedy}`), or run the same command with sudo.",
            )


def require_lenders() -> None:
    """Raise `EnvironmentLacks` unless the programs that lend ids are there."""
    for program in ("newuidmap", "newgidmap"):
        find_program(program)


def lent_ids(subuid: Path = SUBUID, subgid: Path = SUBGID) -> IdMap:
    """This user's own ids as root's, and the lent ones for all others.

    Raises:
        EnvironmentLacks: fewer than 65535 are lent in one piece.
    """
    return IdMap(
        (0, os.geteuid(), 1, 1, _lent(subuid), WANTED_IDS),
        (0, os.getegid(), 1, 1, _lent(subgid), WANTED_IDS),
    )


def _lent(table: Path) -> int:
    """The first id of the first range that is large enough."""
    user = os.geteuid()
    name = _user_name(user)
    lines = table.read_text(encoding="utf-8").splitlines() if table.exists() else []
    for line in lines:
        owner, first, count = (*line.split(":"), "", "", "")[:3]
        is_ours = owner in (name, str(user)) and first.isdigit() and count.isdigit()
        if is_ours and int(count) >= WANTED_IDS:
            return int(first)
    raise EnvironmentLacks(
        "no-lent-ids",
        f"{table} lends {name} no {WANTED_IDS} ids: the files of an image belong to many users.",
        f"Lend some (`sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {name}`,"
        " with a range that no other line has), or run the same command with sudo.",
    )


def _user_name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def _require_all_ids(uid_map: str) -> None:
    """A root of a namespace may have few ids; the text is that of /proc/self/uid_map."""
    if sum(map(int, uid_map.split()[2::3])) < WANTED_IDS:
        raise EnvironmentLacks(
            "no-lent-ids",
            "This root has too few ids: the files of an image belong to many users.",
            "Run it as an ordinary user, as the computer's own root, or in a container with all "
            "ids (podman's default for users, for example).",
        )
