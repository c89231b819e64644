"""A folder to build the small recipe in, and what its builds leave there."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.builds import killing

RECIPE = Path(__file__).with_name("small.toml")
Wrap = Callable[[list[str]], list[str]]
Meanwhile = Callable[[str], None]
FLASHER = str(Path(sys.executable).with_name("flasher"))


@dataclass(frozen=True, slots=True)
class Ended:
    """A build that ran to its end, and what it told, an object each."""

    status: int
    told: tuple[dict[str, object], ...]

    @property
    def code(self) -> str:
        """The code of its error."""
        return str(self.told[-1].get("code", ""))

    @property
    def words(self) -> str:
        """What it said of its error."""
        return f"{self.told[-1].get('message')} {self.told[-1].get('hint')}"

    @property
    def layers(self) -> dict[str, str]:
        """Keys of the layers by name, lowest first."""
        layers = self.told[-1]["layers"]
        assert isinstance(layers, list)
        return {layer["name"]: layer["key"] for layer in layers}

    @property
    def reused(self) -> set[str]:
        """Names of the layers that had not to be made."""
        layers = self.told[-1]["layers"]
        assert isinstance(layers, list)
        return {layer["name"] for layer in layers if layer["reused"]}

    @property
    def phases(self) -> dict[str, float]:
        """Seconds of each step that was told."""
        done = [event for event in self.told if event.get("event") == "StepFinished"]
        return {f"{e['subject']} {e['step']}": float(str(e["seconds"])) for e in done}


@dataclass(frozen=True, slots=True)
class End:
    """The end of a build that got a signal.

    Attributes:
        alive: whether it was still running then.
        left: command lines of its processes that would not end.
    """

    alive: bool
    status: int
    left: list[str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where builds happen, and of what."""

    folder: Path
    recipe: Path = RECIPE

    @property
    def out(self) -> Path:
        """Where the image goes."""
        return self.folder / "out"

    @property
    def store(self) -> Path:
        """Where the layers are kept."""
        return self.folder / "cache/layers"

    def argv(self, *options: str) -> list[str]:
        """The command line of a build here."""
        words = ("build-base", str(self.recipe), "--out", str(self.out), "--json", *options)
        return ["env", f"FLASHER_CACHE={self.folder / 'cache'}", FLASHER, *words]

    def build(
        self, *options: str, wrap: Wrap = list, meanwhile: Meanwhile = lambda _phase: None
    ) -> Ended:
        """Build here.

        Args:
            options: for the command.
            wrap: changes the command line.
            meanwhile: hears each step as it begins.
        """
        told = []
        argv = wrap(self.argv(*options))
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as build:
            assert build.stdout is not None
            for line in build.stdout:
                told.append(json.loads(line))
                if told[-1].get("event") == "StepStarted":
                    meanwhile(f"{told[-1]['subject']} {told[-1]['step']}")
        return Ended(build.returncode, tuple(told))

    def forget(self, phase: str, layers: dict[str, str]) -> tuple[str, ...]:
        """Take away what keeps the next build from going through a step; give its options."""
        subject, _, step = phase.partition(" ")
        if step == "resolve":
            return ("--update",)
        if step == "fetch":
            shutil.rmtree(self.store / "pool")
            subject = "tools"
        for path in self.out.glob("[!.]*"):
            if path.suffix != ".lock":
                path.unlink()
        names = list(layers)
        for name in names[names.index(subject) :] if subject in names else ():
            shutil.rmtree(self.store / layers[name][:20], ignore_errors=True)
        return ()

    def made(self) -> dict[str, str]:
        """Digests of the files under final names, but for the log, which is of one run."""
        files = [path for path in self.out.glob("[!.]*") if not path.name.endswith(".log")]
        return {path.name: _digest(path) for path in sorted(files)}

    def unfinished(self) -> list[str]:
        """What killed builds left under names of the moment, for the next one to sweep."""
        return [str(path) for path in (*self.out.glob(".*"), *self.store.glob("draft-*"))]

    def copy_to(self, folder: Path) -> Place:
        """The same place once more: finished layers never change, so links will do."""
        subprocess.run(["cp", "-a", "--link", str(self.folder), str(folder)], check=True)
        return Place(folder, self.recipe)


def end_build(
    place: Place, phase: str, delay: float, number: int, *options: str, whole_group: bool
) -> End:
    """Start a build and send it a signal; see `tests.builds.killing.end_build`."""
    request = {
        "argv": place.argv(*options),
        "phase": phase,
        "delay": delay,
        "number": number,
        "whole_group": whole_group,
    }
    argv = [sys.executable, killing.__file__, json.dumps(request)]
    return End(**json.loads(subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout))


def bring_pool(source: Place, place: Place) -> None:
    """What was downloaded for one place, for builds in another that is empty as yet."""
    place.store.mkdir(parents=True)
    subprocess.run(["cp", "-a", "--link", source.store / "pool", place.store], check=True)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
