"""Whether Raspberry Pis boot a finished image: what the image itself says, read as they read it.

Everything that is wrong is found at once. The rules are in `builder.lint`, one module a matter.
"""

from __future__ import annotations

from pathlib import Path

from builder.bench import Bench, StepFailed
from builder.lint.boards import check_boards, largest_start
from builder.lint.cameras import check_cameras
from builder.lint.finding import Finding
from builder.lint.mounts import check_fstab
from builder.lint.processor import check_processor
from builder.lint.table import HEAD_SIZE, check_table
from builder.lint.volumes import check_boot_volume, read_volumes
from builder.recipe import Recipe
from builder.steps.installed import installed_packages
from flasher.errors import FlasherError
from flasher.image.blocks import SECTOR, Blocks, FileBlocks
from flasher.image.fat import FatVolume
from flasher.image.mbr import Mbr

# Where systems mount the boot partition, relative to the tree: since Debian 12, and before.
BOOT_PLACES = ("boot/firmware", "boot")


def require_bootable(image: Path, recipe: Recipe, bench: Bench) -> None:
    """Check a finished image; one that is for no board is not looked at.

    Args:
        image: the raw image.
        recipe: what it was made from.
        bench: with the tree that it was made from.

    Raises:
        StepFailed: ``not-bootable``, naming all that is wrong and what to do about each.
    """
    if not recipe.boards:
        return
    has_fstab = "fstab" in bench.list_folder("etc")
    fstab = bench.run_host(("cat", str(bench.merged / "etc/fstab"))).text if has_fstab else ""
    with FileBlocks(image) as blocks:
        findings = find_faults(blocks, recipe, fstab)
    if recipe.image.cameras:
        findings += check_cameras(recipe, installed_packages(bench), _modules(bench))
    if any(board.sixth for board in recipe.boards) and "bash" in bench.list_folder("usr/bin"):
        shell = bench.run_host(("cat", str(bench.merged / "usr/bin/bash"))).output
        findings += check_processor(shell, recipe.boards)
    if findings:
        raise StepFailed(
            "not-bootable",
            "No Pi, or not every one, could boot this image:\n"
            + "\n".join(f"  {finding}" for finding in findings),
            "Mend what is named, or say in the recipe which Pis it is for: [image] boards.",
        )


def _modules(bench: Bench) -> list[str]:
    """Paths of all modules of the tree's kernels."""
    folder = bench.merged / "usr/lib/modules"
    argv = ("find", str(folder), "-name", "*.ko*", "-o", "-name", "modules.builtin")
    paths = bench.run_host(argv).text.split()
    built_in = [path for path in paths if path.endswith("/modules.builtin")]
    return [*paths, *(bench.run_host(("cat", *built_in)).text.split() if built_in else ())]


def find_faults(blocks: Blocks, recipe: Recipe, fstab: str) -> list[Finding]:
    """All findings about an image.

    Args:
        blocks: the image.
        recipe: for labels, boards and architecture.
        fstab: text of its /etc/fstab.
    """
    head = blocks.read(0, min(HEAD_SIZE, blocks.size)).ljust(HEAD_SIZE, b"\0")
    findings = check_table(head, blocks.size, has_data=bool(recipe.image.data_size_mib))
    try:
        first = next(part for part in Mbr.from_bytes(head[:SECTOR]).partitions if part.slot == 1)
        boot, volumes = FatVolume(blocks, first.offset), read_volumes(blocks)
    except StopIteration:
        return findings
    except FlasherError as error:
        return [*findings, Finding(error.message, error.hint)]
    return [
        *findings,
        *check_boot_volume(boot, recipe.image.boot_label, largest_start(boot, recipe.boards)),
        *check_boards(boot, recipe.boards, recipe.architecture, volumes),
        *check_fstab(fstab, volumes),
    ]
