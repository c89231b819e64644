"""Reads the conf of a customisation script, or does what it customises.

Runs as a script of its own (standard library only, Python 3.8 as Ubuntu 20.04 has it):

    run.py tell SCRIPT            prints {"conf": …} as JSON
    run.py customise SCRIPT USER…  after making these users, where they are missing

Modules of the script's own repository come first, then Python's and the image's, then stand-ins for
those that are neither.
"""

from __future__ import annotations

import builtins
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import json
import os
import subprocess
import sys
import traceback
import types
from pathlib import Path

OWN = "/pi_image2"
TOOLS = "/flasher"
# What the room of the script tells a person of a failure: pid, file, line and command.
FAILED = Path("/run/flasher/failed")


class Absent(types.ModuleType):
    """Stands for a module that the building computer lacks, while a conf is read."""

    __path__: tuple[str, ...] = ()  # type: ignore[assignment]

    def __getattr__(self, name):  # type: ignore[no-untyped-def]
        if name.startswith("__"):
            raise AttributeError(name)

        def refuse(*_: object, **__: object) -> None:
            raise ImportError(f"{self.__name__} is not there while the conf is read.")

        return refuse


class StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds an `Absent` for every module that the script imports and no one else finds."""

    def find_spec(self, fullname: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        """The spec of a stand-in; Python's own modules do without what they lack."""
        frame = sys._getframe(1)  # noqa: SLF001
        while frame.f_back and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        if not frame.f_code.co_filename.startswith(OWN):
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec):  # type: ignore[no-untyped-def]
        """The stand-in."""
        return Absent(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """There is nothing to run."""


def load(script: str) -> object:
    """The script's `customizeImage`, made; it is given no token."""
    sys.path.insert(0, OWN)
    sys.path.append(f"{TOOLS}/shims")
    loader = importlib.machinery.SourceFileLoader("customize_image", script)
    spec = importlib.util.spec_from_loader("customize_image", loader)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    sys.modules["customize_image"] = module
    loader.exec_module(module)
    kind = getattr(module, "customizeImage", None)
    if kind is None:
        raise LookupError("There is no class customizeImage.")
    parameters = inspect.signature(kind).parameters.values()
    return kind(*(None for each in parameters if each.default is each.empty))


def tell(script: str) -> None:
    """Print the conf; what the script prints meanwhile goes to standard error."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    vars(builtins).update(exit=sys.exit, quit=sys.exit)  # the module site is left out
    sys.meta_path.append(StandIns())
    made = load(script)
    if not callable(getattr(made, "execute_customizations", None)):
        raise LookupError("customizeImage has no execute_customizations().")
    conf = getattr(made, "conf", None)
    answer.write(json.dumps({"conf": conf}, default=lambda _: None))
    answer.close()


def customise(script: str, users: list[str]) -> None:
    """Do what the script customises."""
    sys.dont_write_bytecode = True
    os.environ["PATH"] = f"{TOOLS}/bin:{os.environ['PATH']}"
    known = Path("/etc/passwd").read_text().splitlines()
    for user in users:
        if not any(line.startswith(f"{user}:") for line in known):
            call("useradd", "--create-home", "--user-group", "--shell", "/bin/bash", user)
    if os.environ.pop("FLASHER_REFRESH", "") and not list(
        Path("/var/lib/apt/lists").glob("*_Packages*")
    ):
        call("apt-get", "update")
    made = load(script)
    os.chdir("/")
    made.execute_customizations()  # type: ignore[attr-defined]


def call(*argv: str) -> None:
    """Run a program that must not fail."""
    subprocess.run(argv, check=True)


def explain(script: str, error: BaseException) -> None:
    """Say what failed, in the words of Python without our own frames, and note the place."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename.startswith(OWN)]
    told = traceback.TracebackException.from_exception(error)
    if isinstance(error, SystemExit):
        sys.stderr.write(f"The script ends Python (exit {error.code}) before it is done.\n")
    else:
        sys.stderr.write("".join(told.format_exception_only()))
    if isinstance(error, SyntaxError):
        place = [(error.filename or script, error.lineno or 0, (error.text or "").strip())]
    else:
        place = [(frame.filename, frame.lineno or 0, frame.line or "") for frame in own]
    for file, line, text in reversed(place):
        sys.stderr.write(f"  {file.replace(OWN + '/', '')}, line {line}: {text}\n")
    if place and FAILED.exists():
        file, line, text = next((each for each in reversed(place) if each[0] == script), place[-1])
        # What a bash said before is of interest only where its failure is this one.
        kept = FAILED.read_text() if isinstance(error, subprocess.CalledProcessError) else ""
        FAILED.write_text(f"{kept}{os.getpid()}\t{file}\t{line}\t{text or 'conf'}\0")


def main() -> int:
    """Do what the arguments say."""
    kind, script, *users = sys.argv[1:]
    try:
        if kind == "tell":
            tell(script)
        else:
            customise(script, users)
    except BaseException as error:  # whatever others' code raises
        explain(script, error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
