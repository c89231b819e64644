"""The node's name, for itself and for the programs that look it up."""

from __future__ import annotations

from autosetup import presence
from autosetup.steps.context import Context
from autosetup.templates import fqdn

NAME = "hostname"
_OWN_ADDRESS = "127.0.1.1"
_RUNNING = "/proc/sys/kernel/hostname"
_HOSTS = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"


def check(context: Context) -> bool:
    """Whether the files, and the running kernel, know the name."""
    system, name = context.system, context.settings.name
    running = system.read(_RUNNING).decode().strip() if system.booted else name
    named = system.read("/etc/hostname") == f"{name}\n".encode()
    return named and running == name and _hosts(context) == _old_hosts(context)


def apply(context: Context) -> None:
    """Write the files and tell the kernel."""
    system, name = context.system, context.settings.name
    system.write("/etc/hosts", _hosts(context).encode())
    system.write("/etc/hostname", f"{name}\n".encode())
    if system.booted:
        system.path(_RUNNING).write_text(name)
        presence.rename(system, name)


def hosts(old: str, names: str) -> str:
    """`/etc/hosts` with the node's own names, the full one first, in place of any other of its."""
    lines = (old or _HOSTS).splitlines()
    own = f"{_OWN_ADDRESS}\t{names}"
    kept = [line for line in lines if line.split()[:1] != [_OWN_ADDRESS]]
    first = next((n for n, line in enumerate(lines) if line.split()[:1] == [_OWN_ADDRESS]), None)
    at = first if first is not None else min(1, len(kept))
    return "\n".join([*kept[:at], own, *kept[at:]]) + "\n"


def _hosts(context: Context) -> str:
    names = dict.fromkeys((fqdn(context.settings), context.settings.name))
    return hosts(_old_hosts(context), " ".join(names))


def _old_hosts(context: Context) -> str:
    return context.system.read("/etc/hosts").decode(errors="replace")
