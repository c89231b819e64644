"""Services on the local network, as avahi-browse lists them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autosetup import forms
from autosetup.system import System

# What `flasher serve` is known by, and where it has its repository.
FLASHER, REPOSITORY = "_flasher._tcp", "repository"
_SECONDS = 20
# Whoever announces a hundred shall not keep a node busy, nor from the stick that is in it.
_MOST = 8
_FIELDS = 10
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Offered:
    """Where a service is, and what its record says; nobody vouches for any of it.

    Attributes:
        address: IPv4 or IPv6.
        port: 0 where the line has none.
        texts: its TXT record.
    """

    address: str
    port: int
    texts: Mapping[str, str]

    @property
    def url(self) -> str:
        """Where a service of `FLASHER` answers, ``https://192.168.1.2:8421``; empty for nowhere."""
        address = forms.address(self.address)
        # An address of one link means nothing without its interface, which no certificate has.
        if address is None or not self.port or (address.version == 6 and address.is_link_local):
            return ""
        host = f"[{address}]" if address.version == 6 else str(address)
        return f"http{'s' if self.texts.get('tls') == '1' else ''}://{host}:{self.port}"


def offered(system: System, kind: str) -> list[Offered]:
    """The services of a kind, ``_flasher._tcp``, around this node; none without avahi-browse."""
    if not system.has_program("avahi-browse"):
        return []
    argv = ["avahi-browse", "--resolve", "--parsable", "--terminate", kind]
    return read_offered(system.run(argv, seconds=_SECONDS).output)


def a_few(urls: Iterable[str]) -> list[str]:
    """Addresses to ask, each once.

    Of a crowd some, by chance others each time, so that nobody is kept out of them for ever.
    """
    each = list(dict.fromkeys(urls))
    return random.sample(each, _MOST) if len(each) > _MOST else each


def read_offered(listed: str) -> list[Offered]:
    """The services in what ``avahi-browse --resolve --parsable`` prints.

    One line each: ``=;interface;protocol;name;type;domain;host;address;port;"text" "text" …``.
    """
    found = []
    for line in listed.splitlines():
        fields = line.split(";", _FIELDS - 1)
        if fields[0] == "=" and len(fields) == _FIELDS:
            texts = dict(text.partition("=")[::2] for text in _QUOTED.findall(fields[9]))
            port = int(fields[8]) if fields[8].isascii() and fields[8].isdigit() else 0
            found.append(Offered(fields[7], port, texts))
    return found
