"""pi-gen in recipes: the keys of a layer, and the recipes that a config asks for by itself.

[[layer]]
name = "stages"
pi_gen = "pi-gen"               # the folder that holds the stages, beside the recipe
config = ["config"]             # in that folder; none by default
stages = ["stage1", "stage2"]   # in that folder; by default what the config says
dialect = "upstream"            # or qcow2, or westwork; by default what it looks like
network = true                  # for the scripts; false by default
substitutes = false             # upon Raspberry Pi OS, which has its own packages; true by default
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autosetup.strict import Table
from builder.formats.pi_gen.compile import Source, compile_stages, image_form, image_name
from builder.formats.pi_gen.config import read_config, read_suffixes
from builder.formats.pi_gen.dialect import DIALECTS
from builder.formats.pi_gen.lint import lint
from builder.formats.pi_gen.plan import Export, plan
from builder.formats.pi_gen.variables import Settings, check
from builder.personal import Personal
from builder.recipe import LayerRecipe, Recipe, load_recipe
from builder.release.files import Form
from flasher.errors import BadInput


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person names of pi-gen: see `read_config`."""

    base: Path
    configs: tuple[Path, ...] = ()
    stages: tuple[Path, ...] = ()
    dialect: str = ""
    network: bool = False


def open_source(
    asked: Asked, architecture: str | None, default: str = "arm64", *, plain: bool = True
) -> Source:
    """Read and check all that stages and config say.

    Args:
        architecture: by default the config's own TARGET_ARCH, and where it has none, `default`.

    Raises:
        BadInput: something cannot be read, or is refused.
    """
    base = asked.base.resolve()
    if not base.is_dir():
        raise BadInput(
            "pi-gen-missing", f"There is no folder {asked.base}.", "Name the one with the stages."
        )
    settings, stages = read_config(asked.configs, base, asked.stages, asked.dialect)
    check(settings)
    chosen = architecture or settings.given.get("TARGET_ARCH") or default
    return Source(settings, base, stages, chosen, plain, asked.network)


def read_layers(
    table: Table, name: str, folder: Path, architecture: str
) -> tuple[LayerRecipe, ...]:
    """The layers that a table with the key ``pi_gen`` stands for; what is odd is noted in the last.

    Raises:
        BadInput: as `open_source`.
    """
    base = folder / table.string("pi_gen")
    asked = Asked(
        base=base,
        configs=tuple(base / path for path in table.strings("config", default=())),
        stages=tuple(base / path for path in table.strings("stages", default=())),
        dialect=table.string("dialect", default="", choices=("", *DIALECTS)),
        network=table.boolean("network", default=False),
    )
    plain = table.boolean("substitutes", default=True)
    source = open_source(asked, architecture, plain=plain)
    *layers, last = compile_stages(source, name)
    return (*layers, _with_findings(last, source))


def _with_findings(last: LayerRecipe, source: Source) -> LayerRecipe:
    return replace(last, notes=notes(source), personal=personal(source.settings))


def personal(settings: Settings) -> Personal:
    """What a config sets of one rig and its person."""
    keys = (settings.value("PUBKEY_SSH_FIRST_USER"), settings.value("PUBKEY2_SSH_FIRST_USER"))
    return Personal(
        user=settings.value("FIRST_USER_NAME"),
        password=settings.value("FIRST_USER_PASS"),
        keys=tuple(key.strip() for key in keys if key.strip()),
        ssid=settings.value("WPA_ESSID"),
        passphrase=settings.value("WPA_PASSWORD"),
        country=settings.value("WPA_COUNTRY"),
        language=settings.value("LOCALE_DEFAULT"),
        keyboard=settings.value("KEYBOARD_KEYMAP"),
        timezone=settings.value("TIMEZONE_DEFAULT"),
    )


def notes(source: Source) -> tuple[str, ...]:
    """What a person should know before the stages are built, a finding a line."""
    found = lint(source.settings, source.stages, source.architecture, plain=source.plain)
    return tuple(str(each) for each in found)


@dataclass(frozen=True, slots=True)
class Images:
    """The images that stages export, and the form in which their config wants them handed out."""

    recipes: tuple[Recipe, ...]
    form: Form


def read_images(
    configs: Sequence[Path],
    stages: Sequence[Path],
    below: Path,
    architecture: str | None = None,
    *,
    network: bool = False,
) -> Images:
    """What pi-gen's own command line asks for: ``build.sh -c CONFIG``.

    Args:
        configs: at least one, or else `stages`. What pi-gen calls BASE_DIR is the folder of the
            first config if stages lie there, else the folder of the first stage.
        below: a recipe; see `recipes`.

    Raises:
        BadInput: as `open_source` and `recipes`.
    """
    base = _base(configs, stages)
    folders = tuple(stage.absolute() for stage in stages)
    asked = Asked(base, tuple(path.absolute() for path in configs), folders, network=network)
    source = open_source(asked, architecture, load_recipe(below).architecture)
    found = recipes(source, load_recipe(below, source.architecture))
    return Images(found, image_form(source.settings))


def _base(configs: Sequence[Path], stages: Sequence[Path]) -> Path:
    beside_config = [config.absolute().parent for config in configs]
    holds_stages = [folder for folder in beside_config if any(folder.glob("stage*/"))]
    beside_stages = [stage.absolute().parent for stage in stages]
    return (holds_stages + beside_stages + beside_config)[0]


def recipes(source: Source, base: Recipe, suite: str = "") -> tuple[Recipe, ...]:
    """A recipe for each image that the stages export; one of all stages where none does.

    Args:
        base: gives what stands below the stages, and the layers above them: those of its own that
            are called ``agent``.
        suite: by default the config's RELEASE, or else the base's.

    Raises:
        BadInput: two images would have one name, or an EXPORT_IMAGE cannot be run.
    """
    exports = [each for each in plan(source.settings, source.stages) if isinstance(each, Export)]
    ends = [each.place.stage for each in exports] or [source.stages[-1].name]
    told = tuple(
        _recipe(source, base, name, end, suite)
        for name, end in zip(_names(source, exports), ends, strict=True)
    )
    names = [recipe.name for recipe in told]
    for name in names:
        if names.count(name) > 1:
            raise BadInput(
                "exports-alike",
                f"Two stages export an image of the name {name}.",
                "Give each EXPORT_IMAGE a suffix of its own.",
            )
    return told


def _names(source: Source, exports: Sequence[Export]) -> tuple[str, ...]:
    files = [source.stage(each.place.stage).folder / each.place.name for each in exports]
    suffixes = read_suffixes(source.settings, source.base, files) or ("",)
    return tuple(image_name(source.settings, suffix) for suffix in suffixes)


def _recipe(source: Source, base: Recipe, name: str, end: str, suite: str) -> Recipe:
    above = tuple(layer for layer in base.layers if layer.name == "agent")
    below = tuple(layer for layer in base.layers if layer not in above)
    *stages, last = compile_stages(source, "pi-gen", until=end)
    return replace(
        base,
        name=name,
        title=name,
        suite=suite or source.settings.given.get("RELEASE") or base.suite,
        architecture=source.architecture,
        layers=(*below, *stages, _with_findings(last, source), *above),
    )
