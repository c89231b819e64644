"""Private namespaces to build in: mounts that only the build sees and that end with it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from builder.inside import enter
from builder.inside.enter import Mount, Plan
from flasher.errors import EnvironmentLacks
from flasher.events import CancelFlag
from flasher.process import Finished, ProgramFailed, run

__all__ = ["Mount", "Plan", "overlay", "run_inside", "script"]


def require_rights() -> None:
    """Raise `EnvironmentLacks` unless we may map every user id, as root may."""
    if os.geteuid() != 0:
        raise EnvironmentLacks(
            "needs-root",
            "Building a base image needs root: the files in it belong to many users.",
            "Run the same command with sudo.",
        )


def run_inside(
    plan: Plan,
    *,
    cancel: CancelFlag | None = None,
    on_line: Callable[[str], None] | None = None,
    hint: str = "The lines above are the program's own words.",
) -> Finished:
    """Run a plan to its end in namespaces of its own; nothing of it outlives this call.

    Args:
        plan: mounts and program.
        cancel: when set, everything inside is killed.
        on_line: called with each line of standard error (with all output if the plan merges it).
        hint: what a person should do if the program fails.

    Raises:
        EnvironmentLacks: this computer does not let us make the namespaces or mounts.
        ProgramFailed: the program's exit status was not 0.
        Cancelled: the flag was set.
    """
    require_rights()
    try:
        return run(
            [sys.executable, "-I", "-S", enter.__file__],
            stdin=json.dumps(asdict(plan)).encode(),
            cancel=cancel,
            on_line=on_line,
            hint=hint,
        )
    except ProgramFailed as failure:
        if failure.finished.status == enter.SETUP_FAILED:
            raise EnvironmentLacks(
                "sandbox-refused",
                f"The build sandbox could not be made: {failure.finished.errors.strip()}",
                "Build on a computer, or in a container, that allows user namespaces and mounts.",
            ) from failure
        raise


def overlay(target: str, lower: tuple[str, ...], *, upper: str = "", work: str = "") -> Mount:
    """An overlay of trees, the topmost of `lower` first; read-only without `upper`.

    Paths are relative to the plan's folder: the kernel limits all options to one page.
    """
    options = [f"lowerdir={':'.join(lower)}", "userxattr"]
    if upper:
        options += [f"upperdir={upper}", f"workdir={work}"]
    return Mount("overlay", target, options=",".join(options))


def script(module_file: str, *arguments: str) -> tuple[str, ...]:
    """Command line of one of our own scripts in `builder.inside`, standard library only."""
    return (sys.executable, "-I", "-S", str(Path(module_file)), *arguments)
