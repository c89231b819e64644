"""What in stages and config will not do what its author thinks, found before anything is built."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from builder.formats.pi_gen.folders import Item, Stage
from builder.formats.pi_gen.packages import is_option, split_name, substitute_words
from builder.formats.pi_gen.plan import (
    Packages,
    Patches,
    plan,
    runs_sub_stage,
    skips,
)
from builder.formats.pi_gen.variables import Settings, known_variables
from builder.formats.scripts import TRAPS, Trap, traps_in
from builder.lint.finding import Finding

_STAGE_FILES = ("prerun.sh", "EXPORT_IMAGE", "EXPORT_NOOBS", "SKIP", "SKIP_IMAGES", "postrun.sh")
_NUMBERED = re.compile(r"\d\d-.+")
_KINDS = ("debconf", "packages", "packages-nr", "patches", "run.sh")
_SCRIPTS = re.compile(r"\d\d-(?:run\.sh|run-chroot(?:\.sh)?)")

_OUTSIDE = Trap(
    r"(?:^|[\s\"'=(])\.\./|\$\{?(?:BASE_DIR|SCRIPT_DIR)\b",
    "reaches outside its stage",
    "Keep what it needs in its own folder: a change elsewhere can go unnoticed.",
)


def lint(
    settings: Settings, stages: Sequence[Stage], architecture: str, *, plain: bool = True
) -> tuple[Finding, ...]:
    """All findings, in the order of the stages.

    Args:
        plain: upon plain Debian, which lacks Raspberry Pi's own packages.
    """
    return (
        *_about_config(settings),
        *_about_list(settings, stages),
        *(each for stage in stages for each in _about_stage(settings, stage)),
        *_about_actions(settings, stages, architecture, plain),
    )


def _about_config(settings: Settings) -> Iterator[Finding]:
    for name in settings.secrets:
        why = known_variables()[name].why
        keep = "`flasher build-base --site NAME` keeps it in a new site."
        yield Finding(f"{name} is not built into the image.", f"{why} {keep}")
    for name in sorted(settings.given):
        if name not in known_variables() and name not in settings.exported and name.isupper():
            yield Finding(
                f"{name} is no variable of pi-gen, and the config does not export it.",
                "Export it if a script is to see it; or correct its name.",
            )


def _about_list(settings: Settings, stages: Sequence[Stage]) -> Iterator[Finding]:
    names = [stage.name for stage in stages]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Finding(
            f"Two stages are called {name}: for pi-gen they share one work folder.",
            "Give one of them another name.",
        )
    for below, stage in pairwise(stages):
        if skips(settings, below) and not skips(settings, stage):
            yield Finding(
                f"{below.name} is skipped, and {stage.name} copies the stage before it.",
                "Here it goes on from the last stage that was not skipped; pi-gen would go on from "
                "what an earlier build left of the skipped one, or fail.",
            )
    if not any(stage.top.file("EXPORT_IMAGE") for stage in stages):
        yield Finding(
            "No stage has a file EXPORT_IMAGE.",
            "pi-gen would make no image; in a recipe one is made of the last layer.",
        )


def _about_stage(settings: Settings, stage: Stage) -> Iterator[Finding]:
    yield from _about_top(settings, stage)
    for folder in stage.top.folders:
        where = f"{stage.name}/{folder.name}"
        if runs_sub_stage(settings, folder):
            yield from _about_names(settings, where, folder)
            for item in folder.inside:
                yield from _about_script(f"{where}/{item.name}", item)
                yield from _about_nested(where, item)


def _about_top(settings: Settings, stage: Stage) -> Iterator[Finding]:
    prerun, exports = stage.top.file("prerun.sh"), stage.top.file("EXPORT_IMAGE")
    if prerun is None or not prerun.executable:
        why = "is not executable" if prerun else "is missing"
        yield Finding(
            f"{stage.name}/prerun.sh {why}: for pi-gen the stage starts from an empty tree.",
            "Here it goes on from the layer below. chmod +x, or write one: copy_previous.",
        )
    if exports and not exports.data.strip():
        yield Finding(
            f"{stage.name}/EXPORT_IMAGE is empty: its image gets the suffix of the one before.",
            'Write a suffix of its own: IMG_SUFFIX="-lite".',
        )
    if settings.dialect.sourced_export and exports and re.fullmatch(r"\s*-[\w-]+\s*", exports.text):
        yield Finding(
            f"{stage.name}/EXPORT_IMAGE is a bare suffix, and this dialect runs it as a script.",
            f'Write IMG_SUFFIX="{exports.text.strip()}".',
        )
    for item in stage.top.inside:
        if not item.is_folder and _NUMBERED.fullmatch(item.name):
            yield _ignored(f"{stage.name}/{item.name}", "it lies in the stage itself")
        elif not settings.dialect.skip_files and item.name in ("SKIP", "SKIP_IMAGES"):
            yield _ignored(f"{stage.name}/{item.name}", "this dialect skips by lists of the config")
        elif item.name == "SKIP_IMAGES" and not settings.dialect.skip_images_file:
            yield _ignored(f"{stage.name}/{item.name}", "this dialect does not know it")
        elif not item.is_folder and item.name not in _STAGE_FILES and item.name.isupper():
            yield _ignored(f"{stage.name}/{item.name}", "no tool reads it")


def _about_names(settings: Settings, where: str, folder: Item) -> Iterator[Finding]:
    for item in folder.inside:
        place = f"{where}/{item.name}"
        if not _NUMBERED.fullmatch(item.name):
            if re.fullmatch(
                r"(?:\d-)?(?:run(?:-chroot)?\.sh|packages(?:-\w+)?|debconf)", item.name
            ):
                yield _ignored(place, "its name does not begin with two digits")
            continue
        kind = item.name[3:]
        if kind == "packages-ni" and settings.dialect.name == "westwork":
            yield Finding(
                f"{place} is never installed: it makes that of {item.name[:2]}-packages be "
                "installed twice.",
                "Move its words into that file.",
            )
        elif not _is_known(settings, kind) and not _nested(item):
            yield _ignored(place, "this dialect has no such kind of file")
        elif kind == "run.sh" and not item.executable:
            yield _ignored(place, "it is not executable")
        elif kind == "patches" and item.is_folder:
            yield from _about_series(place, item)


def _is_known(settings: Settings, kind: str) -> bool:
    own = (*_KINDS, settings.dialect.chroot_script)
    return kind in own or (settings.dialect.variants and kind.startswith("packages"))


def _about_series(place: str, item: Item) -> Iterator[Finding]:
    series = item.file("series")
    if series is None or not series.data.strip():
        what = "is empty" if series else "is missing"
        yield Finding(
            f"{place}/series {what}: none of these patches is applied, and pi-gen says nothing.",
            "List the patches in it, a name a line.",
        )


def _about_script(place: str, item: Item) -> Iterator[Finding]:
    if not _SCRIPTS.fullmatch(item.name):
        return
    for number, line in enumerate(item.text.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        for trap in traps_in(line, (_OUTSIDE, *TRAPS)):
            yield Finding(f"{place}:{number} {trap.what}.", trap.remedy)


def _about_nested(where: str, item: Item) -> Iterator[Finding]:
    if nested := _nested(item):
        yield _ignored(f"{where}/{item.name}/{nested}", "it lies one folder too deep")


def _nested(item: Item) -> str:
    """A script in a folder that looks like a sub-stage itself; "" where there is none."""
    inside = (each.name for each in item.inside if _SCRIPTS.fullmatch(each.name))
    return next(inside, "") if _NUMBERED.fullmatch(item.name) else ""


def _ignored(place: str, why: str) -> Finding:
    return Finding(f"{place} is ignored: {why}.", "Rename or remove it, or make it what it is for.")


def _about_actions(
    settings: Settings, stages: Sequence[Stage], architecture: str, plain: bool
) -> Iterator[Finding]:
    installed: set[str] = set()
    for action in plan(settings, stages):
        if isinstance(action, Patches) and action.edit:
            yield Finding(
                f"{action.place}/EDIT asks for a person to edit patches.",
                "Remove it: a build asks nobody.",
            )
        if isinstance(action, Packages):
            yield from _about_packages(action, installed, architecture, plain)
            installed |= {split_name(word)[0] for word in action.words}


def _about_packages(
    action: Packages, installed: set[str], architecture: str, plain: bool
) -> Iterator[Finding]:
    for word in action.words:
        name, rest = split_name(word)
        if rest == "-" and name in installed:
            yield Finding(
                f"{action.place} takes {name} away, which an earlier list installs.",
                "Take it out of the earlier list: layers of packages only add.",
            )
        if is_option(word) and word.startswith("--target-release"):
            yield Finding(
                f"{action.place} wants packages of {word.partition('=')[2]}.",
                "The lock knows the image's own suite only: name its packages.",
            )
    for swap in substitute_words(action.words, architecture)[1] if plain else ():
        yield Finding(f"{action.place}: not in Debian, {swap}", "Nothing to do if that serves.")
