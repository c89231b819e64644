"""The way to the network while a build lasts: its own proxy, or the one of this computer.

Everything that fetches (apt, requests, scripts with the network) goes by the same variables; none
of them is in the environment of steps, so no image knows the proxy.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from flasher.process import run

_VARIABLES = ("http_proxy", "https_proxy")
_EXCEPT = "no_proxy"
_DIRECT = "DIRECT"
# apt-transport-http(1): a proxy for all, or for one host.
_SETTING = re.compile(r'^Acquire::https?::Proxy(?:::(?P<host>[^ ]+))? "(?P<value>.+)";$', re.M)


@contextmanager
def proxied(own: str) -> Iterator[None]:
    """Have everything that is fetched during the block go through a proxy.

    Args:
        own: its address; "" for what the environment, or else apt's settings here, say.
    """
    before = dict(os.environ)
    os.environ.update(find_proxy(own, before))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def find_proxy(own: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Variables to set.

    Args:
        own: see `proxied`.
        environment: what it is upon.
    """
    if own:
        both = (*_VARIABLES, *(name.upper() for name in _VARIABLES))
        return dict.fromkeys(both, own)
    if any(name in environment for name in _VARIABLES):
        return {}
    return proxy_of_apt(run(["apt-config", "dump"]).text)


def proxy_of_apt(told: str) -> dict[str, str]:
    """The same as variables, from what apt-config(8) prints.

    A proxy for one host alone cannot be said in variables, and is left out.
    """
    found = [(each["host"], each["value"]) for each in _SETTING.finditer(told)]
    common = [value for host, value in found if not host and value != _DIRECT]
    direct = [host for host, value in found if host and value == _DIRECT]
    variables = dict.fromkeys(_VARIABLES, common[0]) if common else {}
    return variables | ({_EXCEPT: ",".join(direct)} if common and direct else {})
