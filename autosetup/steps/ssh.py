"""Who may come in by SSH, and the key by which a central node's user reaches the other nodes.

Sources: sshd_config(5) and ssh_config(5): of each setting the first value counts, and Debian's own
files begin with those in these folders.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autosetup.faults import Fault
from autosetup.host_key import private_file, public_line
from autosetup.node_file import NODE
from autosetup.steps.context import Context
from autosetup.steps.users import make_ssh_folder, people
from autosetup.system import Account

NAME = "ssh"
_SERVER = "/etc/ssh/sshd_config.d/10-autosetup.conf"
_SERVER_MAIN = "/etc/ssh/sshd_config"
_CLIENT = "/etc/ssh/ssh_config.d/10-autosetup.conf"
_KEY = "id_rig"
_KEYS_ONLY = b"""\
# From the payload, by autosetup.
AuthenticationMethods publickey
KbdInteractiveAuthentication no
PasswordAuthentication no
PermitEmptyPasswords no
PermitRootLogin prohibit-password
"""


def problems(context: Context) -> Iterator[Fault]:
    """A door that nobody could come through, or that the server would not hear of."""
    system, settings = context.system, context.settings
    if not settings.keys_only:
        return
    if not any(user.authorized_keys for user in settings.users):
        what = "Only keys may come in by SSH, but no user has one."
        yield Fault(NODE, 0, 0, what, "Add authorized_keys, or remove keys_only.")
    main = system.read(_SERVER_MAIN)
    if main and b"/etc/ssh/sshd_config.d/" not in main:
        what = f"keys_only has no effect: {_SERVER_MAIN} does not include sshd_config.d."
        yield Fault(NODE, 0, 0, what, "Take Debian's own sshd_config into the image.")


def check(context: Context) -> bool:
    """Whether both programs were told, and each key is with its user and with nobody else."""
    system = context.system
    return all(
        system.holds(path, data, mode=0o644) if data else not system.path(path).exists()
        for path, data in _files(context).items()
    ) and all(_has_right_key(context, *person) for person in people(system).items())


def apply(context: Context) -> None:
    """Keys first, then who uses them; a server that runs reads its file anew."""
    system = context.system
    for name, account in people(system).items():
        if not _has_right_key(context, name, account):
            _set_key(context, name, account)
    system.write_all(_files(context))
    if system.booted:
        system.run(["systemctl", "--no-block", "try-reload-or-restart", "ssh.service"])


def write_client(users: Sequence[str]) -> bytes:
    """The bytes of the client's file: the rig's key, then people's own; new nodes are believed."""
    lines = ["# From the payload, by autosetup."] if users else []
    for name in users:
        lines += [
            f"Match localuser {name}",
            f"    IdentityFile ~/.ssh/{_KEY}",
            "    IdentityFile ~/.ssh/id_ed25519",
            "    IdentityFile ~/.ssh/id_rsa",
            "    StrictHostKeyChecking accept-new",
        ]
    return "".join(f"{line}\n" for line in lines).encode()


def _files(context: Context) -> dict[str, bytes]:
    """What each program's own file must hold; nothing stands for no file."""
    return {
        _SERVER: _KEYS_ONLY if context.settings.keys_only else b"",
        _CLIENT: write_client(sorted(context.secrets.user_keys)),
    }


def _has_right_key(context: Context, name: str, account: Account) -> bool:
    system, owner = context.system, {"uid": account.uid, "gid": account.gid}
    if wanted := _key_files(context, name, account):
        return all(system.holds(path, data, mode=mode, **owner) for path, data, mode in wanted)
    folder = system.path(f"{account.home}/.ssh")
    return folder.is_symlink() or not (folder / _KEY).exists()


def _set_key(context: Context, name: str, account: Account) -> None:
    """Put it in place, or take away what an older payload brought."""
    system = context.system
    if wanted := _key_files(context, name, account):
        make_ssh_folder(system, account)
        for path, data, mode in wanted:
            system.write(path, data, mode=mode, uid=account.uid, gid=account.gid)
        return
    for path in (f"{_KEY}.pub", _KEY):
        system.path(f"{account.home}/.ssh/{path}").unlink(missing_ok=True)


def _key_files(context: Context, name: str, account: Account) -> list[tuple[str, bytes, int]]:
    """Path, bytes and mode of the two files of a user's key; none for who has none."""
    body = context.secrets.user_keys.get(name)
    if not body:
        return []
    path = f"{account.home}/.ssh/{_KEY}"
    public = f"{public_line(body)} {name}@{context.settings.name}\n".encode()
    return [(path, private_file(body), 0o600), (f"{path}.pub", public, 0o644)]
