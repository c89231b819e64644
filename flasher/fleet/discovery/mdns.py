"""Who says a name on the local network: multicast DNS (RFC 6762), by zeroconf."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zeroconf import ServiceInfo, ServiceStateChange, Zeroconf
    from zeroconf.asyncio import AsyncZeroconf

NODE = "_autosetup._tcp.local."
# What Raspberry Pi OS and Debian's desktops say of themselves where avahi runs.
WORKSTATION = "_workstation._tcp.local."
KINDS = (NODE, "_ssh._tcp.local.", WORKSTATION)
_RESOLVE_MS = 3000


@dataclass(frozen=True, slots=True)
class Announced:
    """One service of somebody; nothing of it is proven.

    Attributes:
        kind: such as `NODE`.
        name: of the service, without its kind.
        host: such as ``cam-0101.local``; empty where nobody said.
        texts: its TXT record.
    """

    kind: str
    name: str
    host: str
    addresses: tuple[str, ...]
    texts: dict[str, str] = field(default_factory=dict)


async def listen(
    addresses: Iterable[str], seconds: float
) -> tuple[tuple[Announced, ...], tuple[str, ...]]:
    """Ask for services and gather the answers.

    Args:
        addresses: this computer's own, IPv4, at whose interfaces it is asked.
        seconds: for how long answers are waited for.

    Returns:
        what was said, and what could not be done.
    """
    from zeroconf import IPVersion
    from zeroconf.asyncio import AsyncZeroconf

    own = list(addresses)
    if not own:
        return (), ("Names were not asked for: no interface has an address of IPv4.",)
    try:
        zeroconf = AsyncZeroconf(interfaces=own, ip_version=IPVersion.V4Only)
    except OSError as error:
        return (), (f"Names were not asked for: {error.strerror or error}.",)
    try:
        return await _gather(zeroconf, seconds), ()
    finally:
        await zeroconf.async_close()


async def _gather(zeroconf: AsyncZeroconf, seconds: float) -> tuple[Announced, ...]:
    from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo

    heard: dict[str, str] = {}

    def note(
        zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        del zeroconf, state_change
        heard[name] = service_type

    browser = AsyncServiceBrowser(zeroconf.zeroconf, list(KINDS), handlers=[note])
    try:
        await asyncio.sleep(seconds)
    finally:
        await browser.async_cancel()
    infos = [AsyncServiceInfo(kind, name) for name, kind in heard.items()]
    await asyncio.gather(*(info.async_request(zeroconf.zeroconf, _RESOLVE_MS) for info in infos))
    return tuple(map(_announced, infos))


def _announced(info: ServiceInfo) -> Announced:
    texts = {
        key.decode(errors="replace"): (value or b"").decode(errors="replace")
        for key, value in info.properties.items()
    }
    return Announced(
        kind=info.type,
        name=info.name.removesuffix(f".{info.type}"),
        host=(info.server or "").rstrip(".").lower(),
        addresses=tuple(dict.fromkeys(info.parsed_addresses())),
        texts=texts,
    )
