"""pi-builder in recipes: the keys of a layer.

[[layer]]
name = "parts"
pi_builder = "pi-builder"       # the folder that holds `stages`, beside the recipe
over = ["os"]                   # further such folders, whose stages lie over its own
stages = ["os", "watchdog"]     # in order; by default STAGES of the config
config = ["config.mk"]          # in the folder, the last wins; none by default
args = { BOARD = "rpi3" }       # build arguments, and variables of the config
network = true                  # for RUNs; false by default
"""

from __future__ import annotations

from pathlib import Path

from autosetup.strict import Table
from builder.formats.pi_builder.compile import Source, compile_parts
from builder.formats.pi_builder.context import open_context
from builder.formats.pi_builder.lint import lint
from builder.formats.pi_builder.make_config import read_makefiles
from builder.formats.pi_builder.variables import settle
from builder.recipe import LayerRecipe
from flasher.errors import BadInput


def read_layers(
    table: Table, name: str, folder: Path, architecture: str
) -> tuple[LayerRecipe, ...]:
    """The layers that a table with the key ``pi_builder`` stands for.

    The last is empty, and notes what a person should know before they are built.

    Raises:
        BadInput: config, stages or parts cannot be read, or are refused.
    """
    base = folder / table.string("pi_builder")
    bases = [base, *(folder / each for each in table.strings("over", default=()))]
    config = read_makefiles(tuple(base / each for each in table.strings("config", default=())))
    arguments = table.table("args")
    given = {each: arguments.string(each, default="") for each in arguments.names()}
    stages = table.strings("stages", default=())
    network = table.boolean("network", default=False)
    settings = settle(config, given, architecture)
    context = open_context([each.resolve() for each in bases], settings.system)
    source = Source(settings, context, stages or settings.stages, network)
    if not source.stages:
        raise BadInput(
            "stages-missing",
            f"Neither the layer {name} nor its config names stages.",
            'Write stages = ["os", "__cleanup__"] in the layer.',
        )
    notes = tuple(str(each) for each in lint(source, config))
    told = LayerRecipe(name, notes=notes, personal=settings.personal)
    return (*compile_parts(source), told)
