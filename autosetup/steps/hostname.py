"""The node's name, for itself and for the programs that look it up."""

from __future__ import annotations

from autosetup.steps.context import Context

NAME = "hostname"
_OWN_ADDRESS = "127.0.1.1"
_RUNNING = "/proc/sys/kernel/hostname"
_HOSTS = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"


def check(context: Context) -> bool:
    """Whether the files, and the running kernel, know the name."""
    system, name = context.system, context.settings.name
    running = system.read(_RUNNING).decode().strip() if system.booted else name
    named = system.read("/etc/hostname") == f"{name}\n".encode()
    return named and running == name and hosts(_old_hosts(context), name) == _old_hosts(context)


def apply(context: Context) -> None:
    """Write the files and tell the kernel."""
    system, name = context.system, context.settings.name
    system.write("/etc/hosts", hosts(_old_hosts(context), name).encode())
    system.write("/etc/hostname", f"{name}\n".encode())
    if system.booted:
        system.path(_RUNNING).write_text(name)


def hosts(old: str, name: str) -> str:
    """`/etc/hosts` with the node's own line in place of any other such line."""
    lines = (old or _HOSTS).splitlines()
    own = f"{_OWN_ADDRESS}\t{name}"
    kept = [line for line in lines if line.split()[:1] != [_OWN_ADDRESS]]
    first = next((n for n, line in enumerate(lines) if line.split()[:1] == [_OWN_ADDRESS]), None)
    at = first if first is not None else min(1, len(kept))
    return "\n".join([*kept[:at], own, *kept[at:]]) + "\n"


def _old_hosts(context: Context) -> str:
    return context.system.read("/etc/hosts").decode(errors="replace")
