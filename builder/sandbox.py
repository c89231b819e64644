"""Private namespaces to build in: mounts that only the build sees and that end with it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from builder.inside import enter
from builder.inside.enter import Mount, Order, Plan
from builder.rights import explain_refusal, require_rights
from flasher.errors import EnvironmentLacks
from flasher.events import CancelFlag
from flasher.process import Finished, ProgramFailed, hand_over, run

__all__ = [
    "Mount",
    "Plan",
    "overlay",
    "remove_tree",
    "run_at_terminal",
    "run_inside",
    "script",
    "try_overlay",
]

_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

_UNFIT = (
    "overlay-refused",
    "Set FLASHER_CACHE to a folder on ext4, xfs or btrfs; not a network's, and not a container's "
    "own.",
)

# How the sandbox's own words about a failure begin, the error's code, and what to do.
_REFUSALS = (
    (
        "making namespaces",
        "namespaces-forbidden",
        "Allow user namespaces to users, or run the same command with sudo.",
    ),
    ("mounting overlay", *_UNFIT),
    (
        "mounting binfmt_misc",
        "handler-missing",
        "Install the package binfmt-support with qemu-user-static, or use Linux 6.7 or newer.",
    ),
)
_REFUSED = ("sandbox-refused", "Build on a computer, or in a container, that allows mounts.")


def run_inside(
    plan: Plan,
    *,
    cancel: CancelFlag | None = None,
    on_line: Callable[[str], None] | None = None,
    hint: str = "The lines above are the program's own words.",
    keep: Sequence[int] = (),
) -> Finished:
    """Run a plan to its end in namespaces of its own; nothing of it outlives this call.

    Args:
        plan: mounts and program.
        cancel: when set, everything inside is killed.
        on_line: called with each line of standard error (with all output if the plan merges it).
        hint: what a person should do if the program fails.
        keep: descriptors of ours that the program has too.

    Raises:
        EnvironmentLacks: this computer does not let us make the namespaces or mounts.
        ProgramFailed: the program's exit status was not 0.
        Cancelled: the flag was set.
    """
    ids = require_rights()
    order = Order(plan, os.getpid(), ids.users, ids.groups)
    try:
        return run(
            [sys.executable, "-I", "-S", enter.__file__],
            stdin=json.dumps(asdict(order)).encode(),
            cancel=cancel,
            on_line=on_line,
            hint=hint,
            keep=keep,
        )
    except ProgramFailed as failure:
        if failure.finished.status == enter.SETUP_FAILED:
            if ids.users:
                explain_refusal()
            raise _refusal(failure.finished.errors.strip()) from failure
        raise


def run_at_terminal(plan: Plan, order_file: Path) -> int:
    """The same for a program that talks with a person; return its exit status.

    Args:
        plan: without `merge_output`.
        order_file: where to leave a note for the program that enters the namespaces.

    Raises:
        EnvironmentLacks: the user lacks the rights.
    """
    ids = require_rights()
    order = Order(plan, os.getpid(), ids.users, ids.groups)
    order_file.write_text(json.dumps(asdict(order)), encoding="utf-8")
    return hand_over([sys.executable, "-I", "-S", enter.__file__, str(order_file)])


def _refusal(said: str) -> EnvironmentLacks:
    about = [(code, hint) for begins, code, hint in _REFUSALS if begins in said]
    code, hint = about[0] if about else _REFUSED
    return EnvironmentLacks(code, f"The build's sandbox could not be made: {said}", hint)


def remove_tree(tree: Path) -> None:
    """Remove a folder, whoever owns what is in it; nothing if there is none."""
    if tree.exists():
        run_inside(Plan(("rm", "-rf", "--one-file-system", "--", str(tree)), _ENVIRONMENT))


def overlay(target: str, lower: tuple[str, ...], *, upper: str = "", work: str = "") -> Mount:
    """An overlay of trees, the topmost of `lower` first; read-only without `upper`.

    What programs ask to be on disk at once is not: a draft is synced when it is whole. So a work
    folder serves one mount only. Paths are relative to the plan's folder: the kernel limits all
    options to one page.
    """
    options = [f"lowerdir={':'.join(lower)}", "userxattr"]
    if upper:
        options += [f"upperdir={upper}", f"workdir={work}", "volatile"]
    return Mount("overlay", target, options=",".join(options))


def script(module_file: str, *arguments: str) -> tuple[str, ...]:
    """Command line of one of our own scripts in `builder.inside`, standard library only."""
    return (sys.executable, "-I", "-S", str(Path(module_file)), *arguments)


def try_overlay(folder: Path) -> None:
    """Stack trees in an empty folder for a moment, and remove something there as layers do.

    Raises:
        EnvironmentLacks: this user, kernel or file system cannot.
    """
    for name in ("lower", "upper", "work", "merged"):
        (folder / name).mkdir()
    (folder / "lower/file").touch()
    stack = overlay("merged", ("lower",), upper="upper", work="work")
    try:
        os.setxattr(folder / "upper", "user.overlay.probe", b"")  # the kernel would do without
        run_inside(Plan(("rm", "merged/file"), _ENVIRONMENT, (stack,), folder=str(folder)))
    except (OSError, ProgramFailed) as error:
        code, hint = _UNFIT
        raise EnvironmentLacks(
            code, f"The file system of {folder.parent} cannot hold layers: {error}.", hint
        ) from error
    finally:
        remove_tree(folder / "work")
