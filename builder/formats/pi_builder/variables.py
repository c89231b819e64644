"""The variables of pi-builder's config, and what becomes of each: `variables.toml`."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from builder.personal import NOTHING, Personal
from flasher.errors import BadInput

TABLE = Path(__file__).with_name("variables.toml")

# Their names of Debian's architectures.
ARCHITECTURES = {"armhf": "arm", "arm64": "aarch64", "amd64": "x86_64", "i386": "i386"}

_SECRET = re.compile(
    r"(?:^|_)(?:PASS|PASSWD|PASSWORD|PASSPHRASE|PWD|PSK|SECRET|TOKEN|CREDENTIALS?"
    r"|(?:PRIVATE|SECRET|API|ACCESS)_?KEY)(?:_|$)",
    re.IGNORECASE,
)
_BUILD_ARG = "--build-arg"
_GUIDE = "docs/pi-builder.md lists what becomes of each variable."


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of a config; see the head of `variables.toml`.

    Attributes:
        forced: what parts see, whatever is given.
    """

    name: str
    fate: Literal["honoured", "translated", "refused"]
    why: str
    argument: bool = False
    default: str = ""
    forced: str | None = None
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """What parts are built with.

    Attributes:
        system: the folder of stages beside ``common``.
        stages: that the config names, in order; none where it says nothing.
        arguments: build arguments by name: pi-builder's own, then those that were given.
        personal: what belongs into a site.
    """

    system: str
    stages: tuple[str, ...]
    arguments: Mapping[str, str]
    personal: Personal = NOTHING


@cache
def known_variables() -> Mapping[str, Variable]:
    """Every variable of the table, by name."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {name: Variable(name, **values) for name, values in table.items()}


def is_secret(name: str) -> bool:
    """Whether a variable of this name holds what nobody else may know."""
    variable = known_variables().get(name)
    return variable.secret if variable else bool(_SECRET.search(name))


def settle(config: Mapping[str, str], given: Mapping[str, str], architecture: str) -> Settings:
    """What a config and the arguments of a recipe come to; a recipe's win.

    Args:
        architecture: Debian's name of the image's.

    Raises:
        BadInput: ``config-refused``, naming every fault; no value of a secret is shown.
    """
    options, faults = _build_args(config.get("BUILD_OPTS", ""))
    told = {**config, **options, **given}
    own = ARCHITECTURES.get(architecture, architecture)
    faults += [fault for name in told if (fault := _fault(name, told[name], own))]
    if faults:
        listed = "\n".join(f"  {fault}" for fault in faults)
        what = f"This config of pi-builder cannot be built as it is:\n{listed}"
        raise BadInput("config-refused", what, f"Change these; {_GUIDE}")
    known = {name: each for name, each in known_variables().items() if each.argument}
    whole = {**{name: each.default for name, each in known.items() if each.default}, **told}
    passed = {name: whole[name] for name in whole if name in known or name in {**options, **given}}
    forced = {name: each.forced for name, each in known.items() if each.forced is not None}
    return Settings(
        system=whole["OS"],
        stages=tuple(config.get("STAGES", "").split()),
        arguments={**passed, **forced, "ARCH": own},
        personal=_personal(told),
    )


def _personal(told: Mapping[str, str]) -> Personal:
    """What a config says of one rig: root's password is that of a site's first user."""
    locale = told.get("LOCALE", "")
    return Personal(
        password=told.get("ROOT_PASSWD", ""),
        language=f"{locale}.UTF-8" if locale else "",
        timezone=told.get("TIMEZONE", ""),
    )


def _build_args(options: str) -> tuple[dict[str, str], list[str]]:
    """What docker's options say of arguments, and what else is among them."""
    try:
        words = shlex.split(options)
    except ValueError:
        return {}, ["BUILD_OPTS: a quote is not closed."]
    told, faults = {}, []
    while words:
        word = words.pop(0)
        if word == _BUILD_ARG and words:
            word = f"{_BUILD_ARG}={words.pop(0)}"
        name, sign, value = word.removeprefix(f"{_BUILD_ARG}=").partition("=")
        if word.startswith(f"{_BUILD_ARG}=") and sign:
            told[name] = value
        else:
            faults.append(f"BUILD_OPTS: {name}: only --build-arg NAME=VALUE is understood.")
    return told, faults


def _fault(name: str, value: str, architecture: str) -> str:
    variable = known_variables().get(name)
    if not value:
        return ""
    if variable and variable.fate == "refused":
        return f"{name}: {variable.why}"
    if not variable and is_secret(name):
        return f"{name}: a secret. Not built in: it would be the same on every node."
    if name == "ARCH" and value != architecture:
        return f'ARCH="{value}": the recipe\'s architecture is theirs by the name {architecture}.'
    return ""
