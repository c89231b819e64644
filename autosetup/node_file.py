"""`node.toml`: a node's settings as people can read and edit them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict

from autosetup import forms, templates
from autosetup.faults import Fault, Faulty
from autosetup.node_network import (
    read_country,
    read_time,
    read_wifi,
    read_wired,
    write_network,
    write_time,
)
from autosetup.node_serves import read_serves, write_serves
from autosetup.node_tables import (
    checked,
    read_boot,
    read_health,
    read_keys,
    read_packages,
    read_restarts,
    read_software,
    read_variables,
    unique,
    write_software,
)
from autosetup.node_update import read_update, write_update
from autosetup.settings import (
    Boot,
    Health,
    InstalledFile,
    Locale,
    NodeSettings,
    Packages,
    Script,
    Services,
    User,
)
from autosetup.strict import Table, reading
from autosetup.toml_writer import Value, dumps

NODE = "node.toml"


def read_node(
    raw: bytes, sources: Collection[str]
) -> tuple[NodeSettings | None, tuple[Fault, ...]]:
    """Read the bytes of `node.toml`.

    Args:
        raw: the file.
        sources: paths of the payload's other files, which files and scripts may name.

    Returns:
        What could be read (None where it is no TOML), and every fault found. The settings may be
        used only where there is none; with faults they serve to check other files against.
    """
    settings = None
    try:
        with reading(NODE, raw) as top:
            settings = _node(top, sources)
    except Faulty as faulty:
        return settings, faulty.faults
    return settings, ()


def write_node(settings: NodeSettings) -> bytes:
    """The bytes of `node.toml`."""
    document: dict[str, Value] = {
        "name": settings.name,
        "role": settings.role,
        "position": settings.position,
        "locale": {
            "language": settings.locale.language,
            "keyboard": settings.locale.keyboard,
            "timezone": settings.locale.timezone,
        },
        "network": write_network(settings),
        **write_time(settings.time),
        **write_serves(settings.serves),
        **({"ssh": {"keys_only": True}} if settings.keys_only else {}),
        **write_update(settings.update),
        **({"health": asdict(settings.health)} if settings.health != Health() else {}),
        **({"boot": asdict(settings.boot)} if settings.boot != Boot() else {}),
        **({"variables": settings.variables} if settings.variables else {}),
        **({"packages": asdict(settings.packages)} if settings.packages != Packages() else {}),
        "services": {
            "enable": settings.services.enable,
            "disable": settings.services.disable,
        },
        "user": [_user_values(user) for user in settings.users],
        "file": [_file_values(file) for file in settings.files],
        **({"software": [*map(write_software, settings.software)]} if settings.software else {}),
        "script": [
            {"source": s.source, "timeout_seconds": s.timeout_seconds} for s in settings.scripts
        ],
    }
    return dumps(document).encode()


def _user_values(user: User) -> dict[str, Value]:
    return {
        "name": user.name,
        "groups": user.groups,
        "authorized_keys": user.authorized_keys,
        "passwordless_sudo": user.passwordless_sudo,
    }


def _file_values(file: InstalledFile) -> dict[str, Value]:
    return {
        "path": file.path,
        "source": file.source,
        "mode": f"{file.mode:04o}",
        "owner": file.owner,
        "group": file.group,
        **({"restarts": file.restarts} if file.restarts else {}),
    }


def _node(top: Table, sources: Collection[str]) -> NodeSettings:
    network = top.table("network")
    wired = read_wired(network)
    return NodeSettings(
        name=top.string("name", form=forms.HOSTNAME),
        role=top.string("role", form=forms.ROLE),
        position=top.string("position", default="", form=forms.POSITION),
        users=unique(top.tables("user"), "name", _user),
        country=read_country(network),
        domain=network.string("domain", default="", form=forms.DOMAIN),
        wifi=unique(network.tables("wifi"), "ssid", read_wifi),
        wired=wired,
        time=read_time(top.table("time")),
        serves=read_serves(top, wired),
        keys_only=top.table("ssh").boolean("keys_only", default=False),
        boot=read_boot(top.table("boot")),
        variables=read_variables(top.table("variables")),
        locale=_locale(top.table("locale")),
        packages=read_packages(top.table("packages")),
        files=unique(top.tables("file"), "path", lambda table: _file(table, sources)),
        services=_services(top.table("services")),
        scripts=unique(top.tables("script"), "source", lambda table: _script(table, sources)),
        health=read_health(top.table("health"), sources),
        update=read_update(top.table("update")),
        software=unique(
            top.tables("software"), "path", lambda table: read_software(table, sources)
        ),
    )


def _user(table: Table) -> User:
    return User(
        name=table.string("name", form=forms.USER_NAME),
        groups=table.strings("groups", default=(), form=forms.ACCOUNT),
        authorized_keys=read_keys(table, forms.authorized_key_complaint),
        passwordless_sudo=table.boolean("passwordless_sudo", default=False),
    )


def _locale(table: Table) -> Locale:
    usual = Locale()
    return Locale(
        language=table.string("language", default=usual.language, form=forms.LANGUAGE),
        keyboard=table.string("keyboard", default=usual.keyboard, form=forms.KEYBOARD),
        timezone=table.string("timezone", default=usual.timezone, form=forms.TIMEZONE),
    )


def _file(table: Table, sources: Collection[str]) -> InstalledFile:
    mode = table.string("mode", default="0644", form=forms.MODE)
    return InstalledFile(
        path=checked(table, "path", forms.absolute_path_complaint),
        source=_source(table, sources, "files/", templates.FOLDER),
        mode=int(mode, 8) if forms.MODE.regex.fullmatch(mode) else 0o644,
        owner=table.string("owner", default="root", form=forms.ACCOUNT),
        group=table.string("group", default="root", form=forms.ACCOUNT),
        restarts=read_restarts(table),
    )


def _script(table: Table, sources: Collection[str]) -> Script:
    source = _source(table, sources, "scripts/")
    if source.startswith("scripts/") and (wrong := forms.SCRIPT_SOURCE.complain(source)):
        table.fault("source", f"source is {source!r}.", f"It must be {wrong}.")
    return Script(source, table.integer("timeout_seconds", default=600, low=1, high=86400))


def _source(table: Table, sources: Collection[str], *folders: str) -> str:
    source = table.string("source")
    if not table.has("source"):
        return source
    wrong = forms.payload_path_complaint(source)
    if wrong is None and not source.startswith(folders):
        wrong = f"It must begin with {' or '.join(folders)}."
    if wrong is None and source.startswith(templates.FOLDER) and not source.endswith(templates.END):
        wrong = f"A template's name must end with {templates.END}"
    if wrong is None and source not in sources:
        wrong = "The payload has no such file: add it, or prepare the card again."
    if wrong:
        table.fault("source", f"source is {source!r}.", wrong)
    return source


def _services(table: Table) -> Services:
    services = Services(
        table.strings("enable", default=(), form=forms.UNIT),
        table.strings("disable", default=(), form=forms.UNIT),
    )
    for unit in sorted(set(services.enable) & set(services.disable)):
        table.fault("disable", f"{unit} is both enabled and disabled.", "Choose one.")
    return services
