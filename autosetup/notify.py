"""A word to systemd: sd_notify(3) in its plain form."""

from __future__ import annotations

import os
import socket


def notify(message: str) -> None:
    """Send a message such as ``READY=1`` to the service manager; nothing where there is none.

    A socket name that begins with ``@`` is an abstract one: a NUL byte stands in its place.
    """
    name = os.environ.get("NOTIFY_SOCKET", "")
    if not name:
        return
    address = f"\0{name[1:]}" if name.startswith("@") else name
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as handle:
        handle.connect(address)
        handle.sendall(message.encode())
