"""Build the base image: cold against plain emulation and against a native build, and warm.

    sudo .venv/bin/python bench/build.py FOLDER [--without-plain]

Everything is downloaded before anything is timed. The peer is mmdebstrap with the same packages
from the same folder, every foreign program run by QEMU's user emulator: about a quarter of an hour.
FOLDER needs 8 GB; what is in it is kept, so that a second run downloads nothing. The work fails
where fewer than 80 % of the image's programs ran natively.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from builder.bench import build_environment
from builder.emulation import find_emulator, registration
from builder.layers import Store
from builder.lock import Lock, read_lock
from builder.pool import Pool
from builder.sandbox import Mount, Plan, run_inside
from builder.twins import count_runs
from flasher.paths import assets

FLASHER = str(Path(sys.executable).with_name("flasher"))
FOREIGN, NATIVE = "arm64", "amd64"
LEAST_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the real command.

    Attributes:
        seconds: of all of it.
        image: of these, those for the image and what goes with it.
        changed: of these, those for layers that were made.
    """

    seconds: float
    image: float
    changed: float


def build(folder: Path, architecture: str, recipe: Path) -> Run:
    """Build with what is in the folder."""
    argv = [FLASHER, "build-base", str(recipe), "--arch", architecture, "--json"]
    argv = ["env", f"FLASHER_CACHE={folder}", *argv, "--out", str(folder / "out")]
    begun = time.monotonic()
    lines = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True).stdout
    seconds = time.monotonic() - begun
    told = [json.loads(line) for line in lines.splitlines()]
    image = sum(
        event["seconds"]
        for event in told
        if event.get("event") == "StepFinished" and event["step"] == "assemble"
    )
    layers = told[-1]["layers"]
    changed = sum(layer["seconds"] for layer in layers if not layer["reused"])
    return Run(seconds, image, changed)


def forget_layers(folder: Path) -> None:
    """Leave only what was downloaded, and the lock."""
    store = folder / "layers"
    for path in store.iterdir() if store.exists() else ():
        if path.name not in ("pool", "apt"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in (folder / "out").glob("*"):
        if path.suffix != ".lock":
            path.unlink()


def emulate_plainly(folder: Path, lock: Lock) -> float:
    """Seconds of mmdebstrap with all packages of a lock, every program emulated."""
    packages = [package for group in lock.layers for package in group.packages]
    repository = Pool(folder / "layers/pool").repository(packages)
    target = folder / "plain"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    emulator = find_emulator(lock.architecture)
    assert emulator.program is not None
    argv = (
        *("mmdebstrap", "--mode=root", "--variant=essential", "--format=directory"),
        *(f"--architectures={lock.architecture}", "--skip=check/qemu,output/dev"),
        *("--dpkgopt=force-unsafe-io", f"--include={','.join(each.name for each in packages)}"),
        *("", str(target), f"deb [trusted=yes] copy:{repository} ./"),
    )
    plan = Plan(
        argv=argv,
        env={**build_environment(lock.epoch), "DEBIAN_FRONTEND": "noninteractive"},
        mounts=(Mount("bind", str(target), str(target)),),
        handler=registration(emulator.machine, emulator.program, "OCF"),
        merge_output=True,
    )
    begun = time.monotonic()
    run_inside(plan)
    return time.monotonic() - begun


def changed_recipe(recipe: Path, folder: Path) -> Path:
    """The recipe with another last layer."""
    other = folder / "base.toml"
    layer = '[[layer]]\nname = "changed"\n[[layer.file]]\npath = "/etc/changed"\n'
    other.write_text(f'{recipe.read_text()}\n{layer}lines = ["{time.time_ns()}"]\n')
    return other


def tell(words: str, ratio: str) -> None:
    """One line of the table."""
    sys.stdout.write(f"{words:<68} {ratio}\n")
    sys.stdout.flush()


def main() -> None:
    """Measure everything in the folder named on the command line."""
    folder = Path(sys.argv[1]).resolve()
    recipe = assets() / "recipes/base.toml"
    cold = {}
    for architecture in (NATIVE, FOREIGN):
        place = folder / architecture
        build(place, architecture, recipe)
        forget_layers(place)
        cold[architecture] = build(place, architecture, recipe)
        run = cold[architecture]
        tell(f"cold {architecture}, layers", f"{run.seconds - run.image:.1f} s")
        tell(f"cold {architecture}, image and its papers", f"{run.image:.1f} s")
    place = folder / FOREIGN
    counts = count_runs(Store(place / "layers"))
    tell(f"programs of the image: {counts}", f"{counts.share:.3f}")
    layers = {name: run.seconds - run.image for name, run in cold.items()}
    tell(f"cold {FOREIGN} against our own {NATIVE}", f"{layers[FOREIGN] / layers[NATIVE]:.2f}")
    tell("nothing changed", f"{build(place, FOREIGN, recipe).seconds:.2f} s")
    run = build(place, FOREIGN, changed_recipe(recipe, folder))
    tell("last layer changed, above that layer's own work", f"{run.seconds - run.changed:.2f} s")
    if "--without-plain" not in sys.argv:
        plain = emulate_plainly(place, read_lock(place / "out/base.lock"))
        tell(f"mmdebstrap of the same packages, plainly emulated: {plain:.0f} s", "")
        tell(f"cold {FOREIGN} against that", f"{layers[FOREIGN] / plain:.3f}")
    if counts.share < LEAST_SHARE:
        sys.exit(f"Only {counts.share:.0%} of the programs ran natively.")


if __name__ == "__main__":
    main()
