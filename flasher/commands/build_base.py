"""Build the base image: the same for every node, without identity or secret."""

from __future__ import annotations

import argparse
from pathlib import Path

from builder.build import Built, build_base
from flasher import paths
from flasher.console import Console
from flasher.errors import ExitCode
from flasher.events import CancelFlag
from flasher.images import image_folder
from flasher.progress import readable_seconds, readable_size

EXAMPLE = "sudo flasher build-base --out images"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    default = paths.assets() / "recipes" / "base.toml"
    parser.add_argument("recipe", nargs="?", type=Path, default=default, help="TOML; default: base")
    parser.add_argument("--arch", help="arm64, armhf or amd64; default: as the recipe says")
    parser.add_argument(
        "--out", type=Path, help=f"folder for the image (default: {image_folder()})"
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Build what is not yet built; say what came of it."""
    with console.progress() as emit:
        built = build_base(
            args.recipe,
            architecture=args.arch,
            out=(args.out or image_folder()).absolute(),
            store=paths.cache() / "layers",
            emit=emit,
            cancel=CancelFlag(),
        )
    _say(built, console)
    console.result("image", _as_json(built))
    return ExitCode.DONE


def _say(built: Built, console: Console) -> None:
    for layer in built.layers:
        state = "reused" if layer.reused else f"made in {readable_seconds(layer.seconds)}"
        console.say(f"layer {layer.name:<12} {layer.key[:12]}  {state}")
    for path in (built.image, built.compressed, built.bmap, built.sums):
        console.say(f"{readable_size(path.stat().st_size):>10}  {path}")


def _as_json(built: Built) -> dict[str, object]:
    layers = [
        {"name": x.name, "key": x.key, "reused": x.reused, "seconds": round(x.seconds, 1)}
        for x in built.layers
    ]
    files = {name: str(getattr(built, name)) for name in ("image", "compressed", "bmap", "sums")}
    return {**files, "layers": layers}
