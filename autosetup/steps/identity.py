"""SSH host keys, made on the node itself. The machine id is systemd's to make."""

from __future__ import annotations

from autosetup.steps.context import Context

NAME = "identity"


def check(context: Context) -> bool:
    """Whether there is a whole host key, or no SSH server that wants one."""
    system = context.system
    if not system.has_program("ssh-keygen") or not system.path("/etc/ssh").is_dir():
        return True
    keys = list(system.path("/etc/ssh").glob("ssh_host_*_key"))
    return bool(keys) and all(
        key.stat().st_size and key.with_name(f"{key.name}.pub").exists() for key in keys
    )


def apply(context: Context) -> None:
    """Make the kinds that are missing; a half-made one counts as missing, a draft is litter."""
    for draft in context.system.path("/etc/ssh").glob("ssh_host_*_key.*"):
        if draft.suffix != ".pub":
            draft.unlink()
    for key in context.system.path("/etc/ssh").glob("ssh_host_*_key"):
        public = key.with_name(f"{key.name}.pub")
        if not key.stat().st_size or not public.exists():
            key.unlink()
            public.unlink(missing_ok=True)
    context.system.must(["ssh-keygen", "-A"])
