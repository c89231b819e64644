"""Which cameras give a picture with which kernel, on which Pis; and what an image needs for them.

What is known is in ``assets/layers/camera/cameras.toml``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cache

from autosetup.strict import Table
from builder.recipe import Recipe
from builder.recipe.shipped import read_document
from flasher.errors import BadInput
from flasher.firmware.boards import BOARDS
from flasher.paths import assets

LAYER = "camera"
DEBIAN, RASPBERRY_PI = "debian", "raspberrypi"
_RASPBERRY_PI_KERNELS = ("linux-image-rpi-", "raspberrypi-kernel")
# The camera that needs no camera port, so no Pi.
_USB = "usb"


@dataclass(frozen=True, slots=True)
class Way:
    """How pictures come from some cameras.

    Attributes:
        kernel: whose kernel it takes: `DEBIAN` or `RASPBERRY_PI`.
        suites: with kernels of these suites only; none for all.
        sensors: names of the cameras.
        boards: of Pis, by the names in `flasher.firmware.boards`.
        config: lines of config.txt, with ``{sensor}`` for the sensor's name.
        modules: of the kernel, that it takes.
        proven: whether somebody saw a picture.
    """

    kernel: str
    suites: tuple[str, ...]
    sensors: tuple[str, ...]
    boards: tuple[str, ...]
    config: tuple[str, ...]
    modules: tuple[str, ...]
    proven: bool

    def serves(self, sensor: str, board: str | None) -> bool:
        """Whether a picture comes from a camera at a Pi; None stands for a PC."""
        return sensor in self.sensors and (
            sensor == _USB if board is None else board in self.boards
        )


@cache
def known_ways() -> tuple[Way, ...]:
    """All that is known."""
    path = assets() / "layers" / LAYER / "cameras.toml"
    return read_document(path, "table of cameras", _read)


def known_cameras() -> tuple[str, ...]:
    """Names of all cameras, sorted."""
    return tuple(sorted({sensor for way in known_ways() for sensor in way.sensors}))


def whose_kernel(installed: Collection[str]) -> str:
    """Whose kernel an image will have.

    Args:
        installed: names of packages that its lowest layer holds.
    """
    of_theirs = any(name.startswith(_RASPBERRY_PI_KERNELS) for name in installed)
    return RASPBERRY_PI if of_theirs else DEBIAN


def choose_ways(recipe: Recipe, kernel: str) -> dict[str, tuple[Way, ...]]:
    """How pictures come from each camera that a recipe is for.

    Args:
        kernel: whose it has: see `whose_kernel`.

    Raises:
        BadInput: ``camera-unknown``; ``camera-unfit``: some give none; all are named.
    """
    if unknown := sorted(set(recipe.image.cameras) - set(known_cameras())):
        what = f"Nothing is known of the camera {', '.join(unknown)}."
        known = ", ".join(known_cameras())
        raise BadInput("camera-unknown", what, f"In the recipe's [image] write of these: {known}.")
    ways = [
        way
        for way in known_ways()
        if way.kernel == kernel and (not way.suites or recipe.suite in way.suites)
    ]
    unfit = list(_find_unfit(recipe, ways))
    if unfit:
        raise BadInput(
            "camera-unfit",
            "Some cameras of the recipe would give no picture:\n"
            + "\n".join(f"  {line}" for line in unfit),
            "Take them, or these Pis, out of the recipe's [image]. With Raspberry Pi OS (from = "
            '"raspios:…") more cameras give pictures; docs/layers.md has the table.',
        )
    boards = recipe.board_names or (None,)
    return {
        sensor: tuple(way for way in ways if any(way.serves(sensor, board) for board in boards))
        for sensor in recipe.image.cameras
    }


def _find_unfit(recipe: Recipe, ways: list[Way]) -> Iterator[str]:
    """Of Pis that the recipe names each must serve; of those that it does not name, any."""
    boards = recipe.board_names or (None,)
    for sensor in recipe.image.cameras:
        without = [b for b in boards if not any(way.serves(sensor, b) for way in ways)]
        if without and (recipe.image.boards is not None or len(without) == len(boards)):
            titles = ", ".join(BOARDS[b].title if b else recipe.architecture for b in without)
            yield f"{sensor} on {titles}, with this kernel"


def with_cameras(recipe: Recipe, installed: Collection[str]) -> tuple[Recipe, tuple[str, ...]]:
    """The recipe with all that its cameras need in the layer for them; and what to tell people.

    Raises:
        BadInput: as `choose_ways`; ``camera-layer-missing``.
    """
    if not recipe.image.cameras:
        return recipe, ()
    if LAYER not in {layer.name for layer in recipe.layers}:
        what = "The recipe names cameras and has no layer for them."
        raise BadInput("camera-layer-missing", what, f'Add [[layer]] uses = "{LAYER}" to it.')
    chosen = choose_ways(recipe, whose_kernel(installed))
    lines = tuple(
        dict.fromkeys(
            line.format(sensor=sensor)
            for sensor, ways in chosen.items()
            for way in ways
            for line in way.config
        )
    )
    layers = tuple(
        replace(layer, boot=replace(layer.boot, config=(*layer.boot.config, *lines)))
        if layer.name == LAYER
        else layer
        for layer in recipe.layers
    )
    unproven = [sensor for sensor, ways in chosen.items() if not any(w.proven for w in ways)]
    notes = (f"Nobody has seen a picture of {', '.join(unproven)} yet.",) if unproven else ()
    return replace(recipe, layers=layers), notes


def _read(top: Table) -> tuple[Way, ...]:
    top.integer("format", low=1, high=1)
    return tuple(
        Way(
            kernel=table.string("kernel", choices=(DEBIAN, RASPBERRY_PI)),
            suites=table.strings("suites", default=()),
            sensors=table.strings("sensors"),
            boards=table.strings("boards"),
            config=table.strings("config", default=()),
            modules=table.strings("modules"),
            proven=table.boolean("proven"),
        )
        for table in top.tables("way")
    )
