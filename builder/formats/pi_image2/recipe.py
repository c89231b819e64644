"""pi_image2 in recipes: the keys of a layer, and the recipe that a script asks for by itself.

[[layer]]
name = "robot"
pi_image2 = "customize_robot.py"    # beside the recipe
checkout = "pi_image2"              # the folder with files/ and common_img_mods/; by default the
                                    # nearest above the script that has one of them
network = true                      # for the script; false by default
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from autosetup.strict import Table
from builder.formats.pi_image2.compile import compile_layer
from builder.formats.pi_image2.lint import UBUNTU, lint
from builder.formats.pi_image2.read import Customization, is_checkout, open_customization
from builder.recipe import LayerRecipe, Recipe, load_recipe, start_from

_LEAST_SLACK = 16


def read_layers(table: Table, name: str, folder: Path, source: str) -> tuple[LayerRecipe, ...]:
    """The layer that a table with the key ``pi_image2`` stands for.

    Args:
        source: what the recipe starts from, as it names it.

    Raises:
        BadInput: the script cannot be read, or is refused.
    """
    script = folder / table.string("pi_image2")
    checkout = folder / table.string("checkout") if table.has("checkout") else None
    network = table.boolean("network", default=False)
    customization = open_customization(script, checkout)
    suite = source.partition(":")[2] if source.startswith(("debian:", "apt:")) else source
    return (_layer(customization, name, suite, network=network, in_recipe=True),)


def _layer(
    customization: Customization, name: str, suite: str, *, network: bool, in_recipe: bool
) -> LayerRecipe:
    layer = compile_layer(customization, name, network=network)
    found = lint(customization, suite=suite, in_recipe=in_recipe)
    return replace(layer, notes=tuple(map(str, found)))


@dataclass(frozen=True, slots=True)
class Image:
    """What pi_image2's own command makes: one image, in the folder that the script names."""

    recipe: Recipe
    folder: Path


def read_image(
    script: Path,
    below: Path,
    architecture: str | None = None,
    *,
    network: bool = False,
    source: str = "",
    sha256: str = "",
) -> Image:
    """What ``build_image.py --customization_script_path SCRIPT`` asks for.

    Args:
        script: run from the working folder, if that is a checkout of pi_image2; else see
            `open_customization`.
        below: a recipe: what stands below the customisations, and as the layers above them those of
            its own that are called ``agent``.
        source, sha256: what to start from; see `start_from`. By default the script's release, if it
            is Debian's, or else the recipe's own.

    Raises:
        BadInput: script or recipe cannot be read, or the script is refused.
    """
    here = Path.cwd()
    customization = open_customization(script, here if is_checkout(here) else None)
    conf = customization.conf
    base = _start(load_recipe(below, architecture), conf.release, source, sha256)
    suite = base.suite or str(base.origin)
    own = _layer(customization, "customisation", suite, network=network, in_recipe=False)
    above = tuple(layer for layer in base.layers if layer.name == "agent")
    lower = tuple(layer for layer in base.layers if layer not in above)
    name = f"{conf.flavour}-{conf.release}-raspberry-pi"
    slack = max(conf.rootfs_extra_space_mb, _LEAST_SLACK)
    recipe = replace(
        base,
        name=name,
        title=name,
        dated=True,
        image=replace(base.image, root_slack_mib=slack),
        layers=(*lower, own, *above),
    )
    return Image(recipe, Path(conf.imagedir))


def _start(base: Recipe, release: str, source: str, sha256: str) -> Recipe:
    """The recipe with what to start from: as it was asked for, or the script's own Debian."""
    if source:
        return start_from(base, source, sha256)
    if base.origin is None and release not in UBUNTU:
        return replace(base, suite=release)
    return base
