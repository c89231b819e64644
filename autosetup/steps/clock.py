"""Where the clock gets its time from: the servers of the site, for systemd-timesyncd or chrony."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from autosetup.faults import Fault
from autosetup.node_file import NODE
from autosetup.settings import NodeSettings
from autosetup.steps.context import Context
from autosetup.system import System

NAME = "clock"
_TIMESYNCD = "/etc/systemd/timesyncd.conf.d/autosetup.conf"
# Debian's chrony.conf reads both folders.
_SOURCES = "/etc/chrony/sources.d/autosetup.sources"
_SERVER = "/etc/chrony/conf.d/autosetup.conf"
# So that an isolated rig agrees on a time though nobody knows the right one. chrony.conf(5).
_ISOLATED = "local stratum 10 orphan"


def problems(context: Context) -> Iterator[Fault]:
    """A wish that nothing on the image can grant."""
    system, time = context.system, context.settings.time
    if time.serve and not system.has_program("chronyd"):
        what = "The image lacks chrony, which serve = true needs."
        yield Fault(NODE, 0, 0, what, "Add the package chrony to the recipe of the image.")
    elif time.ntp and not _files(context):
        what = "The image has nothing that sets the clock."
        remedy = "Add the package systemd-timesyncd or chrony to the recipe of the image."
        yield Fault(NODE, 0, 0, what, remedy)


def check(context: Context) -> bool:
    """Whether the programs that are there were told."""
    return all(context.system.read(path) == data for path, data in _files(context).items())


def apply(context: Context) -> None:
    """Tell them, and let what runs hear of it."""
    system = context.system
    system.write_all(_files(context))
    if system.booted:
        units = ("systemd-timesyncd.service", "chrony.service")
        system.run(["systemctl", "--no-block", "try-restart", *units])


def _files(context: Context) -> dict[str, bytes]:
    """What each program's own file must hold; nothing stands for no file."""
    system, time = context.system, context.settings.time
    files = {}
    if _has_timesyncd(system):
        files[_TIMESYNCD] = f"[Time]\nNTP={' '.join(time.ntp)}\n".encode() if time.ntp else b""
    if system.has_program("chronyd"):
        files[_SOURCES] = "".join(f"server {server} iburst\n" for server in time.ntp).encode()
        files[_SERVER] = _write_server(context.settings) if time.serve else b""
    return files


def _write_server(settings: NodeSettings) -> bytes:
    """Whoever is on the networks of its fixed addresses may ask; without any, everybody."""
    fixed = settings.wired.addresses if settings.wired else ()
    networks = dict.fromkeys(str(ipaddress.ip_interface(address).network) for address in fixed)
    lines = [f"allow {network}" for network in networks] or ["allow"]
    return "".join(f"{line}\n" for line in (*lines, _ISOLATED)).encode()


def _has_timesyncd(system: System) -> bool:
    return system.path("/usr/lib/systemd/systemd-timesyncd").exists()
