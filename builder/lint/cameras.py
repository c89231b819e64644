"""Whether a finished image has the drivers of the cameras that it is for."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from builder.cameras import choose_ways, whose_kernel
from builder.lint.finding import Finding
from builder.recipe import Recipe


def check_cameras(
    recipe: Recipe, installed: Collection[str], modules: Collection[str]
) -> Iterator[Finding]:
    """Findings about the drivers.

    Args:
        installed: names of the image's packages.
        modules: of its kernels: paths, or lines of modules.builtin.
    """
    there = {_name(path) for path in modules}
    for sensor, ways in choose_ways(recipe, whose_kernel(installed)).items():
        lacking = {module for way in ways for module in way.modules} - there
        if lacking:
            what = f"No kernel of the image has {', '.join(sorted(lacking))}: the camera {sensor} "
            yield Finding(
                what + "gives no picture.", "Take another kernel, or the camera out of [image]."
            )


def _name(path: str) -> str:
    return path.rpartition("/")[2].partition(".ko")[0].replace("_", "-")
