"""What tables of `node.toml` have in common."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

from autosetup import forms
from autosetup.settings import Boot, Health, Packages
from autosetup.software import Software
from autosetup.strict import Table
from autosetup.templates import BUILT_IN
from autosetup.toml_writer import Value

T = TypeVar("T")


def unique(tables: Iterable[Table], key: str, read: Callable[[Table], T]) -> tuple[T, ...]:
    """Read each table; the value of `key` may stand in one of them only."""
    items: list[T] = []
    seen: set[object] = set()
    for table in tables:
        item = read(table)
        value = getattr(item, key)
        if value in seen:
            table.fault(key, f"{key} {value!r} stands twice.", "Delete one of the two tables.")
        seen.add(value)
        items.append(item)
    return tuple(items)


def checked(table: Table, key: str, complaint: Callable[[str], str | None]) -> str:
    """Text that `complaint` has nothing against."""
    text = table.string(key)
    if table.has(key) and (wrong := complaint(text)):
        table.fault(key, f"{key} is {text!r}.", wrong)
    return text


def read_keys(table: Table, complaint: Callable[[str], str | None]) -> tuple[str, ...]:
    """Public SSH keys, each of which `complaint` judges, under ``authorized_keys``."""
    keys = table.strings("authorized_keys", default=())
    for number, key in enumerate(keys, 1):
        if wrong := complaint(key):
            table.fault("authorized_keys", f"Key {number} of authorized_keys is bad.", wrong)
    return keys


def read_variables(table: Table) -> dict[str, str]:
    """Texts under names that people choose, for templates."""
    for name in table.names():
        if wrong := forms.VARIABLE.complain(name):
            table.fault(name, f"The variable is called {name!r}.", f"It must be {wrong}.")
        elif name in BUILT_IN:
            table.fault(name, f"{name} is there already.", "Choose another name.")
    return {name: table.string(name) for name in table.names()}


def read_packages(table: Table) -> Packages:
    """Names of packages, and where they come from."""
    return Packages(table.strings("names", default=(), form=forms.PACKAGE), read_mirror(table))


def read_mirror(table: Table) -> str:
    """Address of an archive, under ``mirror``."""
    return table.string("mirror", default="", form=forms.MIRROR if table.has("mirror") else None)


def read_restarts(file: Table) -> tuple[str, ...]:
    """Units to start anew with a file, under ``restarts``."""
    return file.strings("restarts", default=(), form=forms.UNIT)


def read_software(table: Table, sources: Collection[str]) -> Software:
    """A tree that is among these sources."""
    source = table.string("source", form=forms.SOFTWARE_SOURCE)
    if table.has("source") and source not in sources:
        remedy = "Add the file, or prepare the card again."
        table.fault("source", f"source is {source!r}, which the payload lacks.", remedy)
    return Software(
        source,
        checked(table, "path", forms.absolute_path_complaint),
        table.string("version", default=""),
        read_restarts(table),
    )


def write_software(software: Software) -> dict[str, Value]:
    """What `read_software` reads."""
    return {
        "source": software.source,
        "path": software.path,
        **({"version": software.version} if software.version else {}),
        **({"restarts": software.restarts} if software.restarts else {}),
    }


def read_health(table: Table, sources: Collection[str]) -> Health:
    """Checks that are among these sources, and how long they are tried."""
    checks = table.strings("checks", default=(), form=forms.CHECK_SOURCE)
    for name in [name for name in checks if name not in sources]:
        remedy = "Add the file, or prepare the card again."
        table.fault("checks", f"checks names {name!r}, which the payload lacks.", remedy)
    return Health(checks, *read_patience(table))


def read_patience(table: Table) -> tuple[int, int]:
    """Both times of `Health`."""
    usual = Health()
    return (
        table.integer("seconds", default=usual.seconds, low=1, high=3600),
        table.integer("timeout_seconds", default=usual.timeout_seconds, low=1, high=600),
    )


def read_boot(table: Table) -> Boot:
    """Lines and words for the boot partition."""
    return Boot(
        table.strings("config", default=(), form=forms.CONFIG_LINE),
        table.strings("cmdline", default=(), form=forms.CMDLINE_WORD),
    )
