"""What templates can name: the node's settings, and further values that the payload brings."""

from __future__ import annotations

from collections.abc import Mapping

from autosetup.mustache import Value, render
from autosetup.settings import NodeSettings
from autosetup.strict import decode

# Where the payload has them; in the image they lie in the folder for configuration.
FOLDER, END = "templates/", ".mustache"


def variables_of(settings: NodeSettings, generation: int) -> dict[str, Value]:
    """The values by name: texts, but `generation` (a number), `serves_time` and two lists.

    `country` and `domain` may be empty; `ntp` and `users` are lists of names.
    """
    return {
        **settings.variables,
        "name": settings.name,
        "fqdn": fqdn(settings),
        "role": settings.role,
        "position": settings.position,
        "generation": generation,
        "country": settings.country or "",
        "domain": settings.domain,
        "language": settings.locale.language,
        "keyboard": settings.locale.keyboard,
        "timezone": settings.locale.timezone,
        "ntp": settings.time.ntp,
        "serves_time": settings.time.serve,
        "users": tuple(user.name for user in settings.users),
    }


def fqdn(settings: NodeSettings) -> str:
    """The node's name with the domain behind it, where there is one."""
    return ".".join(filter(None, (settings.name, settings.domain)))


# What no variable of a payload may be called.
BUILT_IN = frozenset(variables_of(NodeSettings("name", "role"), 1))


def fill(file: str, raw: bytes, values: Mapping[str, Value]) -> bytes:
    """The bytes of a template filled in; raises `Faulty`."""
    return render(file, decode(file, raw), values).encode()
