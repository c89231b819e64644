"""What only older payloads wanted: it becomes again what it was before the first of them.

Units are switched back, accounts that were made are closed, files go or get their old content. An
account's home stays: what a person has put there is no payload's.
"""

from __future__ import annotations

import os

from autosetup.before import Kept, Values
from autosetup.steps.account_files import all_or_nothing
from autosetup.steps.context import Context
from autosetup.steps.identity import HOST_KEY
from autosetup.steps.users import keys_path, sudo_path
from autosetup.system import System

NAME = "leftovers"
_LONG_AGO = "1"  # in days since 1970: shadow(5) on accounts that are closed


def check(context: Context) -> bool:
    """Whether nothing is left that the payload does not want."""
    return not any((_units(context), _accounts(context), _files(context)))


def apply(context: Context) -> None:
    """Put it all back; units first, while the files that they are made of are there."""
    units, accounts, files = _units(context), _accounts(context), _files(context)
    for unit, values in units.items():
        _switch(context.system, unit, str(values["state"]))
    if accounts:
        with all_or_nothing(context.system, ()):
            for name, values in accounts.items():
                _close(context.system, name, values["hash"])
    for path, values in files.items():
        context.before.put_back(path, values)
    os.sync()
    before = context.before
    for kept, gone in ((before.units, units), (before.accounts, accounts), (before.files, files)):
        for name in gone:
            kept.forget(name)


def _units(context: Context) -> dict[str, Values]:
    services = context.settings.services
    return _unwanted(context.before.units, {*services.enable, *services.disable})


def _accounts(context: Context) -> dict[str, Values]:
    return _unwanted(context.before.accounts, {user.name for user in context.settings.users})


def _files(context: Context) -> dict[str, Values]:
    """Those of the payload, of its people, and the host keys that it brings."""
    settings = context.settings
    wanted = {file.path for file in settings.files} | {s.path for s in settings.software}
    for user in settings.users:
        wanted |= {keys_path(context.system, user.name)} if user.authorized_keys else set()
        wanted |= {sudo_path(user.name)} if user.passwordless_sudo else set()
    wanted |= {HOST_KEY, f"{HOST_KEY}.pub"} if context.secrets.host_key else set()
    return _unwanted(context.before.files, wanted)


def _unwanted(kept: Kept, wanted: set[str]) -> dict[str, Values]:
    return {name: values for name, values in kept.all().items() if name not in wanted}


def _switch(system: System, unit: str, old: str) -> None:
    now = ["--now"] if system.booted else []
    state = system.run(["systemctl", "is-enabled", unit]).output.strip()
    if old.startswith("enabled"):
        system.must(["systemctl", "enable", *now, unit])
    elif state.startswith("enabled"):
        system.must(["systemctl", "disable", *now, unit])


def _close(system: System, name: str, old_hash: object) -> None:
    """Give an account of the image its old password back; lock one that was made."""
    if name not in system.accounts():
        return
    if old_hash is None:
        system.must(["usermod", "--lock", "--expiredate", _LONG_AGO, name])
    else:
        system.must(["chpasswd", "-e"], stdin=f"{name}:{old_hash}\n".encode())
