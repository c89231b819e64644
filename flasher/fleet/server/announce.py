"""Where nodes find the server: ``_flasher._tcp`` on the local network, beside any avahi."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from autosetup.browse import FLASHER

TYPE = f"{FLASHER}.local."
# RFC 6763, 4.1.1: an instance's name has at most 63 bytes.
_LONGEST_NAME = 63


@dataclass(frozen=True, slots=True)
class Announcement:
    """What is told of a server.

    Attributes:
        site: whose nodes it serves.
        port: where.
        tls: it speaks TLS with a certificate of the site.
        board: it takes reports; else it has the repository alone.
    """

    site: str
    port: int
    tls: bool
    board: bool


@asynccontextmanager
async def announced(told: Announcement, addresses: Sequence[str]) -> AsyncIterator[None]:
    """Tell it for as long as the block runs; it is taken back at the end.

    Args:
        told: what is told.
        addresses: IPv4, of the interfaces on which it is told.

    Raises:
        OSError: an interface is there no more.
    """
    from zeroconf import IPVersion, ServiceInfo
    from zeroconf.asyncio import AsyncZeroconf

    host = socket.gethostname().split(".")[0]
    name = f"{host} {told.site}".encode()[:_LONGEST_NAME].decode(errors="ignore")
    info = ServiceInfo(
        TYPE,
        f"{name}.{TYPE}",
        port=told.port,
        # A name of its own: the host's belongs to avahi.
        server=f"flasher-{host}-{told.port}.local.".lower(),
        parsed_addresses=list(addresses),
        properties={"site": told.site, "tls": str(int(told.tls)), "board": str(int(told.board))},
    )
    zeroconf = AsyncZeroconf(interfaces=list(addresses), ip_version=IPVersion.V4Only)
    try:
        await (await zeroconf.async_register_service(info, allow_name_change=True))
        yield
        await (await zeroconf.async_unregister_service(info))
    finally:
        await zeroconf.async_close()
