"""From the actions of stages to layers of ours: packages that the lock names, and scripts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.formats.pi_gen.dialect import Dialect
from builder.formats.pi_gen.folders import Stage
from builder.formats.pi_gen.packages import is_option, substitute_words
from builder.formats.pi_gen.plan import (
    Action,
    ChrootScript,
    Debconf,
    Export,
    HostScript,
    Packages,
    Patches,
    Place,
    Prerun,
    plan,
)
from builder.formats.pi_gen.variables import Settings
from builder.formats.scripts import APT, names_in, reads_all_variables
from builder.recipe import LayerRecipe
from builder.release.files import Form
from builder.steps.carried import Carried, carry_file, carry_folder
from builder.steps.script import Script
from flasher.errors import BadInput
from flasher.process import find_program

_INSIDE = Path(__file__).with_name("inside")
_TOOLS = "/flasher"
_BASE = "/pi-gen"

_KINDS: Mapping[type, str] = {
    Prerun: "prerun",
    Debconf: "debconf",
    Patches: "patches",
    HostScript: "run",
    ChrootScript: "chroot",
}
# What the functions that scripts call read of the config.
_READ_BY_FUNCTIONS = {
    "update_issue": ("PI_GEN", "PI_GEN_RELEASE", "PI_GEN_REPO", "GIT_HASH", "IMG_DATE"),
    "IMG_FILENAME": ("IMG_NAME", "IMG_DATE"),
}
_OUTSIDE_STAGE = re.compile(rb"\$\{?(?:BASE_DIR|SCRIPT_DIR)\b|\.\./\.\.")
_OUTSIDE_SUB_STAGE = re.compile(rb"\.\./|\$\{?(?:STAGE_DIR|PREV_STAGE_DIR)\b")
_NOT_CARRIED = (".git", "work", "deploy")
_READ_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """A config with its stages.

    Attributes:
        base: the folder that pi-gen calls BASE_DIR.
        architecture: Debian's name of the image's.
        plain: upon plain Debian, which lacks Raspberry Pi's own packages.
        network: scripts may use the network.
    """

    settings: Settings
    base: Path
    stages: tuple[Stage, ...]
    architecture: str
    plain: bool = True
    network: bool = False

    def stage(self, name: str) -> Stage:
        """The stage of this name."""
        return next(each for each in self.stages if each.name == name)


def compile_stages(source: Source, name: str, *, until: str = "") -> tuple[LayerRecipe, ...]:
    """The layers of the stages, lowest first.

    Args:
        name: of the whole, for the layer that clears up after the last stage.
        until: the last stage to take; all by default.

    Raises:
        BadInput: a stage cannot be built without a person.
        EnvironmentLacks: it has patches, and quilt is not installed.
    """
    actions = _until(plan(source.settings, source.stages), source.stages, until)
    layers = [_layer(source, each) for each in _without_repeats(actions)]
    end = _script(source, Place("", "", "end"), "end", "", ())
    return (*filter(None, layers), LayerRecipe(f"{name}-end", scripts=(end,)))


def _until(actions: Iterable[Action], stages: Sequence[Stage], last: str) -> list[Action]:
    names = [stage.name for stage in stages]
    taken = names[: names.index(last) + 1] if last else names
    return [each for each in actions if each.place.stage in taken and not isinstance(each, Export)]


def _without_repeats(actions: Iterable[Action]) -> Iterable[Action]:
    """Leave out lists whose packages are all there already, as apt would."""
    present: set[tuple[str, bool]] = set()
    for each in actions:
        if isinstance(each, Packages):
            asked = {(word, each.recommends) for word in each.words}
            if asked <= present:
                continue
            present |= asked
        yield each


def _layer(source: Source, action: Action) -> LayerRecipe | None:
    name = str(action.place).replace("/", "-")
    if isinstance(action, Packages):
        words = _words(source, action)
        return LayerRecipe(name, packages=words) if words else None
    if isinstance(action, Patches) and action.edit:
        raise BadInput(
            "patches-edited",
            f"{action.place}/EDIT asks for a person to edit patches.",
            "Remove it: a build asks nobody.",
        )
    if isinstance(action, Patches):
        find_program("quilt")
    kind = _KINDS[type(action)]
    stage = source.stage(action.place.stage)
    folder = stage.folder / action.place.sub_stage
    files = _carry(source, stage, folder, action.place.name, kind)
    return LayerRecipe(name, scripts=(_script(source, action.place, kind, name, files),))


def _words(source: Source, action: Packages) -> tuple[str, ...]:
    """What apt resolves: it takes options among the names."""
    words = action.words
    if source.plain:
        words, _ = substitute_words(words, source.architecture)
    if all(is_option(word) for word in words):
        return ()
    return ("--install-recommends", *words) if action.recommends else words


def _carry(source: Source, stage: Stage, folder: Path, name: str, kind: str) -> tuple[Carried, ...]:
    """What a script can read: its own file, its folder, its stage or all, by what it names."""
    if kind in ("debconf", "chroot"):
        return _at(f"{stage.name}/{folder.name}", (carry_file(_BASE, name, folder / name),))
    if kind == "patches":
        return _at(f"{stage.name}/{folder.name}/{name}", carry_folder(_BASE, folder / name))
    if kind == "prerun":
        own = (carry_file(_BASE, name, folder / name), *_shared(stage.folder))
        return _at(stage.name, own)
    files = _at(f"{stage.name}/{folder.name}", carry_folder(_BASE, folder))
    text = b"".join(_read(each) for each in files)
    if _OUTSIDE_STAGE.search(text):
        return _carry_all(source)
    if _OUTSIDE_SUB_STAGE.search(text):
        return _at(stage.name, carry_folder(_BASE, stage.folder))
    return files


def _shared(stage: Path) -> tuple[Carried, ...]:
    """What a prerun.sh may need of its stage beside itself: the folder `files`."""
    folder = stage / "files"
    return _below("files", carry_folder(_BASE, folder)) if folder.is_dir() else ()


def _carry_all(source: Source) -> tuple[Carried, ...]:
    told: dict[str, Carried] = {}
    for path in sorted(source.base.iterdir()):
        if path.name in _NOT_CARRIED:
            continue
        carried = (
            _below(path.name, carry_folder(_BASE, path))
            if path.is_dir() and not path.is_symlink()
            else (carry_file(_BASE, path.name, path),)
        )
        told |= {each.path: each for each in carried}
    for stage in source.stages:
        told |= {each.path: each for each in _at(stage.name, carry_folder(_BASE, stage.folder))}
    return tuple(told.values())


def _at(place: str, carried: Iterable[Carried]) -> tuple[Carried, ...]:
    return _below(place.rstrip("/"), carried)


def _below(place: str, carried: Iterable[Carried]) -> tuple[Carried, ...]:
    """The same files in a folder of the base."""
    return tuple(
        Carried(
            each.at, f"{place}/{each.path}", each.mode, each.data, each.source, each.digest,
            each.link,
        )
        for each in carried
    )  # fmt: skip


def _script(
    source: Source, place: Place, kind: str, name: str, files: tuple[Carried, ...]
) -> Script:
    cwd = "/".join(part for part in (_BASE, place.stage, place.sub_stage) if part)
    return Script(
        name=name or "pi-gen-end",
        epoch=0,
        argv=("bash", f"{_TOOLS}/run.sh", kind, place.name),
        place="host",
        env=_environment(source, place, kind, files),
        cwd=cwd if files else "/",
        files=(*files, *_tools()),
        network=source.network and kind in ("prerun", "run", "chroot"),
    )


def _tools() -> tuple[Carried, ...]:
    return tuple(carry_file(_TOOLS, path.name, path) for path in sorted(_INSIDE.iterdir()))


def _environment(
    source: Source, place: Place, kind: str, files: Sequence[Carried]
) -> Mapping[str, str]:
    """What a script sees: of the config only what it names, so that the rest changes no key."""
    if kind == "end":
        return {}
    dialect, names = source.settings.dialect, [each.name for each in source.stages]
    position = names.index(place.stage)
    own = {
        "STAGE": place.stage,
        "PREV_STAGE": names[position - 1] if position else "",
        **_behaviour(dialect),
        "FLASHER_REFRESH": "1" if source.network and _asks_apt(files) else "",
        "FLASHER_WORD_SIZE": "32" if source.architecture in ("armhf", "i386") else "",
    }
    told = {**source.settings.environment, **_about_image(source)}
    named = _named(files)
    return {**own, **{name: told[name] for name in sorted(told) if not named or name in named}}


def _behaviour(dialect: Dialect) -> dict[str, str]:
    """How the functions do what this dialect does."""
    return {
        "FLASHER_STRICT": "-e" if dialect.strict else "",
        "FLASHER_PRIVATE_TMP": "1" if dialect.private_tmp else "",
        "FLASHER_LOCALE": dialect.locale,
        "FLASHER_READY": "1" if dialect.ready else "",
    }


def _about_image(source: Source) -> dict[str, str]:
    return {"TARGET_ARCH" if source.settings.dialect.variants else "ARCH": source.architecture}


def _named(files: Sequence[Carried]) -> set[str]:
    """Names of variables that scripts can read; none for all."""
    text = b"\n".join(_read(each) for each in files)
    if reads_all_variables(text):
        return set()
    names = names_in(text)
    for function, read in _READ_BY_FUNCTIONS.items():
        if function in names:
            names |= set(read)
    return names or {"-"}


def _asks_apt(files: Sequence[Carried]) -> bool:
    """Whether a script lets apt fetch packages: it needs lists, which no layer keeps."""
    return any(APT.catches(_read(each).decode(errors="replace")) for each in files)


def _read(each: Carried) -> bytes:
    """The bytes of a carried file; none of one that is too large to be a script."""
    if each.source is None:
        return each.data
    return each.source.read_bytes() if each.source.stat().st_size <= _READ_LIMIT else b""


def image_name(settings: Settings, suffix: str = "") -> str:
    """What an image is called: IMG_FILENAME where it is given, else IMG_NAME; then the suffix."""
    base = settings.given.get("IMG_FILENAME") or settings.value("IMG_NAME")
    return re.sub(r"[^\w.+-]+", "-", f"{base}{suffix}").strip("-.") or "image"


def image_form(settings: Settings) -> Form:
    """The form to hand an image out in: what the config asks for, or zst."""
    if settings.dialect.name == "westwork":
        return "zip"
    if settings.dialect.name == "qcow2":
        return "zip" if settings.is_on("DEPLOY_ZIP") else "zst"
    if "DEPLOY_COMPRESSION" not in settings.given and settings.value("DEPLOY_ZIP") == "0":
        return "zst"
    forms: Mapping[str, Form] = {"zip": "zip", "xz": "xz"}
    return forms.get(settings.value("DEPLOY_COMPRESSION"), "zst")
