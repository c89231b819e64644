"""What all steps that install packages share: the locked .debs, and the proof that they are it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence

from builder.bench import Bench
from builder.diagnosis import StepFailed
from builder.inside import place, tidy
from builder.layers import Inputs
from builder.lock import LockedGroup, LockedPackage
from builder.recipe import RecipeFile
from builder.sandbox import script

# deb822 text of the packages that were not asked for: apt-mark(8).
AUTO = "var/lib/apt/extended_states"
_TOLD = 6
# States of packages that were removed before: systems of others may have some.
_ONLY_SETTINGS = (" config-files", " not-installed")


def describe_group(group: LockedGroup) -> Inputs:
    """What a layer of these packages is made from, as its key takes it."""
    return {
        "epoch": group.epoch,
        "requested": list(group.requested),
        "packages": [[p.name, p.version, p.architecture, p.sha256] for p in group.packages],
    }


def auto_installed(groups: Iterable[LockedGroup], before: str = "") -> RecipeFile:
    """apt's file of the packages that only others need: it may remove them with those.

    Args:
        groups: without the lowest, which stays whatever is removed.
        before: the file's text, as the lowest layer has it, where that is the system of others.
    """
    told = before + "\n".join(
        f"Package: {package.name}\nArchitecture: {package.architecture}\nAuto-Installed: 1\n"
        for group in groups
        for package in group.packages
        if package.name not in group.requested
    )
    return RecipeFile(f"/{AUTO}", told.encode())


def require_exactly(bench: Bench, locked: Sequence[LockedPackage]) -> None:
    """Check that the tree holds these packages, installed, and no others.

    Raises:
        StepFailed: ``packages-differ``, naming the first few.
    """
    _require(bench, {_line(each) for each in locked})


def require_added(bench: Bench, before: set[str], added: Sequence[LockedPackage]) -> None:
    """Check that the tree holds what it held before and these packages, in their versions.

    What is below was compared with the lock when it was made, but for what scripts did since.

    Args:
        bench: with the tree.
        before: as `installed_packages` told it.
        added: in place of others of their names.

    Raises:
        StepFailed: ``packages-differ``, naming the first few.
    """
    names = {each.name for each in added}
    kept = {line for line in before if line.split(" ", 1)[0] not in names}
    _require(bench, kept | {_line(each) for each in added})


def installed_packages(bench: Bench) -> set[str]:
    """Name, version, architecture and state of each package in the tree, a line each."""
    form = "${Package} ${Version} ${Architecture} ${db:Status-Status}\n"
    argv = (
        "dpkg-query",
        f"--admindir={bench.merged}/var/lib/dpkg",
        "--show",
        f"--showformat={form}",
    )
    told = bench.run_host(argv).text.splitlines()
    return {line for line in told if not line.endswith(_ONLY_SETTINGS)}


def _line(package: LockedPackage) -> str:
    return f"{package.name} {package.version} {package.architecture} installed"


def _require(bench: Bench, wanted: set[str]) -> None:
    found = installed_packages(bench)
    differing = sorted(f"  {line} (locked)" for line in wanted - found)
    differing += sorted(f"  {line} (in the tree)" for line in found - wanted)
    if differing:
        more = [f"  and {len(differing) - _TOLD} more"] if len(differing) > _TOLD else []
        raise StepFailed(
            "packages-differ",
            "The tree does not hold the packages that the lock names:\n"
            + "\n".join([*differing[:_TOLD], *more]),
            f"Make a new lock (--update). The log is {bench.log.path}.",
        )


def place_files(
    bench: Bench,
    files: Sequence[RecipeFile],
    enable: Sequence[str] = (),
    disable: Sequence[str] = (),
    mask: Sequence[str] = (),
) -> str:
    """Write files into the tree and set units; return what `builder.inside.place` says."""
    assert bench.draft is not None
    contents = [(file.path, file.mode, base64.b64encode(file.data).decode()) for file in files]
    order = bench.draft.folder / "order.json"
    told = {"files": contents, "enable": enable, "disable": disable, "mask": mask}
    order.write_text(json.dumps(told), encoding="ascii")
    said = bench.run_host(script(place.__file__, str(bench.merged), str(order))).text
    order.unlink()
    return said


def tidy_up(bench: Bench) -> list[str]:
    """Take out what the programs of a step left of themselves; see `builder.inside.tidy`."""
    return bench.run_host(script(tidy.__file__, str(bench.merged))).text.split()
