"""The layers of a recipe, as they are read from its tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autosetup.strict import Table, pattern
from builder.emulation import MACHINES
from builder.recipe.model import BootSettings, LayerRecipe, RecipeFile, UserRecipe
from builder.steps.carried import carry_file
from builder.steps.script import Script

NAME = pattern(r"[a-z0-9][a-z0-9-]{0,39}", "lower-case letters, digits and hyphens")
_PACKAGE = pattern(r"[a-z0-9][a-z0-9+.-]+", "a Debian package name")
_PATH = pattern(r"(?!.*(/\.{1,2}(/|$)|//))/[^\0]*[^/\0]", "an absolute path: /etc/motd")
_MODE = pattern(r"0[0-7]{3,4}", 'an octal mode: "0644"')
_UNIT = pattern(r"[\w@.\\-]+\.(service|socket|timer|path|target|mount)", "a unit: ssh.service")
_MODULE = pattern(r"[a-z_]\w*", "a Python package name")
_ARCHITECTURE = pattern("|".join(MACHINES), f"one of {', '.join(MACHINES)}")
# useradd(8): what Debian takes without more ado.
_USER = pattern(r"[a-z_][a-z0-9_-]{0,31}", "lower-case letters, digits, - and _")
_COMMENT = pattern(r"[^:\n]*", "text without a colon")
# config.txt takes lines of up to 98 characters; `builder.lint` looks at the finished file.
_LINE = pattern(r"[^\n]{1,98}", "a line of up to 98 characters")
_WORDS = pattern(r"[^\n'\"]+", "words without quotes")

# Where the scripts of a layer lie while they run.
_SCRIPTS = "/mnt"


@dataclass(frozen=True, slots=True)
class Place:
    """What a layer is read for: its folder, and the architecture of the image.

    Attributes:
        source: what the image starts from, as the recipe names it.
    """

    folder: Path
    architecture: str
    source: str = ""


def read_layer(table: Table, name: str, place: Place) -> LayerRecipe:
    """One layer, from the table of a recipe or of a layer that ships."""
    files = [_file(entry, place) for entry in table.tables("file")]
    return LayerRecipe(
        name=name,
        packages=_packages(table, place.architecture),
        files=tuple(file for file in files if file),
        python=table.strings("python", default=(), form=_MODULE),
        enable=table.strings("enable", default=(), form=_UNIT),
        disable=table.strings("disable", default=(), form=_UNIT),
        mask=table.strings("mask", default=(), form=_UNIT),
        users=tuple(_user(entry) for entry in table.tables("user")),
        boot=_boot(table.table("boot")),
        scripts=_scripts(table, name, place.folder),
        data_size_mib=table.integer("data_size_mib", default=0, low=0, high=1 << 16),
    )


def _user(table: Table) -> UserRecipe:
    uid = table.integer("uid", default=0, low=0, high=59999)
    return UserRecipe(
        name=table.string("name", form=_USER),
        groups=table.strings("groups", default=(), form=_USER),
        uid=uid or None,
        shell=table.string("shell", default="/bin/bash", form=_PATH),
        comment=table.string("comment", default="", form=_COMMENT),
    )


def _boot(table: Table) -> BootSettings:
    return BootSettings(
        config=table.strings("config", default=(), form=_LINE),
        cmdline=table.strings("cmdline", default=(), form=_WORDS),
    )


def _scripts(table: Table, layer: str, folder: Path) -> tuple[Script, ...]:
    """Each script of a layer, run by the program that its first line names."""
    network = table.boolean("network", default=False)
    scripts = []
    for name in table.strings("scripts", default=()):
        path = Path(name)
        try:
            carried = carry_file(_SCRIPTS, path.name, folder / path)
        except OSError as error:
            table.fault("scripts", f"{name} cannot be read: {error.strerror}.", "Name a file here.")
            continue
        argv = (*_interpreter(folder / path), f"{_SCRIPTS}/{path.name}")
        title = f"{layer}-{path.stem}"
        scripts.append(Script(title, 0, argv, files=(carried,), network=network))
    return tuple(scripts)


def _interpreter(script: Path) -> tuple[str, ...]:
    """What a script's first line names; bash where it names nothing: the x bit is not needed."""
    with script.open("rb") as stream:
        first = stream.readline(256).decode(errors="replace")
    named = first.removeprefix("#!").split(maxsplit=1) if first.startswith("#!") else ()
    return tuple(word.strip() for word in named) or ("/bin/bash", "-e")


def _packages(table: Table, architecture: str) -> tuple[str, ...]:
    """Those for every image, then those for this architecture; the others' are checked as well."""
    own = table.table("packages_for")
    of = {each: own.strings(each, default=(), form=_PACKAGE) for each in MACHINES}
    return (*table.strings("packages", default=(), form=_PACKAGE), *of[architecture])


def _file(table: Table, place: Place) -> RecipeFile | None:
    path = table.string("path", form=_PATH)
    mode = table.string("mode", default="0644", form=_MODE)
    only = table.strings("architectures", default=(), form=_ARCHITECTURE)
    file = RecipeFile(path, _data(table, place.folder), int(mode, 8) if mode.isdigit() else 0)
    return file if not only or place.architecture in only else None


def _data(table: Table, folder: Path) -> bytes:
    if table.has("source") == table.has("lines"):
        table.fault("path", "A file needs its content.", "Give either source or lines.")
    lines = table.strings("lines", default=())
    source = table.string("source", default="")
    if not source:
        return "".join(f"{line}\n" for line in lines).encode()
    try:
        return (folder / source).read_bytes()
    except OSError as error:
        table.fault("source", f"{source} cannot be read: {error.strerror}.", "Name a file here.")
        return b""
