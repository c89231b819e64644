"""A role of a scanner profile: how its nodes are named, and what they run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from autosetup import forms, templates
from autosetup.node_network import interface_complaint, read_fixed, read_time
from autosetup.node_serves import read_service
from autosetup.node_tables import read_boot, read_patience, read_restarts, read_variables
from autosetup.payload import Boot, InstalledFile, Script, Services, Time, Wired
from autosetup.settings import Health, Serves
from autosetup.software import Software
from autosetup.strict import Table, pattern
from flasher.rig.software import read_software
from flasher.rig.sources import Sources, numbered

MAX_COLUMNS = MAX_ROWS = 200

_FIELD = re.compile(r"\{(column|row|number)(?::0(\d))?\}")
_TEMPLATE = pattern(
    r"([A-Za-z0-9_-]|\{(column|row|number)(:0\d)?\})+",
    "letters, digits, hyphens and {column}, {row}, {number}, each also as {column:02}",
)


@dataclass(frozen=True, slots=True)
class Role:
    """What a kind of node is and runs.

    Attributes:
        columns, rows: the grid of positions, at least 1 by 1.
        node: template of the node names; position: template of the labels people read.
        time: whom its nodes ask before the site's servers, and whether others may ask them.
        wired: fixed addresses, themselves templates; None leaves them to the network.
        serves: what its one node does for the others; None for nothing.
        reached_from: the role from whose nodes alone SSH leads to these; empty for no such.
        packages: names of the distribution's.
        boot: lines of config.txt and words of cmdline.txt.
        variables: further values for templates; themselves with {column}, {row}, {number}.
        contents: bytes of all that is named, by their ``source``; packages too.
        health: how its nodes prove themselves.
        software: trees of files, from git.
    """

    name: str
    title: str
    does: str
    columns: int
    rows: int
    node: str
    position: str
    groups: tuple[str, ...]
    services: Services
    files: tuple[InstalledFile, ...]
    scripts: tuple[Script, ...]
    contents: dict[str, bytes]
    time: Time
    wired: Wired | None
    serves: Serves | None
    reached_from: str
    packages: tuple[str, ...]
    boot: Boot
    variables: dict[str, str]
    health: Health
    software: tuple[Software, ...]

    @property
    def count(self) -> int:
        """How many nodes of this role a rig has."""
        return self.columns * self.rows


def fill(template: str, column: int, row: int, number: int) -> str:
    """A node's name or label from its template."""
    values = {"column": column, "row": row, "number": number}
    return _FIELD.sub(lambda m: f"{values[m[1]]:0{m[2] or 1}}", template)


def read_roles(tables: list[Table], sources: Sources) -> tuple[Role, ...]:
    """The roles of a profile, with the contents of every file that they name."""
    roles: list[Role] = []
    for table in tables:
        role = _read_role(table, sources)
        if role.name in {other.name for other in roles}:
            table.fault("name", f"Two roles are called {role.name!r}.", "Rename one of them.")
        roles.append(role)
    for table, role in zip(tables, roles, strict=True):
        _check_between(table, role, roles)
    return tuple(roles)


def _check_between(table: Table, role: Role, roles: list[Role]) -> None:
    """Faults of a role that only the others show."""
    others = [other.name for other in roles if other is not role]
    if role.reached_from and role.reached_from not in others:
        what = f"reached_from names {role.reached_from!r}, which is no other role."
        table.fault("reached_from", what, f"Choose one of: {', '.join(others) or 'none'}.")
    first = next((other for other in roles if other.serves), role)
    if role.serves and first is not role:
        what = f"{first.name} serves the rig already."
        table.fault("serves", what, "Let one role serve: two would deal the same addresses.")
    if role.serves and role.count > 1:
        what = f"{role.count} nodes would deal the same addresses."
        table.fault("serves", what, "Give the role that serves one node.")


def _read_role(table: Table, sources: Sources) -> Role:
    contents: dict[str, bytes] = {}
    wired = _read_wired(table)
    packages = _read_packages(table, sources, contents)
    return Role(
        name=table.string("name", form=forms.ROLE),
        title=table.string("title"),
        does=table.string("does", default=""),
        columns=table.integer("columns", default=1, low=1, high=MAX_COLUMNS),
        rows=table.integer("rows", default=1, low=1, high=MAX_ROWS),
        node=table.string("node", form=_TEMPLATE),
        position=table.string("position", form=_TEMPLATE),
        groups=table.strings("groups", default=(), form=forms.ACCOUNT),
        services=_read_services(table.table("services")),
        files=_read_files(table.tables("file"), sources, contents),
        scripts=_read_scripts(table.tables("script"), sources, contents),
        contents=contents,
        time=read_time(table.table("time")),
        wired=wired,
        serves=_read_serves(table, wired),
        reached_from=table.string("reached_from", default=""),
        packages=packages,
        boot=read_boot(table.table("boot")),
        variables=read_variables(table.table("variables")),
        health=_read_health(table.table("health"), sources, contents),
        software=read_software(table.tables("software"), contents),
    )


