"""The variables of a pi-gen config, and what becomes of each: `variables.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from string import Template
from typing import Literal

from builder.formats.pi_gen.dialect import Dialect
from flasher.errors import BadInput

TABLE = Path(__file__).with_name("variables.toml")
_ALL = ("upstream", "qcow2", "westwork")


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of a config.

    Attributes:
        why: what becomes of it, or why it is refused; a sentence.
        dialects: those that know it.
        default, stand_in: by dialect; the stand-in is what scripts see of a secret.
        harmless: values of a refused variable that change nothing.
        form: regular expression of all values but "".
        choices: all values but "".
        passed: scripts of the stages see it.
        forced: what scripts see, whatever the config says.
        secret: belongs to a rig or a person, and is not built in.
        required: dialects that want it set.
    """

    name: str
    fate: Literal["honoured", "translated", "refused"]
    why: str
    dialects: tuple[str, ...] = _ALL
    default: Mapping[str, str] = field(default_factory=dict)
    stand_in: Mapping[str, str] = field(default_factory=dict)
    harmless: tuple[str, ...] = ()
    form: str = ""
    choices: tuple[str, ...] = ()
    passed: bool = False
    forced: str | None = None
    secret: bool = False
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """A config as it was read.

    Attributes:
        given: variables that it sets, by name.
        exported: names among them that it exports: scripts see these, known or not.
    """

    dialect: Dialect
    given: Mapping[str, str]
    exported: frozenset[str] = frozenset()

    def value(self, name: str) -> str:
        """A variable's value, or its default; "" for one that is not known.

        Of a variable that is set to nothing the default counts, as theirs does.
        """
        if self.given.get(name):
            return self.given[name]
        variable = known_variables().get(name)
        default = variable.default.get(self.dialect.name, "") if variable else ""
        return Template(default).safe_substitute(_Values(self)) if "$" in default else default

    def is_on(self, name: str) -> bool:
        """Whether a switch is set to 1."""
        return self.value(name) == "1"

    def words(self, name: str) -> tuple[str, ...]:
        """A list's words."""
        return tuple(self.value(name).split())

    @property
    def environment(self) -> Mapping[str, str]:
        """What scripts of the stages see of the config; secrets are left out."""
        told = {name: self.given[name] for name in sorted(self.exported)}
        for name, variable in known_variables().items():
            if self.dialect.name in variable.dialects and variable.passed:
                told[name] = self._shown(variable)
            else:
                told.pop(name, None)
        # A script may ask whether it is set at all.
        return {name: value for name, value in told.items() if value or name in self.given}

    def _shown(self, variable: Variable) -> str:
        if variable.secret:
            return variable.stand_in.get(self.dialect.name, "")
        return self.value(variable.name) if variable.forced is None else variable.forced

    @property
    def secrets(self) -> tuple[str, ...]:
        """Names of the variables that were given and are not built in."""
        return tuple(
            name
            for name, variable in known_variables().items()
            if variable.secret and self.given.get(name)
        )


class _Values(dict[str, str]):
    """Values by name, for templates of defaults."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __missing__(self, name: str) -> str:
        return self._settings.value(name)


@cache
def known_variables() -> Mapping[str, Variable]:
    """Every variable of the table, by name."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {name: _variable(name, values) for name, values in table.items()}


def _variable(name: str, values: Mapping[str, object]) -> Variable:
    told = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
    return Variable(name=name, **told)  # type: ignore[arg-type]  # a test reads the whole table


def check(settings: Settings) -> None:
    """Check the values of a config.

    Raises:
        BadInput: ``config-refused``, naming every fault.
    """
    faults = [
        fault
        for name, variable in known_variables().items()
        if settings.dialect.name in variable.dialects
        and (fault := _fault(variable, settings.value(name), settings))
    ]
    if faults:
        listed = "\n".join(f"  {fault}" for fault in faults)
        raise BadInput(
            "config-refused",
            f"This pi-gen config cannot be built as it is:\n{listed}",
            "Change these variables; docs/pi-gen.md lists what becomes of each.",
        )


def _fault(variable: Variable, value: str, settings: Settings) -> str:
    shown = "" if variable.secret else f'="{value}"'
    if not value:
        wanted = settings.dialect.name in variable.required
        return f"{variable.name} is not set, and it names the image." if wanted else ""
    if variable.fate == "refused" and value not in variable.harmless:
        return f"{variable.name}{shown}: {variable.why}"
    if variable.form and not re.fullmatch(variable.form, value):
        return f"{variable.name}{shown} has not the form {variable.form}."
    if variable.choices and value not in variable.choices:
        return f"{variable.name}{shown} is none of: {', '.join(variable.choices)}."
    return ""
