"""SSH host keys: the payload's, others made on the node. The machine id is systemd's to make."""

from __future__ import annotations

from autosetup.host_key import private_file, public_line
from autosetup.steps.context import Context

NAME = "identity"
HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"


def check(context: Context) -> bool:
    """Whether there is a whole host key, or no SSH server that wants one."""
    system = context.system
    if not system.has_program("ssh-keygen") or not system.path("/etc/ssh").is_dir():
        return True
    keys = list(system.path("/etc/ssh").glob("ssh_host_*_key"))
    given = _given(context)
    has_given = all(system.holds(path, data, mode=mode) for path, data, mode in given)
    return (
        bool(keys)
        and has_given
        and all(key.stat().st_size and key.with_name(f"{key.name}.pub").exists() for key in keys)
    )


def apply(context: Context) -> None:
    """Put the payload's in place and make the kinds that are missing.

    A half-made one counts as missing, a draft is litter.
    """
    for draft in context.system.path("/etc/ssh").glob("ssh_host_*_key.*"):
        if draft.suffix != ".pub":
            draft.unlink()
    for key in context.system.path("/etc/ssh").glob("ssh_host_*_key"):
        public = key.with_name(f"{key.name}.pub")
        if not key.stat().st_size or not public.exists():
            key.unlink()
            public.unlink(missing_ok=True)
    for path, data, mode in _given(context):
        context.before.keep_file(path)
        context.system.write(path, data, mode=mode)
    context.system.must(["ssh-keygen", "-A"])


def _given(context: Context) -> list[tuple[str, bytes, int]]:
    """The payload's own key: path, bytes and mode of its two files."""
    body = context.secrets.host_key
    if not body:
        return []
    public = f"{public_line(body)} {context.settings.name}\n".encode()
    return [(HOST_KEY, private_file(body), 0o600), (f"{HOST_KEY}.pub", public, 0o644)]