def _read_services(table: Table) -> Services:
    return Services(
        table.strings("enable", default=(), form=forms.UNIT),
        table.strings("disable", default=(), form=forms.UNIT),
    )


def _read_packages(table: Table, sources: Sources, contents: dict[str, bytes]) -> tuple[str, ...]:
    """Files beside the profile go into `contents`; gives the names that are none of a file."""
    names = []
    for name in table.strings("packages", default=()):
        if "/" in name or name.endswith(".deb"):
            _read_package(table, sources, name, contents)
        elif wrong := forms.PACKAGE.complain(name):
            table.fault("packages", f"packages holds {name!r}.", f"It must be {wrong}.")
        else:
            names.append(name)
    return tuple(names)


def _read_package(table: Table, sources: Sources, name: str, contents: dict[str, bytes]) -> None:
    source = f"{forms.PACKAGES}{Path(name).name}"
    if wrong := forms.PACKAGE_SOURCE.complain(source):
        table.fault("packages", f"packages holds {name!r}.", f"It must be {wrong}.")
    contents[source] = sources.read(table, name, "packages")


def _read_wired(role: Table) -> Wired | None:
    """Addresses with places for {column}, {row} and {number}: those of each node are told later."""

    def complaint(template: str) -> str | None:
        return interface_complaint(fill(template, 1, 1, 1))

    table = role.table("wired")
    return read_fixed(table, complaint) if role.has("wired") else None


def _read_serves(role: Table, wired: Wired | None) -> Serves | None:
    """What the only node of a role serves; the names are laid out with the rig."""
    table = role.table("serves")
    if not role.has("serves"):
        return None
    addresses = tuple(fill(text, 1, 1, 1) for text in wired.addresses) if wired else ()
    return read_service(table, Wired(addresses))


def _read_files(
    tables: list[Table], sources: Sources, contents: dict[str, bytes]
) -> tuple[InstalledFile, ...]:
    # Numbered, as two files of different folders may have one name.
    return tuple(_read_file(t, n, sources, contents) for n, t in enumerate(tables, 1))


def _read_file(
    table: Table, number: int, sources: Sources, contents: dict[str, bytes]
) -> InstalledFile:
    name = table.string("source")
    place = templates.FOLDER if name.endswith(templates.END) else "files/"
    source = f"{place}{number * 10:02}-{Path(name).name}"
    contents[source] = sources.read(table, name)
    path = table.string("path")
    if path and (wrong := forms.absolute_path_complaint(path)):
        table.fault("path", f"path is {path!r}.", wrong)
    mode = table.string("mode", default="0644", form=forms.MODE)
    return InstalledFile(
        path=path,
        source=source,
        mode=int(mode, 8) if forms.MODE.regex.fullmatch(mode) else 0,
        owner=table.string("owner", default="root", form=forms.ACCOUNT),
        group=table.string("group", default="root", form=forms.ACCOUNT),
        restarts=read_restarts(table),
    )


def _read_scripts(
    tables: list[Table], sources: Sources, contents: dict[str, bytes]
) -> tuple[Script, ...]:
    return tuple(_read_script(t, n, sources, contents) for n, t in enumerate(tables, 1))


def _read_script(table: Table, number: int, sources: Sources, contents: dict[str, bytes]) -> Script:
    name = table.string("source")
    source = f"scripts/{numbered(number, name)}"
    contents[source] = sources.read_program(table, name)
    timeout = table.integer("timeout_seconds", default=600, low=1, high=86_400)
    return Script(source, timeout)


def _read_health(table: Table, sources: Sources, contents: dict[str, bytes]) -> Health:
    checks = []
    for number, name in enumerate(table.strings("checks", default=()), 1):
        source = f"health/{numbered(number, name)}"
        contents[source] = sources.read_program(table, name, "checks")
        checks.append(source)
    return Health(tuple(checks), *read_patience(table))
