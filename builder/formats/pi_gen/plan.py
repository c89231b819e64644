"""What a build of stages does, in order: pure, from folders that were read and a config.

The order is that of the tools' own documents; see `docs/pi-gen.md` for what each dialect does
differently, and where.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from builder.formats.pi_gen.folders import Item, Stage
from builder.formats.pi_gen.packages import join_options, read_words
from builder.formats.pi_gen.variables import Settings

NUMBERS = tuple(f"{number:02}" for number in range(100))


@dataclass(frozen=True, slots=True)
class Place:
    """Where an action was found.

    Attributes:
        stage: name of its stage.
        sub_stage: name of the folder in it; "" for what belongs to the stage itself.
        name: of the file or folder there.
    """

    stage: str
    sub_stage: str
    name: str

    def __str__(self) -> str:
        return "/".join(part for part in (self.stage, self.sub_stage, self.name) if part)


@dataclass(frozen=True, slots=True)
class Prerun:
    """The script that gives a stage its tree."""

    place: Place


@dataclass(frozen=True, slots=True)
class Debconf:
    """Answers for debconf; variables in them are expanded in the tree."""

    place: Place


@dataclass(frozen=True, slots=True)
class Packages:
    """Words for apt: names, ``name-`` for not wanted, options."""

    place: Place
    words: tuple[str, ...]
    recommends: bool


@dataclass(frozen=True, slots=True)
class Patches:
    """A quilt series; `edit` where its author wants a shell in between."""

    place: Place
    edit: bool


@dataclass(frozen=True, slots=True)
class HostScript:
    """A program that runs on the building computer."""

    place: Place


@dataclass(frozen=True, slots=True)
class ChrootScript:
    """Lines for a bash in the tree."""

    place: Place


@dataclass(frozen=True, slots=True)
class Export:
    """An image to be made of the tree as this stage leaves it.

    Attributes:
        noobs: EXPORT_NOOBS is there, too.
    """

    place: Place
    noobs: bool


Action = Prerun | Debconf | Packages | Patches | HostScript | ChrootScript | Export


def plan(settings: Settings, stages: Sequence[Stage]) -> tuple[Action, ...]:
    """All actions of a build: those of the stages, then the exports in the order of their stages.

    A stage that is skipped still exports: the tools say so, and it is of use with their caches.
    """
    exports = (_export(settings, stage) for stage in stages)
    own = (_run_stage(settings, stage) for stage in stages if not skips(settings, stage))
    return (*chain.from_iterable(own), *(export for export in exports if export))


def skips(settings: Settings, stage: Stage) -> bool:
    """Whether a stage is not run."""
    if settings.dialect.skip_files:
        return stage.top.file("SKIP") is not None
    return stage.name in settings.words("SKIP_STAGE_LIST")


def skips_image(settings: Settings, stage: Stage) -> bool:
    """Whether no image is made of a stage that asks for one."""
    if settings.dialect.skip_images_file:
        return stage.top.file("SKIP_IMAGES") is not None
    return stage.name in settings.words("SKIP_IMAGES_LIST")


def runs_sub_stage(settings: Settings, folder: Item) -> bool:
    """Whether a folder of a stage is gone through: all are, whatever their names."""
    return not (settings.dialect.skip_files and folder.file("SKIP"))


def _export(settings: Settings, stage: Stage) -> Export | None:
    if stage.top.file("EXPORT_IMAGE") is None or skips_image(settings, stage):
        return None
    place = Place(stage.name, "", "EXPORT_IMAGE")
    return Export(place, stage.top.find("EXPORT_NOOBS") is not None)


def _run_stage(settings: Settings, stage: Stage) -> Iterator[Action]:
    prerun = stage.top.file("prerun.sh")
    if prerun and prerun.executable:
        yield Prerun(Place(stage.name, "", prerun.name))
    for folder in stage.top.folders:
        if runs_sub_stage(settings, folder):
            for number in NUMBERS:
                yield from _run_number(settings, stage, folder, number)


def _run_number(settings: Settings, stage: Stage, folder: Item, number: str) -> Iterator[Action]:
    def place(name: str) -> Place:
        return Place(stage.name, folder.name, name)

    if folder.file(f"{number}-debconf"):
        yield Debconf(place(f"{number}-debconf"))
    yield from _package_lists(settings, stage, folder, number)
    patches = folder.folder(f"{number}-patches")
    if patches:
        yield Patches(place(patches.name), edit=patches.find("EDIT") is not None)
    script = folder.file(f"{number}-run.sh")
    if script and script.executable:
        yield HostScript(place(script.name))
    inner = folder.file(f"{number}-{settings.dialect.chroot_script}")
    if inner:
        yield ChrootScript(place(inner.name))


@dataclass(frozen=True, slots=True)
class _Source:
    """A list that is installed: the file whose presence asks for it, and the one that is read."""

    asked_by: str
    read: str
    recommends: bool


def _package_lists(
    settings: Settings, stage: Stage, folder: Item, number: str
) -> Iterator[Packages]:
    for source in _sources(settings, number, {each.name for each in folder.inside}):
        if folder.file(source.asked_by) is None:
            continue
        item = folder.file(source.read)
        words = join_options(read_words(item.text)) if item else ()
        if words:
            yield Packages(Place(stage.name, folder.name, source.read), words, source.recommends)


def _sources(settings: Settings, number: str, names: set[str]) -> tuple[_Source, ...]:
    """The lists of a number in the order of a dialect."""
    if settings.dialect.name == "westwork":
        # Its -ni list is never read: the file only makes that of -packages be installed.
        pairs = (("nr", "nr", False), ("ni", "", True), ("", "", True))
        return tuple(
            _Source(_named(number, asked), _named(number, read), recommends)
            for asked, read, recommends in pairs
        )
    if not settings.dialect.variants:
        return (
            _Source(_named(number, "nr"), _named(number, "nr"), recommends=False),
            _Source(_named(number, ""), _named(number, ""), recommends=True),
        )
    recommends = settings.is_on("INSTALL_RECOMMENDS") and not settings.is_on("REDUCED_FOOTPRINT")
    chosen = (
        (_first(names, _system_names(settings, number)), False),
        (_first(names, _variants(settings, _named(number, "nr"))), False),
        (_first(names, _variants(settings, _named(number, ""))), recommends),
    )
    return tuple(_Source(name, name, wanted) for name, wanted in chosen if name)


def _named(number: str, kind: str) -> str:
    return f"{number}-packages-{kind}" if kind else f"{number}-packages"


def _variants(settings: Settings, name: str) -> tuple[str, ...]:
    return f"{name}-{settings.value('RELEASE')}", name


def _system_names(settings: Settings, number: str) -> tuple[str, ...]:
    """Names of the list for the kind of computer, the most special first."""
    release, architecture = settings.value("RELEASE"), settings.value("TARGET_ARCH")
    if settings.is_on("TARGET_RASPI"):
        return _variants(settings, f"{number}-packages-sys-raspi")
    name = f"{number}-packages-sys-debian"
    return f"{name}-{release}-{architecture}", f"{name}-{release}", f"{name}-{architecture}", name


def _first(names: set[str], wanted: Sequence[str]) -> str:
    return next((name for name in wanted if name in names), "")
