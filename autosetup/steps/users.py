"""Accounts of people: groups, password, SSH keys and sudo. Accounts not named stay as they are."""

from __future__ import annotations

import os
from collections.abc import Iterator

from autosetup.errors import AgentError
from autosetup.faults import Fault
from autosetup.node_file import NODE
from autosetup.settings import User
from autosetup.steps.account_files import all_or_nothing, is_open
from autosetup.steps.context import Context
from autosetup.system import Account, System

NAME = "users"
_FIRST_PERSON, _LAST_PERSON = 1000, 59999
_SHELL = "/bin/bash"
_HASH, _EXPIRES, _FIELDS = 1, 7, 9  # of shadow(5)


def problems(context: Context) -> Iterator[Fault]:
    """What the node itself has against the accounts."""
    accounts = context.system.accounts()
    for user in context.settings.users:
        account = accounts.get(user.name)
        if account and not _FIRST_PERSON <= account.uid <= _LAST_PERSON:
            what = f"The user {user.name} belongs to the system itself."
            yield Fault(NODE, 0, 0, what, "Choose another name.")
        if user.passwordless_sudo and not context.system.has_program("visudo"):
            what = f"The image has no sudo, which {user.name} shall use."
            yield Fault(NODE, 0, 0, what, "Add the package sudo to the recipe of the image.")


def check(context: Context) -> bool:
    """Whether every account is as wanted, and no attempt was cut short."""
    users = context.settings.users
    return not is_open(context.system) and all(_is_right(context, user) for user in users)


def apply(context: Context) -> None:
    """Make or change the accounts that are not as wanted, all of them or none."""
    system = context.system
    for user in context.settings.users:
        _keep(context, user)
    with all_or_nothing(system, tuple(f"/home/{user.name}" for user in context.settings.users)):
        for user in context.settings.users:
            if not _is_right(context, user):
                _make_account(system, user)
                _set_password(context, user.name)
                _set_keys(system, user)
                _set_sudo(system, user)


def _is_right(context: Context, user: User) -> bool:
    system = context.system
    account, groups = system.accounts().get(user.name), system.groups()
    if account is None:
        return False
    wanted_hash = context.secrets.password_hashes.get(user.name)
    return (
        all(g in groups and user.name in groups[g].members for g in user.groups)
        and (wanted_hash is None or _field(system, user.name, _HASH) == wanted_hash)
        and not _field(system, user.name, _EXPIRES)
        and _keys_are_right(system, user, account)
        and _sudo_is_right(system, user)
    )


def _keep(context: Context, user: User) -> None:
    """Keep what is about to be changed; an account that was closed counts as one that is made."""
    is_closed = _field(context.system, user.name, _EXPIRES)
    old = None if is_closed else _field(context.system, user.name, _HASH)
    if old is None or user.name in context.secrets.password_hashes:
        context.before.accounts.keep(user.name, {"hash": old})
    if user.authorized_keys:
        context.before.keep_file(keys_path(context.system, user.name))
    if user.passwordless_sudo:
        context.before.keep_file(sudo_path(user.name))


def people(system: System) -> dict[str, Account]:
    """The accounts that are no system's own, by name."""
    return {
        name: account
        for name, account in system.accounts().items()
        if _FIRST_PERSON <= account.uid <= _LAST_PERSON
    }


def keys_path(system: System, name: str) -> str:
    """Where a user's public keys are, or will be."""
    account = system.accounts().get(name)
    return f"{account.home if account else f'/home/{name}'}/.ssh/authorized_keys"


def sudo_path(name: str) -> str:
    """Where it stands that a user may become root."""
    return f"/etc/sudoers.d/autosetup-{name}"


def _field(system: System, name: str, number: int) -> str | None:
    """A field of an account's line in /etc/shadow; None where it has none."""
    rows = system.rows("/etc/shadow", _FIELDS)
    return next((row[number] for row in rows if row[0] == name), None)


def _make_account(system: System, user: User) -> None:
    for group in user.groups:
        if group not in system.groups():
            system.must(["groupadd", group])
    if user.name not in system.accounts():
        own = ["-g", user.name] if user.name in system.groups() else ["-U"]
        home = ["-m", "-d", f"/home/{user.name}", "-s", _SHELL]
        system.must(["useradd", *home, *own, user.name])
    if _field(system, user.name, _EXPIRES):  # it was closed when an older payload went
        system.must(["usermod", "--expiredate", "", user.name])
    if user.groups:
        system.must(["usermod", "-aG", ",".join(user.groups), user.name])


def _set_password(context: Context, name: str) -> None:
    if hashed := context.secrets.password_hashes.get(name):
        context.system.must(["chpasswd", "-e"], stdin=f"{name}:{hashed}\n".encode())


def _keys_are_right(system: System, user: User, account: Account) -> bool:
    return not user.authorized_keys or system.holds(
        keys_path(system, user.name),
        _keys(user),
        mode=0o600,
        uid=account.uid,
        gid=account.gid,
    )


def _set_keys(system: System, user: User) -> None:
    if not user.authorized_keys:
        return
    account = system.accounts()[user.name]
    make_ssh_folder(system, account)
    path = keys_path(system, user.name)
    system.write(path, _keys(user), mode=0o600, uid=account.uid, gid=account.gid)


def make_ssh_folder(system: System, account: Account) -> None:
    """A user's own ``.ssh``, closed to others; raises `AgentError` where it leads elsewhere.

    An account of the image may have no home yet.
    """
    home = system.path(account.home)
    if not home.exists():
        home.mkdir(mode=0o700, parents=True)
        os.chown(home, account.uid, account.gid)
    folder = system.path(f"{account.home}/.ssh")
    if folder.is_symlink():
        raise AgentError(
            "unsafe-home", f"{folder} is a link, which root must not follow.", "Remove the link."
        )
    folder.mkdir(mode=0o700, exist_ok=True)
    os.chown(folder, account.uid, account.gid)


def _keys(user: User) -> bytes:
    return "".join(f"{key}\n" for key in user.authorized_keys).encode()


def _sudo_is_right(system: System, user: User) -> bool:
    if not user.passwordless_sudo:
        return not system.path(sudo_path(user.name)).exists()
    return system.holds(sudo_path(user.name), _sudo_rule(user), mode=0o440)


def _set_sudo(system: System, user: User) -> None:
    if not user.passwordless_sudo:
        system.path(sudo_path(user.name)).unlink(missing_ok=True)
        return
    # sudo ignores names with a dot, so the draft has no effect before visudo has agreed.
    draft = "/etc/sudoers.d/.autosetup.draft"
    system.write(draft, _sudo_rule(user), mode=0o440)
    system.must(["visudo", "-cqf", draft])
    system.path(draft).rename(system.path(sudo_path(user.name)))


def _sudo_rule(user: User) -> bytes:
    return f"{user.name} ALL=(ALL:ALL) NOPASSWD: ALL\n".encode()
